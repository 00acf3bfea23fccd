#!/usr/bin/python
# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: ha_maintenance
short_description: Drain a real server, take it out, put it back; take virtual routers out of the election
version_added: 1.0.0
author:
  - The Mainstay authors (@mainstay)
description:
  - Orders the running daemon of a director what C(mainstay drain), C(maintenance), C(force), C(weight), C(demote) and
    C(restore) order, and waits until that is done.
  - An order is about one real server of one service, or about a virtual router. It holds over reloads, restarts and
    boots, until O(state=restored). The configuration stays as it is.
  - Directors do not tell each other. A server has to be drained on all of them, so that a failover in the middle does
    not send it new connections; the playbook C(mainstay.ha.drain) does that.
extends_documentation_fragment:
  - mainstay.ha._attributes
  - mainstay.ha._attributes.actiongroup_ha
attributes:
  check_mode:
    support: full
    details:
      - The daemon itself looks at the order and refuses it for every reason that it would refuse it for later.
      - Nothing is waited for.
  diff_mode:
    support: full
  idempotent:
    support: full
    details: An order that holds already is left as it is, with whoever gave it and why.
options:
  state:
    description:
      - V(drained) gives the servers no new connections; those that they have go on.
      - V(maintenance) takes the servers out of their pools, whatever their checks say. Open connections end.
      - V(forced) keeps the servers in their pools, whatever their checks say.
      - V(weighted) gives the servers O(weight) instead of the configured one; their checks still count.
      - V(demoted) takes the virtual routers out of the election. A master hands over at once, and a backup takes over
        only when nobody else can.
      - V(restored) ends what was ordered about the servers or virtual routers, whoever ordered it.
    type: str
    choices: [drained, maintenance, forced, weighted, demoted, restored]
    required: true
  virtual_server:
    description:
      - Name of the service whose servers are meant.
      - Without it every service that has them.
    type: str
  real_server:
    description:
      - The servers, each as V(192.0.2.21:80) or V([2001:db8::21]:80), or an address alone when that is enough.
      - With O(state=restored) it may be left out beside O(virtual_server), which then means all servers of the service.
      - An empty list is refused, as are empty names and V(false) for O(all_instances).
    type: list
    elements: str
  vrrp_instance:
    description:
      - Virtual routers or sync groups, with O(state=demoted) and O(state=restored).
      - Members of a sync group go together, whichever of them is named.
    type: list
    elements: str
  all_instances:
    description:
      - Every virtual router of the director, also what a later reload brings, instead of O(vrrp_instance).
      - With O(state=restored) every demotion ends.
    type: bool
  weight:
    description:
      - Weight for O(state=weighted), from 0 to 65535. 0 drains.
    type: int
  reason:
    description:
      - Shown wherever the order is; at most 200 characters.
    type: str
    default: ''
  run_dir:
    description: Folder in which the running daemon has its control socket.
    type: path
    default: /run/mainstay
  wait:
    description:
      - Wait until it is done.
      - With O(state=drained), and O(state=weighted) with weight 0, until no connection of the servers is established.
      - With O(state=maintenance) until they are out of their pools, with O(state=forced) until they are in them, with
        other weights until the daemon has taken the order.
      - With O(state=demoted) until none of the virtual routers is master here.
      - With O(state=restored) until the checks of the servers pass and they take new connections, or until the virtual
        routers are master or backup.
    type: bool
    default: false
  wait_timeout:
    description:
      - Fail when O(wait=true) and it is not done after this many seconds. The order then still holds.
    type: float
    default: 300
notes:
  - A daemon has to be running; orders are not kept anywhere for one that starts later.
  - For root, or the daemon's own user.
  - A file in C(maintenance_directory) is stronger than any order. A warning names it.
requirements:
  - Python 3.9 or later on the managed host
seealso:
  - module: mainstay.ha.ha_info
  - module: mainstay.ha.ha_check
"""

EXAMPLES = r"""
- name: No new connections for a web server, and wait until its last one has ended
  mainstay.ha.ha_maintenance:
    state: drained
    virtual_server: web
    real_server: 192.0.2.21:80
    reason: new disk
    wait: true
    wait_timeout: 600

- name: Put it back, and wait until its checks pass and it takes new connections
  mainstay.ha.ha_maintenance:
    state: restored
    virtual_server: web
    real_server: 192.0.2.21:80
    wait: true

- name: A machine is drained in every service that has it
  mainstay.ha.ha_maintenance:
    state: drained
    real_server: [192.0.2.21, "2001:db8::21"]
    wait: true

- name: A tenth of the traffic for the new version
  mainstay.ha.ha_maintenance:
    state: weighted
    weight: 1
    virtual_server: web
    real_server: 192.0.2.22

- name: Whatever was ordered about servers of this service ends
  mainstay.ha.ha_maintenance:
    state: restored
    virtual_server: web

- name: This director hands over everything before its kernel is replaced
  mainstay.ha.ha_maintenance:
    state: demoted
    all_instances: true
    reason: new kernel
    wait: true
