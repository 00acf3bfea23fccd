# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Flows of our services in the kernel's connection tracking: count them, end stray ones.

linux/netfilter/nfnetlink_conntrack.h. Numbers inside these attributes are in network order. One look at the flows is
one walk of the kernel through its whole table, 18 ms for the usual 262 144 buckets however few flows there are; so all
services of a family share one walk. The kernel leaves out what no service can have (CTA_FILTER, Linux 5.8); older
kernels send every flow. Either way each one is looked at again here.

A flow belongs to the service whose mark it carries (nftables_rules sets it), else to the one whose address and port
its client asked for, else to the one that has every port of that address.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
import typing as t

from ..lvs.table import DestinationKey, ServiceKey, Table
from .netlink import NESTED, Attributes, KernelSocket, Message, decode, encode, u32
from .nftables_names import packed

_NETLINK_NETFILTER = 12
_CT_GET, _CT_DELETE = 0x0101, 0x0102  # subsystem ctnetlink (1), then the message
_HEADER = struct.Struct("!BBH")
_CTA_TUPLE_ORIG, _CTA_TUPLE_REPLY, _CTA_PROTOINFO, _CTA_MARK, _CTA_FILTER = 1, 2, 4, 8, 25
_CTA_TUPLE_IP, _CTA_TUPLE_PROTO = 1, 2
_SOURCES, _DESTINATIONS = (1, 3), (2, 4)
"""CTA_IP_V4_SRC and CTA_IP_V6_SRC, CTA_IP_V4_DST and CTA_IP_V6_DST."""
_CTA_PROTO_NUM, _CTA_PROTO_SRC_PORT, _CTA_PROTO_DST_PORT = 1, 2, 3
_CTA_PROTOINFO_TCP, _CTA_PROTOINFO_TCP_STATE = 1, 1
_CTA_FILTER_ORIG_FLAGS, _CTA_FILTER_REPLY_FLAGS = 1, 2
_BY_ADDRESS, _BY_PROTOCOL, _BY_PORT = 1 << 1, 1 << 3, 1 << 5  # of the destination
_ESTABLISHED = b"\3"

_UDP = bytes([socket.IPPROTO_UDP])
_PROTOCOLS: t.Mapping[str, bytes] = {"TCP": bytes([socket.IPPROTO_TCP]), "UDP": _UDP}
_COUNT_FILE = "/proc/sys/net/netfilter/nf_conntrack_count"
_COUNT_LIMIT = 20_000
"""Flows in the whole namespace beyond which counting would hold up the health checks: 15 us a flow, so 0.3 s."""


_Said = t.TypeVar("_Said")


class ConntrackUnavailable(Exception):
    """The kernel does not tell about flows; the text names the remedy."""


class _End(t.NamedTuple):
    """A service or a server as the kernel writes it; absent fields (ICMP) are empty."""

    protocol: bytes
    address: bytes
    port: bytes


class _Flow(t.NamedTuple):
    """One tracked flow of a service."""

    service: ServiceKey
    server: _End
    """Where the answers come from."""
    rewritten: bool
    """Is that another place than the client asked for?"""
    active: bool
    original: bytes
    """The original direction as the kernel wrote it: what identifies the flow."""


class _Pool:
    """Real servers by what the kernel calls them: everything stays bytes, for there may be 20 000 flows."""

    def __init__(self, servers: t.Iterable[DestinationKey]) -> None:
        self._servers = {(packed(one.address), _port(one.port)): one for one in servers}

    def find(self, end: _End) -> t.Optional[DestinationKey]:
        """The server that this is; None for a stranger. One with port 0 has every port."""
        return self._servers.get((end.address, end.port)) or self._servers.get((end.address, b""))


class Conntrack:
    """Opened when first needed, in the namespace of that moment."""

    def __init__(self) -> None:
        self._socket: t.Optional[KernelSocket] = None

    def close(self) -> None:
        """Give the socket back."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def count(self, table: Table) -> t.Dict[t.Tuple[ServiceKey, DestinationKey], t.Tuple[int, int]]:
        """Active and inactive flows per server of the table. Raises ConntrackUnavailable."""
        if _flows_in_namespace() > _COUNT_LIMIT:
            raise ConntrackUnavailable(f"conntrack holds more than {_COUNT_LIMIT} flows")
        counted = {(key, server): [0, 0] for key, service in table.items() for server in service.destinations}
        pools = {key: _Pool(service.destinations) for key, service in table.items()}
        for flow in self._flows(table):
            server = pools[flow.service].find(flow.server)
            if server is not None:
                counted[flow.service, server][0 if flow.active else 1] += 1
        return {key: (active, inactive) for key, (active, inactive) in counted.items()}

    def end_flows(self, pools: t.Mapping[ServiceKey, t.Optional[t.Iterable[DestinationKey]]]) -> None:
        """Forget the services' flows that lead anywhere but to their pools. Raises ConntrackUnavailable.

        A pool of None is a service that is no more: its TCP connections live on. So does one to a listener of the
        director's own. A UDP flow would go on for as long as its client keeps sending, so it is ended.
        """
        known = {key: _Pool(servers or ()) for key, servers in pools.items()}
        left = {key for key, servers in pools.items() if servers is None}
        orders = [
            Message(_CT_DELETE, _header(flow.service) + encode([(_CTA_TUPLE_ORIG | NESTED, flow.original)]))
            for flow in self._flows(pools)
            if known[flow.service].find(flow.server) is None
            and (flow.server.protocol == _UDP or (flow.rewritten and flow.service not in left))
        ]
        for answer in self._talk(lambda kernel: kernel.order(orders)):
            if answer.errno not in (0, errno.ENOENT):  # it may have ended by itself meanwhile
                raise ConntrackUnavailable(_sentence(answer.errno))

    def _flows(self, services: t.Collection[ServiceKey]) -> t.Iterator[_Flow]:
        """The flows of these services, from one walk through the kernel's table for each family."""
        for ipv6 in (False, True):
            family = [key for key in services if key.ipv6 == ipv6]
            if family and _flows_in_namespace():
                yield from _decode_flows(self._dump(family), _Owners(family))

    def _dump(self, services: t.Sequence[ServiceKey]) -> t.List[bytes]:
        question = Message(_CT_GET, _header(services[0]) + encode(_common_filter(services)))
        return self._talk(lambda kernel: kernel.dump(question))

    def _talk(self, talk: t.Callable[[KernelSocket], t.List[_Said]]) -> t.List[_Said]:
        """Ask or order. Raises ConntrackUnavailable; the next talk then begins on a new socket, because what is left
        of this one (half a dump, late answers) stands in the old one's way."""
        try:
            return talk(self._kernel())
        except OSError as error:
            self.close()
            raise ConntrackUnavailable(_sentence(error.errno or errno.ETIMEDOUT)) from error

    def _kernel(self) -> KernelSocket:
        if self._socket is None:
            try:
                self._socket = KernelSocket(_NETLINK_NETFILTER)
            except OSError as error:
                raise ConntrackUnavailable(_sentence(error.errno or errno.EPROTONOSUPPORT)) from error
        return self._socket


