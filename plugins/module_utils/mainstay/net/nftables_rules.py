# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The nftables table of Mainstay: how services are written as rules.

Everything is in one table of our own, `inet mainstay`, and can be read with `nft list table inet mainstay`. One table
for both families, so that one question tells its flags, one listing what it holds, and one transaction changes IPv4
and IPv6 services together (chains of nat type in `inet`: Linux 5.2).

    map services4, services6           address . protocol . port -> the service's chain
    map ports4, ports6                 address . protocol, every port
    map marks4, marks6                 what the packet filter has marked (fwmark)
    chain prerouting, output           look the packet up in the maps: clients from outside, clients on the director
    chain tcp/192.0.2.10/80            one service: a numbered row of its servers; the comment says lb_algo and options
    chain tcp/192.0.2.10/80__10.0.0.1/8080   one server: dnat; the comment says its weight
    set tcp/192.0.2.10/80__10.0.0.1/8080     with persistence: clients that stay with this server, each with its time
    chain postrouting, masquerading    services whose servers see the director as their client

A chain of nat type sees the first packet of a flow only; conntrack takes the rest to the same server. So a server
without a slot (weight 0) gets no new flow and keeps those it has. A service whose row is empty refuses: TCP by a
reset, the rest by ICMP port unreachable; a TCP client sees "connection refused".

Persistence: the chain of a server writes the client's address, or its network, into the server's set with the
timeout, at each new connection; the chain of the service asks the sets before the row. A server at weight 0 keeps its
clients, as in ip_vs with expire_quiescent_template = 0, which is the kernel's default; a server that is taken out
loses its set, and its clients get another. A set is part of no rule, so it outlives every edit of its service.

A flow of a fwmark service gets the mark as its conntrack mark: only so can it be counted and ended later.

The rules are all there is: nothing is remembered elsewhere, so what is read back is what the kernel does.
"""

from __future__ import annotations

import socket
import typing as t

from ..lvs.slots import slots
from ..lvs.table import Destination, DestinationKey, Service, ServiceKey, Table
from .nftables_names import (
    FAMILY,
    LOOKUPS,
    MASQUERADING,
    TABLE,
    Json,
    Lookup,
    lookup_of,
    server_chain,
    service_chain,
)
from .nftables_words import service_comment, weight_comment

LOOKING_UP = ("prerouting", "output")
HOOKS: t.Mapping[str, int] = {"prerouting": -100, "output": -100, "postrouting": 100}
"""Our base chains with their priorities: dstnat, srcnat."""
MASQUERADE = "masquerade"
"""The flag of a service whose servers see the director as their client."""

_CLIENTS_LIMIT = 262_144
"""Clients a server remembers; one more is served, and may get another server next time. 100 bytes each."""
# Any constant: two directors must hash a client to the same server, and a re-read must find what was written.
_HASH_SEED = 0x6D737479
_L4PROTO: Json = {"meta": {"key": "l4proto"}}


def list_table() -> Json:
    """Our table with everything in it."""
    return {"list": {"table": in_table()}}


def list_map(lookup: Lookup) -> Json:
    """One map with its elements."""
    return {"list": {"map": in_table(lookup.name)}}


def remove_table() -> t.List[Json]:
    """Remove the table whether it is there or not."""
    return [{"add": {"table": in_table()}}, {"delete": {"table": in_table()}}]


def add_base() -> t.List[Json]:
    """The table, its maps and the chains that look packets up in them. For a table that is not there."""
    commands: t.List[Json] = [{"add": {"table": in_table()}}]
    commands += [{"add": {"map": {**in_table(one.name), "type": _map_type(one), "map": "verdict"}}} for one in LOOKUPS]
    commands.append({"add": {"chain": in_table(MASQUERADING)}})
    for hook, priority in HOOKS.items():
        base = {"type": "nat", "hook": hook, "prio": priority, "policy": "accept"}
        commands.append({"add": {"chain": {**in_table(hook), **base}}})
        commands += [{"add": {"rule": rule}} for rule in base_rules(hook)]
    return commands


def base_rules(hook: str) -> t.List[Json]:
    """The rules of a base chain."""
    if hook in LOOKING_UP:
        return [_rule(hook, _look_up(lookup)) for lookup in LOOKUPS]
    rewritten = {"match": {"op": "in", "left": {"ct": {"key": "status"}}, "right": "dnat"}}
    return [_rule(hook, [rewritten, {"jump": {"target": MASQUERADING}}])]


def masquerading_rules(keys: t.Iterable[ServiceKey]) -> t.List[Json]:
    """The chain that hides clients from the servers of these services."""
    return [_rule(MASQUERADING, [*_came_for(key), {MASQUERADE: None}]) for key in sorted(keys)]


def masqueraded(table: Table) -> t.Set[ServiceKey]:
    """Services with the flag."""
    return {key for key, service in table.items() if MASQUERADE in service.flags}


def write_masquerading(keys: t.Iterable[ServiceKey]) -> t.List[Json]:
    """Make the chain that of these services."""
    return _write_chain(MASQUERADING, masquerading_rules(keys))


def add_set(key: ServiceKey, name: str) -> Json:
    """For a set that is not there: adding one again is an error, because the rules that write into it change it."""
    address = "ipv6_addr" if key.ipv6 else "ipv4_addr"
    return {"add": {"set": {**in_table(name), "type": address, "flags": ["timeout"], "size": _CLIENTS_LIMIT}}}


def write_service(service: Service, servers: t.Iterable[DestinationKey]) -> t.List[Json]:
    """Make the service's chain what `service` says, and those of the named servers of it. Its sets have to be there."""
    key, pool = service.key, service.destinations
    commands: t.List[Json] = []
    for server in sorted(servers):
        commands += _write_chain(server_chain(key, server), server_rules(service, pool[server]))
    commands += _write_chain(service_chain(key), service_rules(service))
    return [*commands, {"add": {"element": _element(key, [_goto(service_chain(key))])}}]