"""

RETURN = r"""
real_servers:
  description: Each server that is meant, as the daemon reports it at the end.
  returned: when servers are meant, on failure of the waiting too
  type: list
  elements: dict
  contains:
    virtual_server:
      description: Name of the service.
      type: str
      sample: web
    real_server:
      description: Name of the server.
      type: str
      sample: 192.0.2.21:80
    order:
      description: The order that holds; V(none) without one.
      type: dict
      sample:
        action: drain
        at: '2026-03-01T03:09:40+00:00'
        by: uid 0
        known: true
        reason: new disk
        server: 192.0.2.21:80
        service: web
        weight: null
    state:
      description: As in RV(mainstay.ha.ha_info#module:virtual_servers).
      type: str
      sample: draining
    reason:
      description: Why it is in that state.
      type: str
      sample: 'HTTP 200; drain ordered by uid 0 at 2026-03-01T03:09:40+00:00 (new disk): no new connections'
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
      sample: 0
    active_connections:
      description: Established connections; V(none) when nobody counts them.
      type: int
      sample: 0
    inactive_connections:
      description: Connections that are being opened or closed.
      type: int
      sample: 1
vrrp_instances:
  description: Each virtual router that is meant, as the daemon reports it at the end.
  returned: when virtual routers are meant, on failure of the waiting too
  type: list
  elements: dict
  contains:
    name:
      description: Name of the virtual router.
      type: str
      sample: VI_1
    state:
      description: What it is.
      type: str
      sample: BACKUP
    demoted:
      description: Whether it is out of the election.
      type: bool
      sample: true
    master:
      description: Address of the master that it knows of; V(none) when it knows of none.
      type: str
      sample: 192.0.2.3
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.mainstay.ha.plugins.module_utils._daemon import Daemon
from ansible_collections.mainstay.ha.plugins.module_utils._patience import Failure, wait_until
from ansible_collections.mainstay.ha.plugins.module_utils._router_orders import RouterOrders
from ansible_collections.mainstay.ha.plugins.module_utils._server_orders import ServerOrders
from ansible_collections.mainstay.ha.plugins.module_utils.mainstay.daemon.client import DaemonUnreachable

Orders = t.Union[ServerOrders, RouterOrders]

_OF_SERVERS = ("drained", "maintenance", "forced", "weighted")
_NAMING = ("virtual_server", "real_server", "vrrp_instance", "all_instances")
"""An empty one of these is a variable that came out empty: to the daemon it would mean everybody."""


def carried_out(module: AnsibleModule) -> t.Dict[str, t.Any]:
    """Do what the module's arguments say; its results. Raises Failure and DaemonUnreachable."""
    orders = _orders(module)
    before, wanted = _text(orders.before), _text(orders.wanted)
    for problem in orders.carry_out():
        module.warn(problem)
    left = ""
    if module.params["wait"] and not module.check_mode:
        left = wait_until(orders.missing, module.params["wait_timeout"])
    result = {"changed": before != wanted, "diff": {"before": before, "after": wanted}, **orders.results()}
    if left:
        limit, state = module.params["wait_timeout"], module.params["state"]
        holds = "What was ordered has ended all the same." if state == "restored" else "The order still holds."
        raise Failure(f"not {state} after {limit:g} s: {left}. {holds}", **result)
    return result


def _orders(module: AnsibleModule) -> Orders:
    params = module.params
    if params["weight"] is not None and params["state"] != "weighted":
        raise Failure(f"weight goes with state=weighted alone, not with state={params['state']}")
    for key in _NAMING:
        if params[key] is not None and not params[key]:
            raise Failure(
                f"{key} = {params[key]!r} names nobody; leave it out or name whom you mean. Nothing was ordered"
            )
    if params["wait_timeout"] < 0:
        raise Failure(f"wait_timeout = {params['wait_timeout']:g}: must be a number of seconds from 0 up")
    about_routers = bool(params["vrrp_instance"] or params["all_instances"])
    if about_routers and params["state"] in _OF_SERVERS:
        raise Failure(f"state={params['state']} is for real servers; virtual routers are demoted or restored")
    daemon = Daemon(params["run_dir"], module.check_mode)
    return RouterOrders(daemon, params) if about_routers else ServerOrders(daemon, params)


def _text(described: t.Mapping[str, str]) -> str:
    """One line for each that is meant."""
    return "".join(f"{name}: {words}\n" for name, words in described.items())


def main() -> t.NoReturn:
    """Entry of the module."""
    module = AnsibleModule(
        argument_spec={
            "state": {"type": "str", "choices": [*_OF_SERVERS, "demoted", "restored"], "required": True},
            "virtual_server": {"type": "str"},
            "real_server": {"type": "list", "elements": "str"},
            "vrrp_instance": {"type": "list", "elements": "str"},
            "all_instances": {"type": "bool"},
            "weight": {"type": "int"},
            "reason": {"type": "str", "default": ""},
            "run_dir": {"type": "path", "default": "/run/mainstay"},
            "wait": {"type": "bool", "default": False},
            "wait_timeout": {"type": "float", "default": 300},
        },
        mutually_exclusive=[
            (servers, routers)
            for servers in ("virtual_server", "real_server")
            for routers in ("vrrp_instance", "all_instances")
        ]
        + [("vrrp_instance", "all_instances")],
        required_if=[
            *(("state", state, ("real_server",)) for state in _OF_SERVERS),
            ("state", "weighted", ("weight",)),
            ("state", "demoted", ("vrrp_instance", "all_instances"), True),
            ("state", "restored", ("virtual_server", "real_server", "vrrp_instance", "all_instances"), True),
        ],
        supports_check_mode=True,
    )
    try:
        module.exit_json(**carried_out(module))
    except Failure as error:
        module.fail_json(msg=str(error), **error.results)
    except DaemonUnreachable as error:
        module.fail_json(msg=f"{error}")


if __name__ == "__main__":
    main()
