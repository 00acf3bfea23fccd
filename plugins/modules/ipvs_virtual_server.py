#!/usr/bin/python
# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: ipvs_virtual_server
short_description: Keep one balanced service of a director
version_added: 1.0.0
author:
  - The Mainstay authors (@mainstay)
description:
  - Keeps one C(virtual_server), an address and port with a pool of real servers behind it, in a file of its own
    and has the running daemon take it over by reload.
  - It serves O(address) and O(port), or what the packet filter marks (O(fwmark)), or all that a
    C(virtual_server_group) of the daemon's configuration lists (O(virtual_server_group)).
  - A server has one O(real_servers[].check) or several O(real_servers[].checks).
  - The daemon installs it in its data plane, the kernel's IPVS or nftables.
  - The options are keepalived's, and the same as those of C(mainstay_virtual_servers) of the role
    P(mainstay.ha.director#role).
extends_documentation_fragment:
  - mainstay.ha._attributes
  - mainstay.ha._attributes.actiongroup_ha
  - mainstay.ha._object
  - mainstay.ha._balancing.virtual_server
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
seealso:
  - module: mainstay.ha.vrrp_instance
  - module: mainstay.ha.ha_check
"""

EXAMPLES = r"""
- name: Two web servers behind one address
  mainstay.ha.ipvs_virtual_server:
    name: web
    address: 192.0.2.10
    port: 80
    protocol: TCP
    lb_algo: wrr
    lb_kind: DR
    delay_loop: 2
    real_servers:
      - {address: 192.0.2.21, port: 80, check: {type: http, path: /healthz, status_code: 200}}
      - {address: 192.0.2.22, port: 80, check: {type: http, path: /healthz, status_code: 200}}
    wait: true

- name: A pool of mail servers that is never emptied by checks, and what clients get when all are down
  mainstay.ha.ipvs_virtual_server:
    name: mail
    address: 192.0.2.10
    port: 25
    protocol: TCP
    slow_start: 30
    pool_floor: 50
    sorry_server: 192.0.2.30 25
    quorum_down: /usr/local/bin/page "mail is down"
    real_servers:
      - address: 192.0.2.25
        checks:
          - {type: smtp, starttls: true, verify: full, sni_name: mail.example.com}
          - {type: misc, misc_path: /usr/local/bin/queue-length 192.0.2.25, misc_dynamic: true}
      - {address: 192.0.2.26, check: {type: smtp, rise: 2, fall: 3}}
      - {address: 192.0.2.27, backup: true, check: {type: tcp, expect: '220 '}}

- name: The service is needed no more
  mainstay.ha.ipvs_virtual_server:
    name: web
    state: absent
"""

RETURN = r"""
object:
  description: The service as it is kept, defaults spelt out; V(none) for O(state=absent).
  returned: success
  type: dict
  sample:
    address: 192.0.2.10
    lb_algo: wrr
    lb_kind: DR
    port: 80
    protocol: TCP
file:
  description: The file that the object is kept in.
  returned: success
  type: str
  sample: /etc/mainstay/conf.d/virtual_server-web.json
reloaded:
  description: Whether the daemon has taken the change over.
  returned: success
  type: bool
  sample: true
status:
  description: What the daemon reports of the service; V(none) for O(state=absent).
  returned: when O(wait=true), on failure too
  type: dict
  sample:
    installed: true
    real_servers:
      - address: 192.0.2.21
        in_pool: true
        port: 80
        state: up
problems:
  description: Everything that is wrong with what was wanted.
  returned: when it is refused
  type: list
  elements: dict
  contains:
    path:
      description: Where, as a configuration file would spell it.
      type: str
      sample: virtual_servers.web.lb_algo
    value:
      description: What stands there.
      type: raw
      sample: wr
    message:
      description: What is allowed.
      type: str
      sample: must be one of rr, wrr, lc, wlc, lblc, lblcr, sh, mh, dh, fo, ovf, sed, nq, twos.
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.mainstay.ha.plugins.module_utils._argspec import object_spec
from ansible_collections.mainstay.ha.plugins.module_utils._object_module import Document, Kind, run

_COMPARED = ("address", "port", "protocol", "lb_algo", "lb_kind")


def status_of(status: Document, name: str) -> t.Optional[Document]:
    """The service's part of the daemon's status."""
    found = status.get("lvs", {}).get("virtual_servers", {}).get(name)
    return t.cast("t.Optional[Document]", found)


def unconverged(status: Document, name: str, wanted: t.Optional[Document]) -> str:
    """What is missing until the data plane holds the service as wanted; empty when nothing is."""
    section = status.get("lvs", {})
    running = status_of(status, name)
    if not section.get("alive"):
        return "the daemon's health worker is not alive"
    if wanted is None:
        return "" if running is None else "the daemon still runs it"
    if section.get("error"):
        return str(section["error"])
    if running is None:
        return "the daemon does not run it yet"
    different = [key for key in _COMPARED if key in wanted and running.get(key) != wanted[key]]
    if different:
        return f"the daemon still runs it with {different[0]} {running.get(different[0])}"
    return _uninstalled(running, wanted)


def _uninstalled(running: Document, wanted: Document) -> str:
    if running.get("refusals"):
        return f"the data plane refuses it: {'; '.join(running['refusals'])}"
    if not running["installed"]:
        return "it is not installed in the data plane"
    here, there = _members(running, running), _members(wanted, wanted)
    if here != there:
        return f"its pool is still {', '.join(sorted(here)) or 'empty'}"
    return ""


def _members(service: Document, says: Document) -> t.Set[str]:
    """Every real server of a service, whatever its health; what it leaves open the service `says`."""
    default = {"port": says.get("port", 0), "weight": says.get("weight")}
    servers = [{**default, **server} for server in service["real_servers"]]
    return {f"{server['address']}:{server['port']} weight {server['weight']}" for server in servers}


def main() -> t.NoReturn:
    """Entry of the module."""
    module = AnsibleModule(**object_spec("virtual_server"))
    run(module, Kind("virtual_server", unconverged, status_of))


if __name__ == "__main__":
    main()
