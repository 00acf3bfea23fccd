# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Flows of our services in the kernel's connection tracking: count them, end stray ones.

linux/netfilter/nfnetlink_conntrack.h. Numbers inside these attributes are in network order.

Theory of operation. To look at the flows is one walk of the kernel through its whole table: 10 ms for the usual
262,144 buckets however few flows there are, and 5 us for each flow that it hands over. So all services share one walk,
and it is done in portions of some hundred flows, half a millisecond each: the caller does something else in between.
The kernel is not asked to leave out what we do not want (CTA_FILTER, Linux 5.8): it would do so within one call, 72 ms
of nothing but waiting for 200,000 flows of others.

A flow belongs to the service whose mark it carries (nftables_rules sets it), else to the one whose address and port
its client asked for, else to the one that has every port of that address. Its ends say nearly all of that and there
are few different ones, so they are looked up once (_Paths); everything stays bytes.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
import typing as t

from ..lvs.table import DestinationKey, ServiceKey, Table
from .netlink import NESTED, KernelSocket, Message, encode
from .nftables_names import packed

_NETLINK_NETFILTER = 12
_CT_GET, _CT_DELETE = 0x0101, 0x0102  # subsystem ctnetlink (1), then the message
_HEADER = struct.Struct("!BBH")
_EVERY_FAMILY = _HEADER.pack(socket.AF_UNSPEC, 0, 0)
_ATTRIBUTE = struct.Struct("=HH")
_TYPE_MASK = 0x3FFF
_CTA_TUPLE_ORIG, _CTA_PROTOINFO, _CTA_MARK = 1, 4, 8
_STATE = 3 * _ATTRIBUTE.size
"""From CTA_PROTOINFO to the state of TCP: three headers, CTA_PROTOINFO_TCP and CTA_PROTOINFO_TCP_STATE stand first."""
_ESTABLISHED = 3

_TCP, _UDP = bytes([socket.IPPROTO_TCP]), bytes([socket.IPPROTO_UDP])
_PROTOCOLS: t.Mapping[str, bytes] = {"TCP": _TCP, "UDP": _UDP}
_COUNT_FILE = "/proc/sys/net/netfilter/nf_conntrack_count"
_PATHS_LIMIT = 10_000
"""So many different ends are remembered during a walk; there are more only of others' flows."""

Connections = t.Dict[t.Tuple[ServiceKey, DestinationKey], t.Tuple[int, int]]
"""Active and inactive ones."""
_End = t.Tuple[bytes, bytes]
"""Address and port as the kernel writes them; an empty port is every port."""
_Ends = t.Tuple[t.Any, ...]
"""What a _Layout reads."""
_Said = t.TypeVar("_Said")


class ConntrackUnavailable(Exception):
    """The kernel does not tell about flows; the text names the remedy."""


class _Layout:
    """Where the kernel writes the ends of a TCP or UDP flow. It knows one order only; a flow without ports (ICMP), or
    with a zone for one direction, has other lengths.
    """

    def __init__(self, address: int) -> None:
        """`address`: its size in bytes."""
        nest, source = "H2x4x", f"4x{address}x4x{address}s4x"  # a direction and its CTA_TUPLE_IP; up to CTA_TUPLE_PROTO
        asked = f"{nest}{source}4xc3x8x4x2s2x"
        answering = f"{nest}4x{address}s4x{address}x4x8x4x2s2x8x"
        self._struct = struct.Struct(f"={_HEADER.size}x{asked}{answering}")
        self.rest = self._struct.size
        """Here the attributes after the two directions begin."""
        self.direction = (self.rest - _HEADER.size) // 2
        """Length of each."""

    def ends(self, body: bytes) -> _Ends:
        """Direction's length, address asked for, protocol, port; direction's length, answering address, port."""
        return self._struct.unpack_from(body) if len(body) >= self.rest else ()


_LAYOUTS: t.Mapping[int, _Layout] = {socket.AF_INET: _Layout(4), socket.AF_INET6: _Layout(16)}