def remove_element(key: ServiceKey) -> Json:
    """The map leads to the service no more."""
    return {"delete": {"element": _element(key, [])}}


def remove_chain(chain: str) -> t.List[Json]:
    """Nothing may lead to it any more."""
    return [{"flush": {"chain": in_table(chain)}}, {"delete": {"chain": in_table(chain)}}]


def remove_set(name: str) -> Json:
    """No rule may ask it any more."""
    return {"delete": {"set": in_table(name)}}


def client_sets(service: Service) -> t.Set[str]:
    """Names of the sets that persistence needs."""
    if not service.persistence_timeout:
        return set()
    return {server_chain(service.key, server) for server in service.destinations}


def service_rules(service: Service) -> t.List[Json]:
    """The rules of the service's chain; the comment of the last one says what cannot be seen."""
    chain, comment = service_chain(service.key), service_comment(service)
    rules = [_rule(chain, [_member(service, name), _goto(name)]) for name in sorted(client_sets(service))]
    row = [server_chain(service.key, key) for key in slots(service)]
    if row:
        numbered = [[number, _goto(target)] for number, target in enumerate(row)]
        choice = {"vmap": {"key": _choice(service, len(row)), "data": {"set": numbered}}}
        return [*rules, _rule(chain, [choice], comment)]
    return [*rules, *_refusing(chain, service.key, comment)]


def server_rules(service: Service, server: Destination) -> t.List[Json]:
    """The rules of a server's chain."""
    chain = server_chain(service.key, server.key)
    rules = []
    if service.persistence_timeout:
        element = {"elem": {"val": _client(service), "timeout": service.persistence_timeout}}
        # A rule of its own: when the set is full the rule ends here, and the client is served all the same.
        rules.append(_rule(chain, [{"set": {"op": "update", "elem": element, "set": f"@{chain}"}}]))
    if service.key.fwmark:
        rules.append(_rule(chain, [{"mangle": {"key": {"ct": {"key": "mark"}}, "value": {"meta": {"key": "mark"}}}}]))
    return [*rules, _rule(chain, _rewrite(service.key, server.key), weight_comment(server.weight))]


def in_table(name: str = "") -> Json:
    """The address of the table, or of a named object in it."""
    if not name:
        return {"family": FAMILY, "name": TABLE}
    return {"family": FAMILY, "table": TABLE, "name": name}


# ---- what packets are looked up by


def _map_type(lookup: Lookup) -> t.Union[str, t.List[str]]:
    address = "ipv6_addr" if lookup.ipv6 else "ipv4_addr"
    if lookup.by == "mark":
        return "mark"  # a list, even of one, would be a concatenation
    return [address, "inet_proto", "inet_service"] if lookup.by == "endpoint" else [address, "inet_proto"]


def _look_up(lookup: Lookup) -> t.List[Json]:
    if lookup.by == "mark":
        return [_family(lookup.ipv6), {"vmap": {"key": {"meta": {"key": "mark"}}, "data": f"@{lookup.name}"}}]
    parts: t.List[Json] = [_field(lookup.ipv6, "daddr"), _L4PROTO]
    if lookup.by == "endpoint":
        parts.append({"payload": {"protocol": "th", "field": "dport"}})
    return [{"vmap": {"key": {"concat": parts}, "data": f"@{lookup.name}"}}]


