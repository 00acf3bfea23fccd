# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The raw sockets of VRRP (protocol 112): one for each interface, family and group, shared by its virtual routers.

Theory of operation. An IPv4 datagram comes with its header, which is where the TTL of 255 is proven; an IPv6 one
comes without, and source, destination, hop limit and interface come beside it. The kernel filters
by the sender alone: a packet with a wrong hop limit, version or virtual router id has to be counted, not lost. It is
kept from putting its own checksum into IPv6 messages or judging it (IPV6_CHECKSUM): a trailer signs what we wrote.

Virtual routers of one socket may send from different addresses, to different peers, with different hop limits. That
travels with each datagram, as a Delivery that is prepared beforehand like the bytes inside. A source need not be there
any more (IP_TRANSPARENT, IPV6_FREEBIND): who loses its own address resigns in its name, and the peers need not wait.
"""

from __future__ import annotations

import socket
import struct
import typing as t

from ..vrrp.receive import Envelope
from .packet_filter import attach, detach
from .sender_filter import NOBODY, all_but, only

PROTOCOL = 112
UNICAST = ""
"""The group of a socket that joins none: what is sent to our own address is all it receives."""

_HOP_LIMIT = 255  # RFC 9568 5.1.1.3 and 5.1.2.3: proof that no router forwarded it
_INTERNETWORK_CONTROL = 0xC0  # DSCP CS6
_PRIORITY_CONTROL = 6  # TC_PRIO_INTERACTIVE's band: the highest a process without privileges may ask for
_RECEIVE_BUFFER = 1024 * 1024
_DATAGRAM = 8192  # 255 IPv6 addresses make 4088 bytes; what is longer is malformed and cut is still malformed
_ANCILLARY = 128
_MREQN = struct.Struct("=4s4si")  # group, local address, interface index
_MREQ6 = struct.Struct("=16sI")  # group, interface index
_PKTINFO = struct.Struct("=i4s4s")  # interface index, source, destination
_PKTINFO6 = struct.Struct("=16sI")  # source or destination, interface index
_INTEGER = struct.Struct("=i")
# linux/in.h, linux/in6.h and asm-generic/socket.h; Python knows some of them only in late versions.
_IP_PKTINFO = 8
_IP_TRANSPARENT = 19
_IP_MULTICAST_ALL = 49
_IPV6_MULTICAST_ALL = 29
_SO_RCVBUFFORCE = getattr(socket, "SO_RCVBUFFORCE", 33)
_IPV6_FREEBIND = 78
_SO_MEMINFO = 55
_MEMINFO = struct.Struct("=9I")  # linux/sock_diag.h
_DROPS = 8
_SOURCE = slice(12, 16)  # of an IPv4 header

Ancillary = t.List[t.Tuple[int, int, bytes]]
"""Level, type and value, as sendmsg takes them."""


class Delivery(t.NamedTuple):
    """Where one prepared message goes, and how."""

    address: t.Tuple[t.Any, ...]
    """As the socket module spells it."""
    ancillary: Ancillary


class Datagram(t.NamedTuple):
    """One received packet, not looked at yet."""

    octets: bytes
    """IPv4: with the IP header. IPv6: the VRRP message alone."""
    header: t.Optional[Envelope] = None
    """IPv6: what the kernel told of its header."""

    @property
    def source(self) -> t.Optional[int]:
        """The address that it claims to come from; None when it is too short to have one."""
        if self.header is not None:
            return self.header.source
        return int.from_bytes(self.octets[_SOURCE], "big") if len(self.octets) >= _SOURCE.stop else None


def delivery(source: str, destination: str, hop_limit: int, index: int) -> Delivery:
    """Prepare sending from `source` to `destination` through the link with this index."""
    if ":" in destination:
        place = _PKTINFO6.pack(socket.inet_pton(socket.AF_INET6, source), index)
        options = [(socket.IPPROTO_IPV6, socket.IPV6_PKTINFO, place)]
        options.append((socket.IPPROTO_IPV6, socket.IPV6_HOPLIMIT, _INTEGER.pack(hop_limit)))
        return Delivery((destination, 0, 0, index), options)
    place = _PKTINFO.pack(index, socket.inet_aton(source), b"\0" * 4)
    options = [(socket.IPPROTO_IP, _IP_PKTINFO, place)]
    options.append((socket.IPPROTO_IP, socket.IP_TTL, _INTEGER.pack(hop_limit)))
    return Delivery((destination, 0), options)


class VrrpSocket:
    """Sends adverts to the group or to peers and receives everybody else's, on one interface."""

    def __init__(
        self, device: str, index: int, family: int, group: str, senders: t.Optional[t.Collection[int]] = None
    ) -> None:
        """Join the group, UNICAST is none; hear only these senders, None is everybody, () nobody.

        Raises OSError when the interface is missing or CAP_NET_RAW is.
        """
        self._family = family
        kind = socket.AF_INET6 if family == 6 else socket.AF_INET
        self._socket = socket.socket(kind, socket.SOCK_RAW | socket.SOCK_CLOEXEC, PROTOCOL)
        try:
            attach(self._socket, NOBODY)
            self._prepare(device)
            if family == 6:
                self._prepare_ipv6(index, group)
            else:
                self._prepare_ipv4(index, group)
            self._forget_what_came_unbound()
            if senders is None:
                self.hear_everybody()
            else:
                self.hear_only(senders)
        except OSError:
            self._socket.close()
            raise

    def fileno(self) -> int:
        """The descriptor, for the poller."""
        return self._socket.fileno()

    def send(self, packet: bytes, where: Delivery) -> None:
        """Send one VRRP message. Raises OSError when it could not leave."""
        self._socket.sendmsg((packet,), where.ancillary, 0, where.address)

    def receive(self) -> t.Optional[Datagram]:
        """One packet, or None when nothing waits."""
        try:
            if self._family == 4:
                return Datagram(self._socket.recv(_DATAGRAM))
            message, ancillary, _flags, sender = self._socket.recvmsg(_DATAGRAM, _ANCILLARY)
        except BlockingIOError:
            return None
        return Datagram(message, _header(sender[0], ancillary))

    def hear_only(self, senders: t.Collection[int]) -> None:
        """From now on the kernel drops what others than these send. Raises OSError."""
        attach(self._socket, only(senders, self._family))

    def hear_all_but(self, senders: t.Collection[int]) -> None:
        """From now on the kernel drops what these send. Raises OSError."""
        attach(self._socket, all_but(senders, self._family))

    def hear_everybody(self) -> None:
        """From now on nobody's packets are dropped."""
        detach(self._socket)

    def unread(self) -> int:
        """Packets that found the queue full, since the socket was made."""
        figures = self._socket.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, _MEMINFO.size)
        return int(_MEMINFO.unpack(figures)[_DROPS])

    def close(self) -> None:
        """Leave the group and give the descriptor back."""
        self._socket.close()

    def _forget_what_came_unbound(self) -> None:
        """Before there was a filter any packet of any interface could come."""
        while self.receive() is not None:
            pass

    def _prepare(self, device: str) -> None:
        opened = self._socket
        opened.setblocking(False)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device.encode() + b"\0")
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_PRIORITY, _PRIORITY_CONTROL)
        try:
            opened.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _RECEIVE_BUFFER)
        except PermissionError:  # without CAP_NET_ADMIN the system's own size has to do
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)

    def _prepare_ipv4(self, index: int, group: str) -> None:
        for option, value in (
            (socket.IP_TOS, _INTERNETWORK_CONTROL),
            (socket.IP_TTL, _HOP_LIMIT),
            (socket.IP_MULTICAST_TTL, _HOP_LIMIT),
            (socket.IP_MULTICAST_LOOP, 0),
            (_IP_MULTICAST_ALL, 0),
            (_IP_TRANSPARENT, 1),
            (socket.IP_MULTICAST_IF, _MREQN.pack(b"\0" * 4, b"\0" * 4, index)),
        ):
            self._socket.setsockopt(socket.IPPROTO_IP, option, value)
        if group != UNICAST:
            membership = _MREQN.pack(socket.inet_aton(group), b"\0" * 4, index)
            self._socket.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, membership)

    def _prepare_ipv6(self, index: int, group: str) -> None:
        for option, value in (
            (socket.IPV6_CHECKSUM, -1),
            (socket.IPV6_TCLASS, _INTERNETWORK_CONTROL),
            (socket.IPV6_UNICAST_HOPS, _HOP_LIMIT),
            (socket.IPV6_MULTICAST_HOPS, _HOP_LIMIT),
            (socket.IPV6_MULTICAST_LOOP, 0),
            (_IPV6_MULTICAST_ALL, 0),
            (_IPV6_FREEBIND, 1),
            (socket.IPV6_MULTICAST_IF, index),
            (socket.IPV6_RECVHOPLIMIT, 1),
            (socket.IPV6_RECVPKTINFO, 1),
        ):
            self._socket.setsockopt(socket.IPPROTO_IPV6, option, value)
        if group != UNICAST:
            membership = _MREQ6.pack(socket.inet_pton(socket.AF_INET6, group), index)
            self._socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, membership)


def _header(source: str, ancillary: t.Sequence[t.Tuple[int, int, bytes]]) -> Envelope:
    """What is missing, as it cannot be, matches no group and no peer."""
    destination, hop_limit = 0, None
    for _level, kind, value in ancillary:
        if kind == socket.IPV6_PKTINFO and len(value) == _PKTINFO6.size:
            destination = int.from_bytes(value[:16], "big")
        elif kind == socket.IPV6_HOPLIMIT and len(value) == _INTEGER.size:
            hop_limit = _INTEGER.unpack(value)[0]
    sender = socket.inet_pton(socket.AF_INET6, source.partition("%")[0])
    return Envelope(int.from_bytes(sender, "big"), destination, hop_limit)
