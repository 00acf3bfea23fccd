# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PING_CHECK: one ICMP echo request (RFC 792, RFC 4443 4), up when its reply comes.

The probe sees ICMP messages without an IP header. Its own request is recognised by the nonce in the payload: the id
is the kernel's on an ICMP socket, and on a raw socket the replies to everybody's requests come in.
"""

from __future__ import annotations

import functools
import struct
import typing as t

from ..model.check_config import PingCheck
from ..model.units import Instant
from .nonce import nonce
from .task import ICMP, ProbeTask, Search, source_of, target_of
from .verdict import Said, Verdict

# (request, reply) by IP version
_TYPES: t.Mapping[int, t.Tuple[int, int]] = {4: (8, 0), 6: (128, 129)}
_ECHO = struct.Struct("!BBHHH")
_SEQUENCE = 1
_NONCE_BYTES = 16

# A raw socket hears what others ping, too; that must not fail this check early.
_RECEIVED_LIMIT = 1024 * 1024


class PingProbe:
    """One echo request."""

    def __init__(self, address: str) -> None:
        self._subject = f"ping {address}"
        self._request, self._reply = _TYPES[6 if ":" in address else 4]
        self._payload = b""
        self._strangers = 0

    def start(self, now: Instant) -> Said:
        """The request, with a checksum of its own (which the kernel computes for ICMPv6)."""
        token = nonce(now, self._subject, _NONCE_BYTES + 2)
        self._payload = token[2:]
        number = int.from_bytes(token[:2], "big")
        blank = _ECHO.pack(self._request, 0, 0, number, _SEQUENCE) + self._payload
        return _ECHO.pack(self._request, 0, checksum(blank), number, _SEQUENCE) + self._payload

    def receive(self, received: bytes, _now: Instant) -> Said:
        """Up, when it is the reply to our request."""
        if self._is_ours(received):
            return Verdict(True, "echo reply")
        self._strangers += 1
        return None

    def awaits(self) -> str:
        """The reply, and what came in its stead."""
        return "echo reply" + (f" to our request (passed over {self._strangers} others)" if self._strangers else "")

    def _is_ours(self, message: bytes) -> bool:
        if len(message) < _ECHO.size:
            return False
        kind, code, _checksum, _identifier, sequence = _ECHO.unpack_from(message)
        return (kind, code, sequence) == (self._reply, 0, _SEQUENCE) and message[_ECHO.size :] == self._payload


def checksum(message: bytes) -> int:
    """Internet checksum (RFC 1071) of an even number of bytes."""
    total: int = sum(struct.unpack(f"!{len(message) // 2}H", message))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def tasks(check: PingCheck, address: str, port: int, _search: Search) -> t.Tuple[ProbeTask, ...]:
    """The one task of a PING_CHECK; ICMP has no ports."""
    target, _port = target_of(check, address, port)
    begin = functools.partial(PingProbe, target)
    return (ProbeTask(ICMP, target, 0, begin, source_of(check), received_limit=_RECEIVED_LIMIT),)
