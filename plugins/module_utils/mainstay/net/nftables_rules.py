# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The nftables table of Mainstay: how services are written as rules.

Everything is in one table of our own, `ip mainstay`, and can be read with `nft list table ip mainstay`:

    map services                       address . protocol . port -> the service's chain
    chain prerouting, output           look the packet up in the map: clients from outside, clients on the director
    chain tcp/192.0.2.10/80            one service: a numbered row of its servers; the comment says lb_algo
    chain tcp/192.0.2.10/80__10.0.0.1/8080   one server: dnat; the comment says its weight

A chain of nat type sees the first packet of a flow only; conntrack takes the rest to the same server. So a server
without a slot (weight 0, or taken out) gets no new flow and keeps those it has. A service whose row is empty answers
with ICMP port unreachable, which a TCP client sees as "connection refused": what ip_vs does.

The rules are all there is: nothing is remembered elsewhere, so what is read back is what the kernel does.
"""

from __future__ import annotations

import typing as t

from ..lvs.slots import slots
from ..lvs.table import Destination, DestinationKey, Service, ServiceKey

TABLE = "mainstay"
MAP = "services"
HOOKS = ("prerouting", "output")
_PRIORITY_DSTNAT = -100
# Any constant: two directors must hash a client to the same server, and a re-read must find what was written.
_HASH_SEED = 0x6D737479

Json = t.Dict[str, t.Any]


def service_chain(key: ServiceKey) -> str:
    """Name of the service's chain."""
    return f"{key.protocol.lower()}/{key.address}/{key.port}"


def server_chain(key: ServiceKey, server: DestinationKey) -> str:
    """Name of the chain of one real server of the service."""
    return f"{service_chain(key)}__{server.address}/{server.port}"


def parse_chain(name: str) -> t.Optional[t.Tuple[ServiceKey, t.Optional[DestinationKey]]]:
    """The service, or the service and the server, that a chain is about; None for any other chain."""
    head, separator, tail = name.partition("__")
    service = head.split("/")
    server = tail.split("/") if separator else []
    well_formed = len(service) == 3 and service[2].isdigit() and service[0] in ("tcp", "udp")
    if not well_formed or (separator and not (len(server) == 2 and server[1].isdigit())):
        return None
    key = ServiceKey(service[0].upper(), service[1], int(service[2]))
    return key, DestinationKey(server[0], int(server[1])) if separator else None


def list_table() -> Json:
    """Our table with everything in it."""
    return {"list": {"table": _in_table()}}


def remove_table() -> t.List[Json]:
    """Remove the table whether it is there or not: adding an existing one is no error, deleting a missing one is."""
    return [{"add": {"table": _in_table()}}, {"delete": {"table": _in_table()}}]


def add_base() -> t.List[Json]:
    """The table, the map and the two hooks, in a table that is not there."""
    lookup = {"vmap": {"key": {"concat": _flow_key()}, "data": f"@{MAP}"}}
    services_map = {
        **_in_table(MAP),
        "type": ["ipv4_addr", "inet_proto", "inet_service"],
        "map": "verdict",
    }
    commands: t.List[Json] = [{"add": {"table": _in_table()}}, {"add": {"map": services_map}}]
    for hook in HOOKS:
        base = {"type": "nat", "hook": hook, "prio": _PRIORITY_DSTNAT, "policy": "accept"}
        commands.append({"add": {"chain": {**_in_table(hook), **base}}})
        commands.append(_add_rule(hook, [lookup]))
    return commands


def write_service(service: Service, held: t.Optional[Service]) -> t.List[Json]:
    """Make the service's chains what `service` says; `held` is what is there, None for nothing."""
    chain = service_chain(service.key)
    before = held.destinations if held else {}
    commands: t.List[Json] = []
    for key, server in sorted(service.destinations.items()):
        if before.get(key) != server:
            commands += _write_chain(server_chain(service.key, key), _server_rule(service.key, server))
    commands += _write_chain(chain, _service_rule(service))
    for key in sorted(before):
        if key not in service.destinations:
            commands += _remove_chain(server_chain(service.key, key))
    return [*commands, {"add": {"element": _element(service.key, [_verdict(chain)])}}]


def remove_service(held: Service, mapped: bool) -> t.List[Json]:
    """Remove the service's chains; `mapped` says whether the map leads to them."""
    commands = _remove_chain(service_chain(held.key))
    for key in sorted(held.destinations):
        commands += _remove_chain(server_chain(held.key, key))
    unmap = [{"delete": {"element": _element(held.key, [])}}] if mapped else []
    return [*unmap, *commands]


def weight_comment(weight: int) -> str:
    """How a weight is written down; the slots alone do not tell 1:2 from 2:4."""
    return f"weight {weight}"


def _service_rule(service: Service) -> Json:
    row = [server_chain(service.key, key) for key in slots(service)]
    if not row:
        refuse = {"reject": {"type": "icmp", "expr": "port-unreachable"}}
        return _rule(service_chain(service.key), [refuse], service.lb_algo)
    choice: Json = {"numgen": {"mode": "inc", "mod": len(row), "offset": 0}}
    if service.lb_algo == "sh":
        source = {"payload": {"protocol": "ip", "field": "saddr"}}
        choice = {"jhash": {"mod": len(row), "offset": 0, "seed": _HASH_SEED, "expr": source}}
    numbered = [[number, _verdict(chain)] for number, chain in enumerate(row)]
    return _rule(service_chain(service.key), [{"vmap": {"key": choice, "data": {"set": numbered}}}], service.lb_algo)


def _server_rule(key: ServiceKey, server: Destination) -> Json:
    # nft wants the protocol said again before it lets dnat write a port.
    protocol = {"match": {"op": "==", "left": {"meta": {"key": "l4proto"}}, "right": key.protocol.lower()}}
    rewrite = {"dnat": {"addr": server.key.address, "port": server.key.port}}
    return _rule(server_chain(key, server.key), [protocol, rewrite], weight_comment(server.weight))


def _flow_key() -> t.List[Json]:
    return [
        {"payload": {"protocol": "ip", "field": "daddr"}},
        {"meta": {"key": "l4proto"}},
        {"payload": {"protocol": "th", "field": "dport"}},
    ]


def _element(key: ServiceKey, verdict: t.Sequence[Json]) -> Json:
    concat: Json = {"concat": [key.address, key.protocol.lower(), key.port]}
    return {**_in_table(MAP), "elem": [[concat, *verdict]] if verdict else [concat]}


def _verdict(chain: str) -> Json:
    return {"goto": {"target": chain}}


def _write_chain(chain: str, rule: Json) -> t.List[Json]:
    return [{"add": {"chain": _in_table(chain)}}, {"flush": {"chain": _in_table(chain)}}, {"add": {"rule": rule}}]


def _remove_chain(chain: str) -> t.List[Json]:
    return [{"flush": {"chain": _in_table(chain)}}, {"delete": {"chain": _in_table(chain)}}]


def _add_rule(chain: str, expressions: t.Sequence[Json]) -> Json:
    return {"add": {"rule": {"family": "ip", "table": TABLE, "chain": chain, "expr": list(expressions)}}}


def _rule(chain: str, expressions: t.Sequence[Json], comment: str) -> Json:
    return {"family": "ip", "table": TABLE, "chain": chain, "expr": list(expressions), "comment": comment}


def _in_table(name: str = "") -> Json:
    """The address of the table, or of a named object in it."""
    if not name:
        return {"family": "ip", "name": TABLE}
    return {"family": "ip", "table": TABLE, "name": name}