class _Owners:
    """Which service a flow belongs to."""

    def __init__(self, services: t.Iterable[ServiceKey]) -> None:
        self._marks = {struct.pack("!I", key.fwmark): key for key in services if key.fwmark}
        self._ends = {_service_end(key): key for key in services if not key.fwmark}

    def find(self, mark: bytes, asked: _End) -> t.Optional[ServiceKey]:
        """None for a flow of nobody's."""
        if self._marks and mark in self._marks:
            return self._marks[mark]
        return self._ends.get(asked) or self._ends.get(asked._replace(port=b""))


def _header(service: ServiceKey) -> bytes:
    return _HEADER.pack(socket.AF_INET6 if service.ipv6 else socket.AF_INET, 0, 0)


def _service_end(service: ServiceKey) -> _End:
    return _End(_PROTOCOLS[service.protocol], packed(service.address), _port(service.port))


def _port(number: int) -> bytes:
    """Empty for every port."""
    return struct.pack("!H", number) if number else b""


def _common_filter(services: t.Sequence[ServiceKey]) -> t.List[t.Tuple[int, t.Any]]:
    """Whatever all services have in common the kernel looks for; empty for nothing in common."""
    if any(service.fwmark for service in services):
        return []
    ends = [_service_end(service) for service in services]
    common = [len(set(values)) == 1 for values in zip(*ends)]
    protocol, port = common[0], common[0] and common[2] and bool(ends[0].port)
    # Linux (6.18 and before) leaves out the flows of an IPv6 address that it is asked for, and sends all others.
    address = common[1] and not services[0].ipv6
    fields = [(_CTA_PROTO_NUM, ends[0].protocol)] * protocol + [(_CTA_PROTO_DST_PORT, ends[0].port)] * port
    if not (protocol or address):
        return []
    parts = [(_CTA_TUPLE_IP, [(_DESTINATIONS[0], ends[0].address)] * address), (_CTA_TUPLE_PROTO, fields)]
    flags = _BY_ADDRESS * address | _BY_PROTOCOL * protocol | _BY_PORT * port
    wanted = [(_CTA_FILTER_ORIG_FLAGS, u32(flags)), (_CTA_FILTER_REPLY_FLAGS, u32(0))]
    return [(_CTA_TUPLE_ORIG, parts), (_CTA_FILTER, wanted)]


def _decode_flows(bodies: t.Iterable[bytes], owners: _Owners) -> t.Iterator[_Flow]:
    for body in bodies:
        found = decode(body, _HEADER.size)
        asked = _end(found[_CTA_TUPLE_ORIG], _DESTINATIONS, _CTA_PROTO_DST_PORT)
        service = owners.find(found.get(_CTA_MARK, b""), asked)
        if service is not None:
            server = _end(found[_CTA_TUPLE_REPLY], _SOURCES, _CTA_PROTO_SRC_PORT)
            active = _tcp_state(found) == _ESTABLISHED
            yield _Flow(service, server, server != asked, active, found[_CTA_TUPLE_ORIG])


def _end(tuple_attribute: bytes, address: t.Tuple[int, int], port: int) -> _End:
    """One end of one direction."""
    parts = decode(tuple_attribute)
    addresses, ports = decode(parts[_CTA_TUPLE_IP]), decode(parts[_CTA_TUPLE_PROTO])
    place = addresses.get(address[0]) or addresses.get(address[1], b"")
    return _End(ports[_CTA_PROTO_NUM], place, ports.get(port, b""))


def _tcp_state(found: Attributes) -> bytes:
    tcp = decode(found.get(_CTA_PROTOINFO, b"")).get(_CTA_PROTOINFO_TCP, b"")
    return decode(tcp).get(_CTA_PROTOINFO_TCP_STATE, b"")


def _flows_in_namespace() -> int:
    """0 when connection tracking is not there: then there is nothing to count."""
    try:
        with open(_COUNT_FILE, encoding="ascii") as count:
            return int(count.read())
    except FileNotFoundError:
        return 0


def _sentence(number: int) -> str:
    if number in (errno.EINVAL, errno.EPROTONOSUPPORT, errno.EOPNOTSUPP):
        return "this kernel has no nf_conntrack_netlink: load it with 'modprobe nf_conntrack_netlink'"
    return f"conntrack does not answer: {os.strerror(number)}"
