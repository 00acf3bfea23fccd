# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The UDP sockets of single-hop BFD (RFC 5881): two that receive for each family, one that sends for each session.

Nothing is dropped in the kernel: a packet with a wrong TTL has to be counted, not lost. But what neighbors send has a
queue of its own: two sockets share the port (SO_REUSEPORT), and a program in the kernel chooses by the source address.
A flood from anywhere else fills the other queue only: what is sent to everybody comes to both sockets, so that of the
neighbors has a filter, too.
"""

from __future__ import annotations

import ipaddress
import socket
import struct
import typing as t

from .packet_filter import attach, share_out
from .sender_filter import only, second_of_two

PORT = 3784
"""Section 4."""

SOURCE_PORTS = range(49152, 65536)
"""Section 4: of one session each."""

_DATAGRAM = 128  # 24 octets are read; a longer one is still a packet, what follows them is not looked at
_ANCILLARY = socket.CMSG_SPACE(4) + socket.CMSG_SPACE(20)
_TOS_INTERNETWORK_CONTROL = 0xC0  # DSCP CS6
_PRIORITY_CONTROL = 6  # the highest a process without privileges may ask for
# What fits into half of 20 KiB, net.core.optmem_max before Linux 6.8: while a filter is replaced there are two.
# Neighbors beyond stand in the queue of strangers.
_MOST_NEIGHBORS = {4: 96, 6: 28}
_SENDERS_QUEUE = 4096  # nobody has to send anything to our source port
_INT = struct.Struct("=i")

# linux/in.h, linux/in6.h; Python knows some of them only in late versions.
_IP_PKTINFO, _IP_RECVTTL, _IP_FREEBIND = 8, 12, 15
_IPV6_FREEBIND = 78

_TTL_OF = {(socket.IPPROTO_IP, socket.IP_TTL), (socket.IPPROTO_IPV6, socket.IPV6_HOPLIMIT)}
_DESTINATION_OF = {
    # in_pktinfo: interface, address to answer from, destination of the header
    (socket.IPPROTO_IP, _IP_PKTINFO): (socket.AF_INET, slice(8, 12)),
    (socket.IPPROTO_IPV6, socket.IPV6_PKTINFO): (socket.AF_INET6, slice(0, 16)),
}


class Datagram(t.NamedTuple):
    """One received UDP datagram."""

    payload: bytes
    source: str
    """Address of the sender as text, without a zone."""
    destination: str
    ttl: int
    """Or hop limit; 0 when the kernel did not say."""


def family_of(address: str) -> int:
    """AF_INET or AF_INET6."""
    return socket.AF_INET if ipaddress.ip_address(address).version == 4 else socket.AF_INET6


class BfdReceiver:
    """One socket on port 3784."""

    def __init__(self, family: int) -> None:
        """Raises OSError, EADDRINUSE when another program does BFD here."""
        self.socket = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)
        try:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            _bind_to_port(self.socket, family)
        except OSError:
            self.socket.close()
            raise

    def fileno(self) -> int:
        """The descriptor, for the poller."""
        return self.socket.fileno()

    def receive(self) -> t.Optional[Datagram]:
        """One datagram, or None when nothing waits."""
        try:
            payload, ancillary, _flags, source = self.socket.recvmsg(_DATAGRAM, _ANCILLARY)
        except BlockingIOError:
            return None
        destination, ttl = "", 0
        for level, kind, octets in ancillary:
            if (level, kind) in _TTL_OF:
                (ttl,) = _INT.unpack(octets)
            elif (level, kind) in _DESTINATION_OF:
                family, place = _DESTINATION_OF[level, kind]
                destination = socket.inet_ntop(family, octets[place])
        return Datagram(payload, source[0].partition("%")[0], destination, ttl)

    def close(self) -> None:
        """Give the descriptor back."""
        self.socket.close()


class BfdReceivers:
    """What arrives at port 3784 for all sessions of one family: from strangers, and from neighbors."""

    def __init__(self, family: int, neighbors: t.Collection[str]) -> None:
        """Raises OSError, EADDRINUSE when another program does BFD here."""
        _must_be_free(family)
        self._family = 4 if family == socket.AF_INET else 6
        self.strangers = BfdReceiver(family)
        try:
            self.neighbors = BfdReceiver(family)
        except OSError:
            self.strangers.close()
            raise
        try:
            self.know(neighbors)
        except OSError:
            self.close()
            raise

    def know(self, neighbors: t.Collection[str]) -> None:
        """These are the neighbors from now on. Raises OSError."""
        numbers = dict.fromkeys(int(ipaddress.ip_address(one.partition("%")[0])) for one in neighbors)
        known = list(numbers)[: _MOST_NEIGHBORS[self._family]]
        attach(self.neighbors.socket, only(known, self._family))
        share_out(self.strangers.socket, second_of_two(known, self._family))

    def close(self) -> None:
        """Give the descriptors back."""
        self.strangers.close()
        self.neighbors.close()


def _must_be_free(family: int) -> None:
    """Whoever shares the port as we do would take packets of ours: for a moment we ask for it alone."""
    with socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as alone:
        _bind_to_port(alone, family)


def _bind_to_port(opened: socket.socket, family: int) -> None:
    for level, option in _RECEIVE_OPTIONS[family]:
        opened.setsockopt(level, option, 1)
    opened.bind(("", PORT))


class BfdSender:
    """What one session sends: always from the same port, that of no other session."""

    def __init__(self, source: t.Optional[str], neighbor: str, ttl: int, ports: t.Iterable[int]) -> None:
        """Take the first of `ports` that is free. Raises OSError when none is.

        `source` None lets the kernel choose with each packet. An address that is not there yet makes sending fail,
        and no more, until it is there.
        """
        self._neighbor = (neighbor, PORT)
        family = family_of(neighbor)
        self._socket = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)
        try:
            self._prepare(family, ttl)
            self.port = self._bind(source or "", ports)
        except OSError:
            self._socket.close()
            raise

    def send(self, octets: bytes) -> None:
        """Send one packet to the neighbor. Raises OSError when it could not leave."""
        self._socket.sendto(octets, self._neighbor)

    def close(self) -> None:
        """Give the descriptor back."""
        self._socket.close()

    def _prepare(self, family: int, ttl: int) -> None:
        opened = self._socket
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_PRIORITY, _PRIORITY_CONTROL)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SENDERS_QUEUE)
        if family == socket.AF_INET:
            opened.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, _TOS_INTERNETWORK_CONTROL)
            opened.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, ttl)
            opened.setsockopt(socket.IPPROTO_IP, _IP_FREEBIND, 1)
        else:
            opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_TCLASS, _TOS_INTERNETWORK_CONTROL)
            opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, ttl)
            opened.setsockopt(socket.IPPROTO_IPV6, _IPV6_FREEBIND, 1)

    def _bind(self, source: str, ports: t.Iterable[int]) -> int:
        refusal = OSError("no source port to try")
        for port in ports:
            try:
                self._socket.bind((source, port))
            except OSError as error:
                refusal = error
            else:
                return port
        raise refusal


_RECEIVE_OPTIONS: t.Mapping[int, t.Tuple[t.Tuple[int, int], ...]] = {
    socket.AF_INET: ((socket.IPPROTO_IP, _IP_RECVTTL), (socket.IPPROTO_IP, _IP_PKTINFO)),
    socket.AF_INET6: (
        (socket.IPPROTO_IPV6, socket.IPV6_V6ONLY),
        (socket.IPPROTO_IPV6, socket.IPV6_RECVHOPLIMIT),
        (socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO),
    ),
}
