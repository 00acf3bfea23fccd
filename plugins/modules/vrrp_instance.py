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
      - Addresses that follow mastership, all of one family. Needed unless no_virtual_ipaddress.
      - >-
        Each is text, like V(192.0.2.10/24) or V(192.0.2.10/24 dev eth1 label eth1:1), or a mapping with the keys
        C(address), C(dev), C(label), C(brd), C(scope) and C(preferred_lft).
    type: list
    elements: raw
  no_virtual_ipaddress:
    description:
      - >-
        There may be no addresses: somebody else moves them, such as a notify script.
    type: bool
    default: false
  virtual_ipaddress_excluded:
    description:
      - Addresses that follow mastership without being advertised, of either family.
      - Written as in O(virtual_ipaddress).
    type: list
    elements: raw
  virtual_routes:
    description:
      - Routes that follow mastership.
      - Each as C(ip route) spells it, like V(203.0.113.0/24 via 192.0.2.254).
    type: list
    elements: str
  virtual_rules:
    description:
      - Policy rules that follow mastership.
      - Each as C(ip rule) spells it, like V(from 192.0.2.10 table 100 priority 1000).
    type: list
    elements: str
  accept:
    description:
      - A master that is not the owner answers on its addresses; without it yes, in strict mode no.
    type: bool
  vip_lease:
    description:
      - >-
        Lifetime of the addresses in the kernel, refreshed while master. Without it the largest that is safe; 0 turns
        leasing off.
      - From 0 to 3600 in steps of 1 seconds.
    type: float
  promote_secondaries:
    description:
      - Removing one address of a subnet leaves the others (sets that sysctl).
    type: bool
    default: false
  use_vmac:
    description:
      - The addresses live on a macvlan with the virtual router's MAC address.
    type: bool
    default: false
  vmac_name:
    description:
      - Name of the macvlan; without it vrrp.51 or vrrp6.51 for virtual_router_id 51.
    type: str
  vmac_xmit_base:
    description:
      - Adverts leave through the interface, not the macvlan; always so with unicast_peer.
    type: bool
    default: false
  priority:
    description:
      - The highest becomes master. 255 is for the owner of the addresses alone.
      - From 1 to 255.
    type: int
    default: 100
  initial_state:
    description:
      - >-
        Hint for the start: MASTER waits for one advert_int only. The priorities decide all the same.
      - It is the option C(state) of the configuration.
    type: str
    choices: [MASTER, BACKUP]
  advert_int:
    description:
      - >-
        Time between two adverts; the same on all routers of the group. Version 3: up to 40.95; version 2: whole
        seconds.
      - From 0.01 to 255 in steps of 0.01 seconds.
    type: float
    default: 1
  version:
    description:
      - VRRP version; without it as vrrp_version of global_defs. IPv6 is always 3.
    type: int
    choices: [2, 3]
  nopreempt:
    description:
      - Coming back, do not take over from a master of lower priority.
    type: bool
    default: false
  preempt_delay:
    description:
      - So long a lesser master is left alone before it is taken over from.
      - From 0 to 1000 seconds.
    type: float
    default: 0
  down_timer_adverts:
    description:
      - >-
        So many adverts have to be missing until a backup takes over; without it as vrrp_down_timer_adverts of
        global_defs.
      - From 1 to 100.
    type: int
  lower_prio_no_advert:
    description:
      - A master does not answer a lesser advert at once; without it as vrrp_lower_prio_no_advert of global_defs.
    type: bool
  higher_prio_send_advert:
    description:
      - A master that yields sends one more advert; without it as vrrp_higher_prio_send_advert of global_defs.
    type: bool
  learn_interval_max:
    description:
      - Longest advert_int that is believed of a master (version 3); without it ten times our own, at least 10 s.
      - From 0.01 to 40.95 in steps of 0.01 seconds.
    type: float
  strict_mode:
    description:
      - Only what the RFC allows; without it as vrrp_strict of global_defs.
    type: bool
  dont_track_primary:
    description:
      - Losing the carrier of the own interface is no FAULT.
    type: bool
    default: false
  mcast_src_ip:
    description:
      - Source of multicast adverts; without it the interface's primary address.
    type: str
  mcast_dst_ip:
    description:
      - Group that adverts go to; without it as vrrp_mcast_group4 or vrrp_mcast_group6 of global_defs.
    type: str
  unicast_src_ip:
    description:
      - Source of unicast adverts; without it the interface's primary address.
    type: str
  unicast_peer:
    description:
      - >-
        The other routers: adverts go to each of them instead of to the group.
      - Each is text, like V(192.0.2.2), or a mapping with the keys C(address), C(min_ttl) and C(max_ttl).
    type: list
    elements: raw
  unicast_ttl:
    description:
      - TTL or hop limit of unicast adverts.
      - From 1 to 255.
    type: int
    default: 255
  check_unicast_src:
    description:
      - Unicast adverts are only believed from a unicast_peer.
    type: bool
    default: true
  skip_check_adv_addr:
    description:
      - >-
        The addresses of an advert are not compared with ours; without it as vrrp_skip_check_adv_addr of
        global_defs.
    type: bool
  v3_checksum:
    description:
      - >-
        Checksum of version 3 over IPv4: with pseudo-header (rfc5798), without (rfc9568), or as the peer (auto).
    type: str
    choices: [auto, rfc5798, rfc9568]
    default: auto
  authentication:
    description:
      - >-
        Simple password (version 2): a guard against mistakes, not people.
    type: dict
    suboptions:
      auth_type:
        description:
          - Kind of authentication.
        type: str
        required: true
        choices: [PASS]
      auth_pass:
        description:
          - The password, which travels in clear text.
        type: str
        required: true
  auth_hmac:
    description:
      - Adverts are signed with a shared key, as keepalived 2.4.2 and later do.
    type: dict
    suboptions:
      keys:
        description:
          - Keys that are accepted; several while one is replaced.
        type: list
        elements: dict
        required: true
        suboptions:
          id:
            description:
              - Number of the key, the same on all routers.
              - From 1 to 255.
            type: int
            required: true
          key:
            description:
              - The key.
            type: str
            required: true
      active_key:
        description:
          - Id of the key that signs.
          - From 1 to 255.
        type: int
        required: true
      mode:
        description:
          - >-
            enforce: only signed adverts count; permissive: unsigned ones too; receive-only: as permissive, and ours are
            not signed yet.
        type: str
        choices: [enforce, permissive, receive-only]
        default: enforce
      anti_replay:
        description:
          - >-
            What is fresh: within time_window (time), or newer than the last one (monotonic).
        type: str
        choices: [time, monotonic]
        default: time
      time_window:
        description:
          - Clocks may differ by so much; without it three times advert_int, at least 5 s.
          - From 1 to 300 seconds.
        type: float
  garp_master_delay:
    description:
      - >-
        Second burst of gratuitous ARP so long after becoming master, 0 = none; without it as vrrp_garp_master_delay of
        global_defs.
      - From 0 to 3600 seconds.
    type: float
  garp_master_repeat:
    description:
      - Gratuitous ARPs per address in one burst; without it as vrrp_garp_master_repeat of global_defs.
      - From 1 to 100.
    type: int
  garp_master_refresh:
    description:
      - Period of gratuitous ARP while master, 0 = off; without it as vrrp_garp_master_refresh of global_defs.
      - From 0 to 86400 seconds.
    type: float
  garp_master_refresh_repeat:
    description:
      - Gratuitous ARPs per address at each refresh; without it as vrrp_garp_master_refresh_repeat of global_defs.
      - From 1 to 100.
    type: int
  garp_lower_prio_delay:
    description:
      - >-
        Second burst so long after a lesser master was heard, 0 = none; without it as vrrp_garp_lower_prio_delay of
        global_defs.
      - From 0 to 3600 seconds.
    type: float
  garp_lower_prio_repeat:
    description:
      - >-
        Gratuitous ARPs per address after a lesser master was heard; without it as vrrp_garp_lower_prio_repeat of
        global_defs.
      - From 0 to 100.
    type: int
  track_interface:
    description:
      - Links that have to be up, or that count by weight (-253 to 253).
      - >-
        Each is text, like V(eth1) or V(eth1 weight -20 reverse), or a mapping with the keys C(name), C(weight) and
        C(reverse).
    type: list
    elements: raw
  track_script:
    description:
      - Names of vrrp_scripts.
      - Written as in O(track_interface).
    type: list
    elements: raw
  track_file:
    description:
      - Names of track_files.
      - Written as in O(track_interface).
    type: list
    elements: raw
  track_process:
    description:
      - Names of vrrp_track_processes.
      - Written as in O(track_interface).
    type: list
    elements: raw
  track_bfd:
    description:
      - Names of bfd_instances.
      - Written as in O(track_interface).
    type: list
    elements: raw
  notify_master:
    description:
      - Run on becoming master.
      - >-
        Text, like V(/usr/local/bin/tell master), or a mapping with the keys C(command), C(user) and C(group). There is
        no shell.
    type: raw
  notify_backup:
    description:
      - Run on becoming backup.
      - Written as in O(notify_master).
    type: raw
  notify_fault:
    description:
      - Run on FAULT.
      - Written as in O(notify_master).
    type: raw
  notify_stop:
    description:
      - Run when the daemon stops.
      - Written as in O(notify_master).
    type: raw
  notify:
    description:
      - Run at every transition; type (INSTANCE or GROUP), name, state and priority follow its arguments.
      - Written as in O(notify_master).
    type: raw
  notify_priority_changes:
    description:
      - Changes of the priority are written to the FIFOs; without it as vrrp_notify_priority_changes.
    type: bool
  smtp_alert:
    description:
      - Mail at transitions; without it as smtp_alert_vrrp of global_defs.
    type: bool
  notify_deleted:
    description:
      - Run when a reload drops the instance; without it notify_fault.
      - Written as in O(notify_master).
    type: raw
  notify_master_rx_lower_pri:
    description:
      - Run when a master hears a lesser one.
      - Written as in O(notify_master).
    type: raw
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