class _Pool:
    """The real servers of one service by what the kernel calls them, each with its active and inactive flows."""

    def __init__(self, servers: t.Iterable[DestinationKey]) -> None:
        self.flows: t.Dict[DestinationKey, t.List[int]] = {server: [0, 0] for server in servers}
        self._servers = {(packed(one.address), _port(one.port)): flows for one, flows in self.flows.items()}

    def find(self, end: _End) -> t.Optional[t.List[int]]:
        """Figures of the server that this is; None for a stranger. One with port 0 has every port."""
        return self._servers.get(end) or self._servers.get((end[0], b""))


class _Path(t.NamedTuple):
    """What the ends of a flow tell about it."""

    service: ServiceKey
    protocol: bytes
    server: _End
    """Where the answers come from."""
    rewritten: bool
    """Is that another place than the client asked for?"""
    figures: t.Optional[t.List[int]]
    """Of that server in the service's pool; None when it is not in it."""
    layout: _Layout

    def stray(self, abandoned: t.Container[ServiceKey]) -> bool:
        """Whether such a flow has to end, see Conntrack.end_flows."""
        if self.figures is not None:
            return False
        return self.protocol == _UDP or (self.rewritten and self.service not in abandoned)


class _Paths:
    """Which way a flow takes, for the services of these pools."""

    def __init__(self, pools: t.Mapping[ServiceKey, _Pool]) -> None:
        self._pools = pools
        self._marks = {_mark_end(key): key for key in pools if key.fwmark}
        self._services = {_service_end(key): key for key in pools if not key.fwmark}
        self._known: t.Dict[t.Tuple[_Ends, bytes], t.Optional[_Path]] = {}

    def find(self, body: bytes) -> t.Optional[_Path]:
        """None for a flow of nobody's."""
        layout = _LAYOUTS.get(body[0])
        if layout is None:
            return None
        ends = layout.ends(body)
        key = (ends, _value(body, layout.rest, _CTA_MARK) if self._marks else b"")
        try:
            return self._known[key]
        except KeyError:
            path = self._work_out(body[0], layout, *key)
        if len(self._known) < _PATHS_LIMIT:
            self._known[key] = path
        return path

    def _work_out(self, family: int, layout: _Layout, ends: _Ends, mark: bytes) -> t.Optional[_Path]:
        if not ends or not ends[0] == ends[4] == layout.direction:
            return None
        _length, address, protocol, port, _length, *server = ends
        service = self._marks.get((family, mark)) or self._services.get((protocol, address, port))
        service = service or self._services.get((protocol, address, b""))
        if service is None:
            return None
        end = (server[0], server[1])
        return _Path(service, protocol, end, end != (address, port), self._pools[service].find(end), layout)


class Conntrack:
    """Of the namespace of the moment at which each walk begins."""

    def __init__(self) -> None:
        self._orders: t.Optional[KernelSocket] = None

    def close(self) -> None:
        """Give the socket back."""
        if self._orders is not None:
            self._orders.close()
            self._orders = None

    def count(self, table: Table) -> t.Iterator[t.Optional[Connections]]:
        """Active and inactive flows per server of the table: None after each portion, then the figures.

        Raises ConntrackUnavailable.
        """
        pools = {key: _Pool(service.destinations) for key, service in table.items()}
        paths = _Paths(pools)
        for bodies in _portions() if table else ():
            _count_in(bodies, paths)
            yield None
        yield {
            (key, server): (figures[0], figures[1])
            for key, pool in pools.items()
            for server, figures in pool.flows.items()
        }

    def end_flows(self, table: t.Callable[[], Table], services: t.Collection[ServiceKey]) -> t.Iterator[None]:
        """Forget the services' flows that lead anywhere but to their pools, portion by portion.

        `table` is asked what it is now before each. A service that is not in it is no more: its TCP connections live
        on. So does one to a listener of the director's own. A UDP flow would go on for as long as its client keeps
        sending, so it is ended. Raises ConntrackUnavailable.
        """
        judged_by: t.Optional[Table] = None
        for bodies in _portions() if services else ():
            if table() is not judged_by:
                judged_by = table()
                abandoned = {key for key in services if key not in judged_by}
                pools = {key: judged_by[key].destinations for key in services if key in judged_by}
                paths = _Paths({key: _Pool(pools.get(key, ())) for key in services})
            found = ((body, paths.find(body)) for body in bodies)
            self._forget([_deletion(body, path) for body, path in found if path is not None and path.stray(abandoned)])
            yield

    def _forget(self, orders: t.Sequence[Message]) -> None:
        """Raises ConntrackUnavailable; the next then go over a new socket, because late answers stand in the way."""
        try:
            if self._orders is None:
                self._orders = KernelSocket(_NETLINK_NETFILTER)
            answers = self._orders.order(orders)
        except OSError as error:
            self.close()
            raise _unavailable(error) from error
        for answer in answers:
            if answer.errno not in (0, errno.ENOENT):  # it may have ended by itself meanwhile
                raise ConntrackUnavailable(_sentence(answer.errno))


