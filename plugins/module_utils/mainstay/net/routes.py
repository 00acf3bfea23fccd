# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Routes as rtnetlink messages: what `ip route add` and `ip route del` would send for a model.routing.Route.

A route is added without NLM_F_REPLACE. So the kernel answers EEXIST when exactly this route is there already, which
tells a route that was missing from one that was not, and an IPv4 route of somebody else with the same destination
and metric stays in place, behind ours. Every message carries the protocol keepalived: a removal meets our own alone.

An IPv6 multipath route becomes one message for each way. The kernel keeps the ways as entries of their own, and one
message for all would be undone as a whole where a single way is there already.

Layouts: linux/rtnetlink.h, struct rtmsg and struct rtnexthop. Integers are in host order.
"""

from __future__ import annotations

import ipaddress
import socket
import struct
import typing as t

from ..model.route_text import SCOPES
from ..model.routing import NextHop, Route
from ..model.routing_words import TABLES
from .netlink import encode, u32

RTM_NEWROUTE, RTM_DELROUTE = 24, 25
RTPROT_KEEPALIVED = 18

_RTMSG = struct.Struct("=BBBBBBBBI")  # family, destination and source length, tos, table, protocol, scope, type, flags
_NEXTHOP = struct.Struct("=HBBi")  # length, flags, weight - 1, interface

_RTA_DST, _RTA_OIF, _RTA_GATEWAY, _RTA_PRIORITY, _RTA_PREFSRC = 1, 4, 5, 6, 7
_RTA_METRICS, _RTA_MULTIPATH, _RTA_TABLE, _RTA_VIA = 8, 9, 15, 18
_RTAX_MTU, _RTAX_ADVMSS = 2, 8
_RTNH_F_ONLINK = 4
_TYPES: t.Mapping[str, int] = {"unicast": 1, "blackhole": 6, "unreachable": 7, "prohibit": 8, "throw": 9}
_FAMILIES = {4: socket.AF_INET, 6: socket.AF_INET6}
_IPV6_METRIC = 1024
"""What the kernel makes of an IPv6 route without a metric; said aloud, so that a removal meets this one alone."""

IndexOf = t.Callable[[str], int]
"""The index of an interface; the caller knows that it exists."""

Attributes = t.List[t.Tuple[int, t.Any]]


def devices_of(route: Route) -> t.Set[str]:
    """The interfaces that the route names."""
    return {name for name in (route.dev, *(hop.dev for hop in route.nexthops)) if name is not None}


def interface_indexes() -> t.Dict[str, int]:
    """Every interface of this network namespace, for those that keep no mirror. Raises OSError."""
    return {name: index for index, name in socket.if_nameindex()}


def route_bodies(route: Route, index_of: IndexOf) -> t.List[bytes]:
    """The bodies (after the netlink header) that add or remove the route."""
    if route.family == 6 and route.nexthops:
        return [_body(route, (hop,), index_of) for hop in route.nexthops]
    return [_body(route, route.nexthops, index_of)]


def table_number(table: t.Optional[str]) -> int:
    """main, local, default or a number as text; None is main."""
    return TABLES["main"] if table is None else TABLES[table] if table in TABLES else int(table)


def _body(route: Route, hops: t.Sequence[NextHop], index_of: IndexOf) -> bytes:
    network = ipaddress.ip_network(route.destination)
    table = table_number(route.table)
    header = _RTMSG.pack(
        _FAMILIES[route.family],
        network.prefixlen,
        0,
        0,
        table if table < 256 else 0,
        RTPROT_KEEPALIVED,
        _scope(route),
        _TYPES[route.kind],
        _RTNH_F_ONLINK if route.onlink else 0,
    )
    attributes: Attributes = [(_RTA_DST, network.network_address.packed)] if network.prefixlen else []
    attributes += _way(route.family, route.via, route.dev, index_of)
    attributes += _properties(route, table)
    if hops:
        attributes.append((_RTA_MULTIPATH, b"".join(_hop(route.family, hop, index_of) for hop in hops)))
    return header + encode(attributes)


def _scope(route: Route) -> int:
    """As iproute2 chooses: what is reached without a gateway is on the link."""
    if route.scope is not None:
        return SCOPES[route.scope] if route.scope in SCOPES else int(route.scope)
    direct = route.family == 4 and route.kind == "unicast" and route.via is None and not route.nexthops
    return SCOPES["link"] if direct else SCOPES["global"]


def _properties(route: Route, table: int) -> Attributes:
    metric = route.metric or (_IPV6_METRIC if route.family == 6 else 0)
    numbers = ((_RTAX_MTU, route.mtu), (_RTAX_ADVMSS, route.advmss))
    metrics = [(kind, u32(value)) for kind, value in numbers if value is not None]
    found: Attributes = [(_RTA_PRIORITY, u32(metric))] if metric else []
    found += [(_RTA_PREFSRC, ipaddress.ip_address(route.src).packed)] if route.src is not None else []
    found += [(_RTA_METRICS, metrics)] if metrics else []
    return found + ([(_RTA_TABLE, u32(table))] if table > 255 else [])


def _way(family: int, via: t.Optional[str], dev: t.Optional[str], index_of: IndexOf) -> Attributes:
    found: Attributes = []
    if via is not None:
        gateway = ipaddress.ip_address(via)
        foreign = gateway.version != family
        prefix = struct.pack("=H", _FAMILIES[gateway.version]) if foreign else b""
        found.append((_RTA_VIA if foreign else _RTA_GATEWAY, prefix + gateway.packed))
    return found + ([(_RTA_OIF, u32(index_of(dev)))] if dev is not None else [])


def _hop(family: int, hop: NextHop, index_of: IndexOf) -> bytes:
    attributes = encode(_way(family, hop.via, None, index_of))
    index = 0 if hop.dev is None else index_of(hop.dev)
    flags = _RTNH_F_ONLINK if hop.onlink else 0
    return _NEXTHOP.pack(_NEXTHOP.size + len(attributes), flags, hop.weight - 1, index) + attributes
