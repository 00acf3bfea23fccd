#!/usr/bin/python
# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: ha_info
short_description: Tell what a director is doing
version_added: 1.0.0
author:
  - The Mainstay authors (@mainstay)
description:
  - Asks the running daemon of a director for its virtual routers, its services with their servers, and for what
    operators have ordered. It is what C(mainstay status --json) shows.
  - What wants a human is told in sentences, so that a play can stop before it makes matters worse.
extends_documentation_fragment:
  - mainstay.ha._attributes
  - mainstay.ha._attributes.actiongroup_ha
attributes:
  check_mode:
    support: full
    details: Changes nothing, so it asks in check mode too.
  diff_mode:
    support: N/A
    details: Changes nothing.
  idempotent:
    support: N/A
    details: Changes nothing.
options:
  run_dir:
    description: Folder in which the running daemon has its control socket.
    type: path
    default: /run/mainstay
notes:
  - Fails when no daemon is running.
  - For root and members of the group C(mainstay).
  - Figures that the daemon tells beyond those listed here are returned as they are.
requirements:
  - Python 3.9 or later on the managed host
seealso:
  - module: mainstay.ha.ha_maintenance
"""

EXAMPLES = r"""
- name: What is every director doing?
  mainstay.ha.ha_info:
  register: ha

- name: Go on only where nothing wants a human
  ansible.builtin.assert:
    that: ha.problems == []
    fail_msg: "{{ ha.problems | join('; ') }}"

- name: Is this the master of everything?
  ansible.builtin.set_fact:
    is_master: "{{ ha.vrrp_instances.values() | map(attribute='state') | unique == ['MASTER'] }}"

- name: Would the service web do without one of its servers?
  ansible.builtin.assert:
    that: ha.virtual_servers.web.real_servers | selectattr('in_pool') | length >= 2
"""

RETURN = r"""
version:
  description: Version of the daemon that runs.
  returned: success
  type: str
  sample: 1.0.0
router_id:
  description: How the director calls itself.
  returned: success
  type: str
  sample: director1
problems:
  description: What wants a human, one sentence each; empty when nothing does.
  returned: success
  type: list
  elements: str
  sample: ['virtual_server web: quorum is lost, live weight 0, needed 1']
alive:
  description: Whether the daemon's workers answered. What a silent one has said last may be old.
  returned: success
  type: dict
  contains:
    vrrp:
      description: The worker of the virtual routers.
      type: bool
      sample: true
    lvs:
      description: The worker of the services and checks.
      type: bool
      sample: true
config:
  description: What the daemon runs.
  returned: success
  type: dict
  contains:
    path:
      description: Its main file.
      type: str
      sample: /etc/mainstay/mainstay.json
    digest:
      description: The same on directors that run the same.
      type: str
      sample: sha256:0f7f0c5ab0ed4d4dbb7d5bb6c3e0de3e50de4ea63a9ad53ff8d4f5ab1c7a2d66
    loaded_at:
      description: Since when.
      type: str
      sample: '2026-03-01T03:09:40+00:00'
    last_reload:
      description: How the last reload went; V(none) when there was none.
      type: dict
      sample: {at: '2026-03-01T03:09:40+00:00', ok: true, problems: []}
vrrp_instances:
  description: Virtual routers by name.
  returned: success
  type: dict
  contains:
    state:
      description: V(INIT), V(BACKUP), V(MASTER) or V(FAULT).
      type: str
      sample: MASTER
    since:
      description: Since when it is in that state.
      type: str
      sample: '2026-03-01T03:09:40+00:00'
    interface:
      description: Interface that adverts are sent on.
      type: str
      sample: eth0
    virtual_router_id:
      description: Number of the virtual router.
      type: int
      sample: 51
    priority:
      description: The configured priority.
      type: int
      sample: 150
    effective_priority:
      description: The priority that counts, with what is tracked.
      type: int
      sample: 150
    addresses:
      description: Its virtual addresses.
      type: list
      elements: str
      sample: [192.0.2.10/24]
    addresses_held:
      description: Those that this director holds now.
      type: list
      elements: str
      sample: [192.0.2.10/24]
    master:
      description: Address of the master that it knows of; V(none) when it knows of none.
      type: str
      sample: 192.0.2.2
    demoted:
      description: Whether an operator has taken it out of the election.
      type: bool
      sample: false
    group:
      description: Name of its sync group; V(none) when it is in none.
      type: str
      sample: VG1
    problems:
      description: What is wrong with it, in words.
      type: list
      elements: str
      sample: []
vrrp_sync_groups:
  description: Sync groups by name.
  returned: success
  type: dict
  contains:
    state:
      description: State of all its members.
      type: str
      sample: MASTER
    members:
      description: Names of its virtual routers.
      type: list
      elements: str
      sample: [VI_1, VI_2]
