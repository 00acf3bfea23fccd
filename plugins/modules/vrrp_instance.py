#!/usr/bin/python
# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: vrrp_instance
short_description: Keep one virtual router of a director
version_added: 1.0.0
author:
  - The Mainstay authors (@mainstay)
description:
  - Keeps one C(vrrp_instance), a virtual router on one interface, in a file of its own and has the running daemon
    take it over by reload.
  - The options are keepalived's, and the same as those of C(mainstay_vrrp_instances) of the role
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
  interface:
    description:
      - Interface that adverts are sent on.
      - Required when O(state=present).
    type: str
  virtual_router_id:
    description:
      - Number of the virtual router, the same on all its routers.
      - From 1 to 255.
      - Required when O(state=present).
    type: int
  virtual_ipaddress:
    description:
      - Addresses that follow mastership.
      - Each is text, like V(192.0.2.10/24) or V(192.0.2.10/24 dev eth1 label eth1:1), or a mapping with the keys
        C(address), C(dev) and C(label).
      - Required when O(state=present).
    type: list
    elements: raw
  priority:
    description:
      - The highest becomes master. 255 is for the owner of the addresses alone.
      - From 1 to 255.
    type: int
    default: 100
  advert_int:
    description:
      - Time between two adverts; the same on all routers of the group.
      - From 0.01 to 40.95 in steps of 0.01 seconds.
    type: float
    default: 1
  version:
    description:
      - VRRP version.
    type: int
    choices: [3]
    default: 3
  nopreempt:
    description:
      - Coming back, do not take over from a master of lower priority.
    type: bool
    default: false
  vip_lease:
    description:
      - >-
        Lifetime of the addresses in the kernel, refreshed while master. Without it the largest that is safe;
        0 turns leasing off.
      - From 0 to 3600 in steps of 1 seconds.
    type: float
  garp_master_delay:
    description:
      - Second burst of gratuitous ARP so long after becoming master; 0 = none.
      - From 0 to 3600 seconds.
    type: float
    default: 5
  garp_master_repeat:
    description:
      - Gratuitous ARPs per address in one burst.
      - From 1 to 100.
    type: int
    default: 5
  garp_master_refresh:
    description:
      - Period of gratuitous ARP while master; 0 = off.
      - From 0 to 86400 seconds.
    type: float
    default: 0
  garp_master_refresh_repeat:
    description:
      - Gratuitous ARPs per address at each refresh.
      - From 1 to 100.
    type: int
    default: 1
seealso:
  - module: mainstay.ha.ipvs_virtual_server
"""

EXAMPLES = r"""
- name: A virtual router whose address moves to the other director when this one fails
  mainstay.ha.vrrp_instance:
    name: VI_1
    interface: eth0
    virtual_router_id: 51
    priority: 150
    virtual_ipaddress:
      - 192.0.2.10/24
    wait: true

- name: It is needed no more
  mainstay.ha.vrrp_instance:
    name: VI_1
    state: absent
"""

RETURN = r"""
object:
  description: The virtual router as it is kept, defaults spelt out; V(none) for O(state=absent).
  returned: success
  type: dict
  sample:
    advert_int: 1
    interface: eth0
    priority: 150
    virtual_ipaddress:
      - 192.0.2.10/24
    virtual_router_id: 51
file:
  description: The file that the object is kept in.
  returned: success
  type: str
  sample: /etc/mainstay/conf.d/vrrp_instance-VI_1.json
reloaded:
  description: Whether the daemon has taken the change over.
  returned: success
  type: bool
  sample: true
status:
  description: What the daemon reports of the virtual router; V(none) for O(state=absent).
  returned: when O(wait=true), on failure too
  type: dict
  sample:
    state: MASTER
    addresses_held:
      - 192.0.2.10/24
problems:
  description: Everything that is wrong with what was wanted.
  returned: when it is refused
  type: list
  elements: dict
  contains:
    path:
      description: Where, as a configuration file would spell it.
      type: str
      sample: vrrp_instances.VI_1.priority
    value:
      description: What stands there.
      type: raw
      sample: 300
    message:
      description: What is allowed.
      type: str
      sample: must be a whole number from 1 to 255.
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.mainstay.ha.plugins.module_utils._argspec import object_spec
from ansible_collections.mainstay.ha.plugins.module_utils._object_module import Document, Kind, run

_COMPARED = ("interface", "virtual_router_id", "priority")


def status_of(status: Document, name: str) -> t.Optional[Document]:
    """The instance's part of the daemon's status."""
    found = status.get("vrrp", {}).get("instances", {}).get(name)
    return t.cast("t.Optional[Document]", found)


def unconverged(status: Document, name: str, wanted: t.Optional[Document]) -> str:
    """What is missing until the daemon runs the instance as wanted; empty when nothing is."""
    running = status_of(status, name)
    if not status.get("vrrp", {}).get("alive"):
        return "the daemon's vrrp worker is not alive"
    if wanted is None:
        return "" if running is None else "the daemon still runs it"
    if running is None:
        return "the daemon does not run it yet"
    different = [key for key in _COMPARED if running.get(key) != wanted[key]]
    if different:
        return f"the daemon still runs it with {different[0]} {running.get(different[0])}"
    return _unsettled(running)


def _unsettled(running: Document) -> str:
    if running["state"] not in ("MASTER", "BACKUP"):
        return f"it is in state {running['state']}: {'; '.join(running.get('problems', [])) or 'no reason given'}"
    if running["state"] == "BACKUP" and running.get("master") is None:
        return "it is backup but has heard no master yet"
    absent = set(running["addresses"]) - set(running["addresses_held"])
    if running["state"] == "MASTER" and absent:
        return f"it is master without {', '.join(sorted(absent))}"
    return ""


def main() -> t.NoReturn:
    """Entry of the module."""
    module = AnsibleModule(**object_spec("vrrp_instance"))
    run(module, Kind("vrrp_instance", unconverged, status_of))


if __name__ == "__main__":
    main()
