# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs one probe over datagrams: UDP, or ICMP echo. One question, one outcome.

Theory of operation. The rules are those of probe_run.py. What is special:

- The socket is connected, so the kernel drops what others send, and ICMP errors come back as errno of the socket:
  port unreachable is ECONNREFUSED. With IP_RECVERR the kernel tells the passing ones too: host unreachable, also
  when it found out itself because nobody answered ARP or ND.
- Each receive() of the probe is one datagram. It may pass over those that are not meant for it; how many is bounded
  by received_limit, for which each counts its headers too.
- Where a task says what silence means, the deadline brings that verdict.

ICMP has two kinds of sockets. The kernel's own (SOCK_DGRAM) hears only replies to its requests, but may be used only
by the groups of net.ipv4.ping_group_range. The raw one needs CAP_NET_RAW, which the service has, hears all replies
that come from the target, and with IPv4 carries the IP header, which is cut off here. It also hears what routers say
to the pings of others (somebody traces the route to the target): what they quote tells whose it was.
"""

from __future__ import annotations

import contextlib
import errno
import socket
import struct
import typing as t

from ..model.units import Instant, as_seconds
from ..probes.outcome import ProbeOutcome
from ..probes.task import ICMP
from ..probes.verdict import Verdict
from .polling import READABLE
from .probe_errors import OwnTrouble, error_sentence
from .probe_run import SOCKET_FLAGS, TimedRun
from .probe_source import leave_by

_READ_BYTES = 64 * 1024
_HEADER_BYTES = 28
_ERROR_BYTES = 512
_QUOTED_BYTES = 64
_ECHO_NAME = slice(4, 8)
"""Id and sequence number of an echo request; whoever quotes less of it says nothing about whose it is."""

# linux/in.h, linux/in6.h, linux/icmp.h, linux/icmpv6.h: Python's socket module does not name them on 3.9.
_IP_RECVERR, _IPV6_RECVERR = 11, 25
_ICMP_FILTER, _ICMPV6_FILTER = 1, 1
_SOL_RAW = 255
_ALL_BUT_ECHO_REPLY_4 = struct.pack("=I", 0xFFFFFFFF & ~(1 << 0))
_ECHO_REPLY_6 = 129
_ALL_BUT_ECHO_REPLY_6 = struct.pack(
    "=8I", *(0xFFFFFFFF & ~((1 << _ECHO_REPLY_6 % 32) if word == _ECHO_REPLY_6 // 32 else 0) for word in range(8))
)

_REFUSED = "connection refused (ICMP port unreachable)"
_MAY_NOT_PING = (
    "this process may not open ICMP sockets (it needs CAP_NET_RAW, or a group in net.ipv4.ping_group_range)"
)


class DatagramRun(TimedRun):
    """One run of `task`; begins at once."""

    __slots__ = ("_asked", "_has_ip_header")

    def _open(self) -> t.Optional[Verdict]:
        self._socket = connection = self._new_socket()
        leave_by(connection, self._task.source)
        _hear_errors(connection)
        connection.connect((self._task.address, self._task.port))
        said = self._probe.start(self._started)
        if isinstance(said, Verdict):
            return said
        self._asked = b""
        if isinstance(said, bytes):
            self._asked = said if connection.type == socket.SOCK_RAW else b""
            connection.send(said)
        self._poller.watch(connection.fileno(), READABLE, self._ready)
        return None

    def _new_socket(self) -> socket.socket:
        self._has_ip_header = False
        family = socket.AF_INET6 if ":" in self._task.address else socket.AF_INET
        if self._task.transport != ICMP:
            return socket.socket(family, socket.SOCK_DGRAM | SOCKET_FLAGS)
        protocol = socket.IPPROTO_ICMPV6 if family == socket.AF_INET6 else socket.IPPROTO_ICMP
        try:
            return socket.socket(family, socket.SOCK_DGRAM | SOCKET_FLAGS, protocol)
        except PermissionError:
            self._has_ip_header = family == socket.AF_INET
            return _raw_socket(family, protocol)

    def _advance(self, connection: socket.socket, _bits: int, now: Instant) -> t.Optional[Verdict]:
        datagram = self._next_datagram(connection)
        if self._first_byte_ns is None:
            self._first_byte_ns = now - self._started
        self._received += len(datagram) + _HEADER_BYTES
        said = self._probe.receive(_without_ip_header(datagram) if self._has_ip_header else datagram, now)
        if isinstance(said, Verdict):
            return said
        if self._received > self._task.received_limit:
            return Verdict(False, f"more than {self._task.received_limit // 1024} KiB, and no {self._probe.awaits()}")
        if isinstance(said, bytes):
            connection.send(said)
        return None

    def _next_datagram(self, connection: socket.socket) -> bytes:
        """The next one, or the OSError that an ICMP message brought."""
        try:
            return connection.recv(_READ_BYTES)
        except BlockingIOError:
            raise
        except OSError as error:
            # What it left behind keeps the socket "ready" as long as nobody takes it.
            quoted = _left_behind(connection)
            if error.errno != errno.EREMOTEIO and self._is_ours(quoted):
                raise
        # A redirect or source quench, or about somebody else's request: the target may well answer.
        self._received += _HEADER_BYTES
        raise BlockingIOError(errno.EAGAIN, "only advice")

    def _is_ours(self, quoted: bytes) -> bool:
        """Does an ICMP error quote our request? All that a socket hears is ours, if it is not raw."""
        return not self._asked or len(quoted) < _ECHO_NAME.stop or quoted[_ECHO_NAME] == self._asked[_ECHO_NAME]

    def _out_of_time(self) -> Verdict:
        if self._task.silence is not None and self._first_byte_ns is None:
            return self._task.silence
        return Verdict(False, f"no {self._probe.awaits()} within {as_seconds(self._timeout):g} s")

    def _failure(self, code: int) -> Verdict:
        return Verdict(False, _REFUSED if code == errno.ECONNREFUSED else error_sentence(code))

    def _end(self, verdict: Verdict, now: Instant, ran: bool = True) -> None:
        self.cancel()
        self._done(ProbeOutcome(verdict, ran, first_byte_ns=self._first_byte_ns, total_ns=now - self._started))


def _left_behind(connection: socket.socket) -> bytes:
    """What an ICMP error quotes of the packet that it is about; empty when it came from this host itself."""
    with contextlib.suppress(BlockingIOError):
        return connection.recvmsg(_QUOTED_BYTES, _ERROR_BYTES, socket.MSG_ERRQUEUE)[0]
    return b""


def _raw_socket(family: int, protocol: int) -> socket.socket:
    """A raw ICMP socket that hears nothing but echo replies. Raises OSError and OwnTrouble."""
    try:
        raw = socket.socket(family, socket.SOCK_RAW | SOCKET_FLAGS, protocol)
    except PermissionError as error:
        raise OwnTrouble(_MAY_NOT_PING) from error
    if family == socket.AF_INET6:
        raw.setsockopt(socket.IPPROTO_ICMPV6, _ICMPV6_FILTER, _ALL_BUT_ECHO_REPLY_6)
    else:
        raw.setsockopt(_SOL_RAW, _ICMP_FILTER, _ALL_BUT_ECHO_REPLY_4)
    return raw


def _hear_errors(connection: socket.socket) -> None:
    if connection.family == socket.AF_INET6:
        connection.setsockopt(socket.IPPROTO_IPV6, _IPV6_RECVERR, 1)
    else:
        connection.setsockopt(socket.IPPROTO_IP, _IP_RECVERR, 1)


def _without_ip_header(packet: bytes) -> bytes:
    """What follows the IPv4 header, whose length stands in its first byte in words of four bytes."""
    return packet[(packet[0] & 15) * 4 :] if packet else b""