virtual_servers:
  description: Services by name.
  returned: success
  type: dict
  contains:
    keys:
      description: The addresses and marks that the kernel has it under.
      type: list
      elements: str
      sample: [TCP 192.0.2.10:80]
    installed:
      description: Whether the kernel has all of them.
      type: bool
      sample: true
    lb_algo:
      description: Scheduler.
      type: str
      sample: wrr
    lb_kind:
      description: Way of forwarding.
      type: str
      sample: NAT
    quorum_up:
      description: Whether the pool is as large as it has to be.
      type: bool
      sample: true
    live_weight:
      description: Sum of the weights of the servers that can be used.
      type: int
      sample: 10
    needed:
      description: The sum that is needed.
      type: int
      sample: 1
    sorry_in:
      description: Whether the sorry server answers.
      type: bool
      sample: false
    refusals:
      description: What the kernel has refused, and why.
      type: list
      elements: str
      sample: []
    real_servers:
      description: Its servers.
      type: list
      elements: dict
      contains:
        name:
          description: What M(mainstay.ha.ha_maintenance) takes as its name.
          type: str
          sample: 192.0.2.21:80
        address:
          description: Address of the server.
          type: str
          sample: 192.0.2.21
        port:
          description: Port of the server; 0 for whatever the client asked for.
          type: int
          sample: 80
        state:
          description:
            - V(up), V(down), V(waiting) for its first check, V(unchecked), V(warming) after a recovery, V(draining),
              V(maintenance) or V(forced) by order, V(damped) after too many failures, or V(backup).
          type: str
          sample: up
        since:
          description: Since when it is in that state.
          type: str
          sample: '2026-03-01T03:09:40+00:00'
        reason:
          description: Why it is in that state.
          type: str
          sample: HTTP 200
        in_pool:
          description: Whether the kernel has it in the pool, be it with weight 0.
          type: bool
          sample: true
        weight:
          description: The configured weight.
          type: int
          sample: 5
        effective_weight:
          description: The weight in the kernel.
          type: int
          sample: 5
        active_connections:
          description: Established connections; V(none) when nobody counts them.
          type: int
          sample: 31
        inactive_connections:
          description: Connections that are being opened or closed.
          type: int
          sample: 4
        age:
          description: Seconds since its latest check; V(none) before the first.
          type: float
          sample: 1.2
orders:
  description: What operators have ordered.
  returned: success
  type: dict
  contains:
    real_servers:
      description: Orders about servers.
      type: list
      elements: dict
      sample:
        - action: drain
          at: '2026-03-01T03:09:40+00:00'
          by: uid 0
          known: true
          reason: new disk
          server: 192.0.2.21:80
          service: web
          weight: null
    vrrp_instances:
      description: Demotions of virtual routers.
      type: list
      elements: dict
      sample:
        - at: '2026-03-01T03:09:40+00:00'
          by: uid 0
          instances: []
          kind: ALL
          name: ''
          reason: new kernel
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.mainstay.ha.plugins.module_utils._daemon import Answer, Daemon
from ansible_collections.mainstay.ha.plugins.module_utils._patience import Failure
from ansible_collections.mainstay.ha.plugins.module_utils.mainstay.daemon.client import DaemonUnreachable
from ansible_collections.mainstay.ha.plugins.module_utils.mainstay.daemon.pages.servers_text import server_name
from ansible_collections.mainstay.ha.plugins.module_utils.mainstay.daemon.pages.status_text import trouble


def result_of(status: Answer) -> t.Dict[str, t.Any]:
    """The daemon's status in the words of this module's RETURN."""
    vrrp, lvs = status["vrrp"], status["lvs"]
    return {
        "version": status["version"],
        "router_id": status["router_id"],
        "problems": trouble(status),
        "alive": {"vrrp": bool(vrrp.get("alive")), "lvs": bool(lvs.get("alive"))},
        "config": status["config"],
        "vrrp_instances": vrrp.get("instances") or {},
        "vrrp_sync_groups": vrrp.get("groups") or {},
        "virtual_servers": {name: _service(one) for name, one in (lvs.get("virtual_servers") or {}).items()},
        "orders": {
            "real_servers": status["overrides"]["orders"],
            "vrrp_instances": status["demotions"]["orders"],
        },
    }


def _service(service: Answer) -> t.Dict[str, t.Any]:
    servers = [{"name": server_name(one), **one} for one in service.get("real_servers") or ()]
    return {**service, "real_servers": servers}


def main() -> t.NoReturn:
    """Entry of the module."""
    module = AnsibleModule(
        argument_spec={"run_dir": {"type": "path", "default": "/run/mainstay"}}, supports_check_mode=True
    )
    try:
        status = Daemon(module.params["run_dir"], module.check_mode).ask("status")
    except (Failure, DaemonUnreachable) as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, **result_of(status))


if __name__ == "__main__":
    main()
