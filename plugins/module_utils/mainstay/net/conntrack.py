# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Flows of our services in the kernel's connection tracking: count them, end stray ones.

linux/netfilter/nfnetlink_conntrack.h. Numbers inside these attributes are in network order. One look at the flows is
one walk of the kernel through its whole table, 18 ms for the usual 262 144 buckets however few flows there are; so all
services share one walk. The kernel leaves out what no service can have (CTA_FILTER, Linux 5.8); older kernels send
every flow. Either way each one is looked at again here.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
import typing as t

from ..lvs.table import DestinationKey, ServiceKey, Table
from .netlink import NESTED, Attributes, KernelSocket, Message, decode, encode, u32

_NETLINK_NETFILTER = 12
_CT_GET, _CT_DELETE = 0x0101, 0x0102  # subsystem ctnetlink (1), then the message
_HEADER = struct.pack("!BBH", socket.AF_INET, 0, 0)

_CTA_TUPLE_ORIG, _CTA_TUPLE_REPLY, _CTA_PROTOINFO, _CTA_FILTER = 1, 2, 4, 25
_CTA_TUPLE_IP, _CTA_TUPLE_PROTO = 1, 2
_CTA_IP_SRC, _CTA_IP_DST = 1, 2
_CTA_PROTO_NUM, _CTA_PROTO_SRC_PORT, _CTA_PROTO_DST_PORT = 1, 2, 3
_CTA_PROTOINFO_TCP, _CTA_PROTOINFO_TCP_STATE = 1, 1
_CTA_FILTER_ORIG_FLAGS, _CTA_FILTER_REPLY_FLAGS = 1, 2
_BY_ADDRESS, _BY_PROTOCOL, _BY_PORT = 1 << 1, 1 << 3, 1 << 5  # of the destination
_ESTABLISHED = b"\3"

_PROTOCOLS: t.Mapping[str, int] = {"TCP": socket.IPPROTO_TCP, "UDP": socket.IPPROTO_UDP}
_COUNT_FILE = "/proc/sys/net/netfilter/nf_conntrack_count"
_COUNT_LIMIT = 20_000
"""Flows in the whole namespace beyond which counting would hold up the health checks: 15 us a flow, so 0.3 s."""


_Said = t.TypeVar("_Said")


class ConntrackUnavailable(Exception):
    """The kernel does not tell about flows; the text names the remedy."""


class _Flow(t.NamedTuple):
    """One tracked flow of a service."""

    service: ServiceKey
    server: DestinationKey
    """Where the answers come from."""
    active: bool
    original: bytes
    """The original direction as the kernel wrote it: what identifies the flow."""


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
            raise ConntrackUnavailable(f"more than {_COUNT_LIMIT} flows")
        counted = {(key, server): [0, 0] for key, service in table.items() for server in service.destinations}
        for flow in self._flows(table):
            figures = counted.get((flow.service, flow.server))
            if figures is not None:
                figures[0 if flow.active else 1] += 1
        return {key: (active, inactive) for key, (active, inactive) in counted.items()}

    def end_flows(self, pools: t.Mapping[ServiceKey, t.Container[DestinationKey]]) -> None:
        """Forget the services' flows that lead anywhere but to their pools. Raises ConntrackUnavailable."""
        stray = [flow for flow in self._flows(pools) if flow.server not in pools[flow.service]]
        orders = [Message(_CT_DELETE, _HEADER + encode([(_CTA_TUPLE_ORIG | NESTED, flow.original)])) for flow in stray]
        for answer in self._talk(lambda kernel: kernel.order(orders)):
            if answer.errno not in (0, errno.ENOENT):  # it may have ended by itself meanwhile
                raise ConntrackUnavailable(_sentence(answer.errno))

    def _flows(self, services: t.Collection[ServiceKey]) -> t.Iterator[_Flow]:
        """The flows of these services, from one walk through the kernel's table."""
        if not services or not _flows_in_namespace():
            return
        question = Message(_CT_GET, _HEADER + encode(_common_filter(services)))
        yield from _decode_flows(self._talk(lambda kernel: kernel.dump(question)), services)

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


class _End(t.NamedTuple):
    """A service or a server as the kernel writes it; absent fields (IPv6, ICMP) are empty."""

    protocol: bytes
    address: bytes
    port: bytes


def _service_end(service: ServiceKey) -> _End:
    address, port = socket.inet_aton(service.address), struct.pack("!H", service.port)
    return _End(bytes([_PROTOCOLS[service.protocol]]), address, port)


def _common_filter(services: t.Collection[ServiceKey]) -> t.List[t.Tuple[int, t.Any]]:
    """Whatever all services have in common the kernel looks for; empty for nothing in common."""
    ends = [_service_end(service) for service in services]
    common = [len(set(values)) == 1 for values in zip(*ends)]
    protocol, address, port = common[0], common[1], common[0] and common[2]
    fields = [(_CTA_PROTO_NUM, ends[0].protocol)] * protocol + [(_CTA_PROTO_DST_PORT, ends[0].port)] * port
    if not (protocol or address):
        return []
    parts = [(_CTA_TUPLE_IP, [(_CTA_IP_DST, ends[0].address)] * address), (_CTA_TUPLE_PROTO, fields)]
    flags = _BY_ADDRESS * address | _BY_PROTOCOL * protocol | _BY_PORT * port
    wanted = [(_CTA_FILTER_ORIG_FLAGS, u32(flags)), (_CTA_FILTER_REPLY_FLAGS, u32(0))]
    return [(_CTA_TUPLE_ORIG, parts), (_CTA_FILTER, wanted)]


def _decode_flows(bodies: t.Iterable[bytes], services: t.Iterable[ServiceKey]) -> t.Iterator[_Flow]:
    """Everything stays bytes on the way, and a server is put into words once: there may be 20 000 flows."""
    wanted = {_service_end(service): service for service in services}
    servers: t.Dict[_End, DestinationKey] = {}
    for body in bodies:
        found = decode(body, len(_HEADER))
        service = wanted.get(_end(found[_CTA_TUPLE_ORIG], _CTA_IP_DST, _CTA_PROTO_DST_PORT))
        if service is None:
            continue
        answering = _end(found[_CTA_TUPLE_REPLY], _CTA_IP_SRC, _CTA_PROTO_SRC_PORT)
        if answering not in servers:
            servers[answering] = _server(answering)
        yield _Flow(service, servers[answering], _tcp_state(found) == _ESTABLISHED, found[_CTA_TUPLE_ORIG])


def _end(tuple_attribute: bytes, address: int, port: int) -> _End:
    """One end of one direction."""
    parts = decode(tuple_attribute)
    ports = decode(parts[_CTA_TUPLE_PROTO])
    return _End(ports[_CTA_PROTO_NUM], decode(parts[_CTA_TUPLE_IP]).get(address, b""), ports.get(port, b""))


def _server(end: _End) -> DestinationKey:
    return DestinationKey(socket.inet_ntoa(end.address), int.from_bytes(end.port, "big"))


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
