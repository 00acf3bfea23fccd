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
  - The daemon installs it in its data plane, the kernel's IPVS or nftables.
  - The options are keepalived's, and the same as those of C(mainstay_virtual_servers) of the role
    P(mainstay.ha.director#role).
extends_documentation_fragment:
  - mainstay.ha._attributes
  - mainstay.ha._attributes.actiongroup_ha
  - mainstay.ha._object
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  address:
    description:
      - Address of the service.
      - Required when O(state=present).
    type: str
  port:
    description:
      - Port of the service.
      - From 1 to 65535.
      - Required when O(state=present).
    type: int
  protocol:
    description:
      - TCP or UDP; has to be said.
      - Required when O(state=present).
    type: str
    choices: [TCP, UDP]
  lb_algo:
    description:
      - How a server is chosen.
    type: str
    choices: [rr, wrr, lc, wlc, sh, mh]
    default: wlc
  lb_kind:
    description:
      - How packets reach the server.
    type: str
    choices: [NAT, DR]
    default: NAT
  delay_loop:
    description:
      - Period of the checks.
      - From 0.1 to 86400 seconds.
    type: float
    default: 6
  persistence_timeout:
    description:
      - So long a client stays with its server; 0 = off.
      - From 0 to 2678400 in steps of 1 seconds.
    type: float
    default: 0
  inhibit_on_failure:
    description:
      - A failed server keeps its entry, at weight 0.
    type: bool
    default: false
  real_servers:
    description:
      - The pool.
    type: list
    elements: dict
    default: []
    suboptions:
      address:
        description:
          - Address of the server.
        type: str
        required: true
      port:
        description:
          - Port of the server.
          - From 1 to 65535.
        type: int
        required: true
      weight:
        description:
          - >-
            Share of the load; 0 drains: no new connections.
          - From 0 to 65535.
        type: int
        default: 1
      inhibit_on_failure:
        description:
          - As in the virtual_server, for this server; without it as there.
        type: bool
      check:
        description:
          - How to tell that the server is up; without it the server always counts as up.
        type: dict
        suboptions:
          type:
            description:
              - Kind of the check.
            type: str
            required: true
            choices: [tcp, http]
          connect_ip:
            description:
              - Address to probe; without it the server's.
            type: str
          connect_port:
            description:
              - Port to probe; without it the server's.
              - From 1 to 65535.
            type: int
          connect_timeout:
            description:
              - Deadline of the whole probe, connect included.
              - From 0.01 to 3600 seconds.
              - Its default is V(5).
            type: float
          retry:
            description:
              - Further probes after a failed one before the server is taken out.
              - From 0 to 1000.
              - Its default is V(1).
            type: int
          delay_before_retry:
            description:
              - Pause before such a further probe.
              - From 0 to 3600 seconds.
              - Its default is V(1) for V(tcp) and V(3) for V(http).
            type: float
          path:
            description:
              - Path to GET.
              - Only for checks of type V(http). Its default is V(/).
            type: str
          status_code:
            description:
              - Status codes that mean up.
              - From 100 to 599.
              - Only for checks of type V(http). Its default is V(200-299).
            type: raw
          virtualhost:
            description:
              - Host header; without it address:port of the server.
              - Only for checks of type V(http).
            type: str
          http_protocol:
            description:
              - Version of HTTP to speak.
              - Only for checks of type V(http). Its default is V(1.0).
            type: str
            choices: ['1.0', '1.1']
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
      sample: must be one of rr, wrr, lc, wlc, sh, mh.
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
    different = [key for key in _COMPARED if running.get(key) != wanted[key]]
    if different:
        return f"the daemon still runs it with {different[0]} {running.get(different[0])}"
    return _uninstalled(running, wanted)


def _uninstalled(running: Document, wanted: Document) -> str:
    if running.get("refusals"):
        return f"the data plane refuses it: {'; '.join(running['refusals'])}"
    if not running["installed"]:
        return "it is not installed in the data plane"
    here, there = _members(running), _members(wanted)
    if here != there:
        return f"its pool is still {', '.join(sorted(here)) or 'empty'}"
    return ""


def _members(service: Document) -> t.Set[str]:
    """Every real server of a service, whatever its health."""
    return {f"{server['address']}:{server['port']} weight {server['weight']}" for server in service["real_servers"]}


def main() -> t.NoReturn:
    """Entry of the module."""
    module = AnsibleModule(**object_spec("virtual_server"))
    run(module, Kind("virtual_server", unconverged, status_of))


if __name__ == "__main__":
    main()