def _portions() -> t.Iterator[t.List[bytes]]:
    """All flows of the namespace. Each walk has a socket of its own: one that is given up leaves half a dump there."""
    if not _flows_in_namespace():
        return
    try:
        kernel = KernelSocket(_NETLINK_NETFILTER)
    except OSError as error:
        raise _unavailable(error) from error
    try:
        yield from kernel.portions(Message(_CT_GET, _EVERY_FAMILY))
    except OSError as error:
        raise _unavailable(error) from error
    finally:
        kernel.close()


def _count_in(bodies: t.Iterable[bytes], paths: _Paths) -> None:
    for body in bodies:
        path = paths.find(body)
        if path is not None and path.figures is not None:
            established = path.protocol == _TCP and _tcp_state(body, path.layout.rest) == _ESTABLISHED
            path.figures[0 if established else 1] += 1


def _deletion(body: bytes, path: _Path) -> Message:
    """The original direction as the kernel wrote it is what identifies the flow."""
    start, length = _HEADER.size + _ATTRIBUTE.size, path.layout.direction - _ATTRIBUTE.size
    original = body[start : start + length]
    return Message(_CT_DELETE, body[: _HEADER.size] + encode([(_CTA_TUPLE_ORIG | NESTED, original)]))


def _tcp_state(body: bytes, offset: int) -> int:
    found = _find(body, offset, _CTA_PROTOINFO)
    return body[found + _STATE] if 0 < found < len(body) - _STATE else 0


def _value(body: bytes, offset: int, kind: int) -> bytes:
    """Of an attribute of four bytes; empty without it."""
    found = _find(body, offset, kind)
    return body[found + _ATTRIBUTE.size : found + _ATTRIBUTE.size + 4] if found else b""


def _find(body: bytes, offset: int, kind: int) -> int:
    """Where the first attribute of this kind begins, from `offset` on; 0 for nowhere."""
    while offset + _ATTRIBUTE.size <= len(body):
        length, found = _ATTRIBUTE.unpack_from(body, offset)
        if found & _TYPE_MASK == kind:
            return offset
        if length < _ATTRIBUTE.size:
            return 0
        offset += (length + 3) & ~3
    return 0


def _mark_end(service: ServiceKey) -> t.Tuple[int, bytes]:
    return socket.AF_INET6 if service.ipv6 else socket.AF_INET, struct.pack("!I", service.fwmark)


def _service_end(service: ServiceKey) -> t.Tuple[bytes, bytes, bytes]:
    return _PROTOCOLS[service.protocol], packed(service.address), _port(service.port)


def _port(number: int) -> bytes:
    """Empty for every port."""
    return struct.pack("!H", number) if number else b""


def _flows_in_namespace() -> int:
    """0 when connection tracking is not there: then there is nothing to count."""
    try:
        with open(_COUNT_FILE, encoding="ascii") as count:
            return int(count.read())
    except FileNotFoundError:
        return 0


def _unavailable(error: OSError) -> ConntrackUnavailable:
    return ConntrackUnavailable(_sentence(error.errno or errno.ETIMEDOUT))


def _sentence(number: int) -> str:
    if number in (errno.EINVAL, errno.EPROTONOSUPPORT, errno.EOPNOTSUPP):
        return "this kernel has no nf_conntrack_netlink: load it with 'modprobe nf_conntrack_netlink'"
    return f"conntrack does not answer: {os.strerror(number)}"