def _element(key: ServiceKey, verdict: t.Sequence[Json]) -> Json:
    value = {
        "mark": key.fwmark,
        "endpoint": {"concat": [key.address, key.protocol.lower(), key.port]},
        "address": {"concat": [key.address, key.protocol.lower()]},
    }[lookup_of(key).by]
    return {**in_table(lookup_of(key).name), "elem": [[value, *verdict]] if verdict else [value]}


def _came_for(key: ServiceKey) -> t.List[Json]:
    """Whether a flow came for this service: its destination has been rewritten since."""
    if key.fwmark:
        return [_family(key.ipv6), _equal({"ct": {"key": "mark"}}, key.fwmark)]
    address = {"ct": {"key": "ip6 daddr" if key.ipv6 else "ip daddr", "dir": "original"}}
    port = [_equal({"ct": {"key": "proto-dst", "dir": "original"}}, key.port)] if key.port else []
    return [_equal(address, key.address), _equal(_L4PROTO, key.protocol.lower()), *port]


# ---- what a service does


def _choice(service: Service, length: int) -> Json:
    if service.lb_algo not in ("sh", "mh"):
        return {"numgen": {"mode": "inc", "mod": length, "offset": 0}}
    source = _field(service.key.ipv6, "saddr")
    if "port" in service.flags:
        source = {"concat": [source, {"payload": {"protocol": "th", "field": "sport"}}]}
    return {"jhash": {"mod": length, "offset": 0, "seed": _HASH_SEED, "expr": source}}


def _refusing(chain: str, key: ServiceKey, comment: str) -> t.List[Json]:
    """A reset ends even a connection whose server was taken out; ICMP would leave that one hanging."""
    reset = [_equal(_L4PROTO, "tcp"), {"reject": {"type": "tcp reset"}}]
    unreachable = [{"reject": {"type": "icmpx", "expr": "port-unreachable"}}]
    if key.protocol == "TCP":
        return [_rule(chain, reset, comment)]
    rules = [] if key.protocol else [_rule(chain, reset)]
    return [*rules, _rule(chain, unreachable, comment)]


def _rewrite(key: ServiceKey, server: DestinationKey) -> t.List[Json]:
    address: Json = {"family": "ip6" if key.ipv6 else "ip", "addr": server.address}
    if not server.port:
        return [{"dnat": address}]
    # nft wants the protocol said again before it lets dnat write a port.
    protocols = key.protocol.lower() or {"set": ["tcp", "udp"]}
    return [_equal(_L4PROTO, protocols), {"dnat": {**address, "port": server.port}}]


def _member(service: Service, name: str) -> Json:
    return _equal(_client(service), f"@{name}")


def _client(service: Service) -> Json:
    """The client's address, or with a granularity its network's."""
    source, length = _field(service.key.ipv6, "saddr"), service.persistence_granularity
    if length is None or length == (128 if service.key.ipv6 else 32):
        return source
    return {"&": [source, _netmask(length, service.key.ipv6)]}


def _netmask(length: int, ipv6: bool) -> str:
    width, family = (128, socket.AF_INET6) if ipv6 else (32, socket.AF_INET)
    number = (1 << width) - (1 << (width - length))
    return socket.inet_ntop(family, number.to_bytes(width // 8, "big"))


# ---- nft's grammar


def _family(ipv6: bool) -> Json:
    return _equal({"meta": {"key": "nfproto"}}, "ipv6" if ipv6 else "ipv4")


def _field(ipv6: bool, field: str) -> Json:
    return {"payload": {"protocol": "ip6" if ipv6 else "ip", "field": field}}


def _equal(left: Json, right: t.Any) -> Json:
    return {"match": {"op": "==", "left": left, "right": right}}


def _goto(chain: str) -> Json:
    return {"goto": {"target": chain}}


def _write_chain(chain: str, rules: t.Sequence[Json]) -> t.List[Json]:
    made: t.List[Json] = [{"add": {"chain": in_table(chain)}}, {"flush": {"chain": in_table(chain)}}]
    return [*made, *({"add": {"rule": rule}} for rule in rules)]


def _rule(chain: str, expressions: t.Sequence[Json], comment: str = "") -> Json:
    said = {"comment": comment} if comment else {}
    return {"family": FAMILY, "table": TABLE, "chain": chain, "expr": list(expressions), **said}
