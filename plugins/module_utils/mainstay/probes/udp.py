# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""UDP_CHECK: one datagram; an ICMP error is down, and so is no reply when one is required.

Without a required reply the check waits for errors until its deadline, as keepalived does: the error of a host that
is gone (no answer to ARP or ND) comes from our own kernel after three seconds, so a connect_timeout below that counts
such a host as up. A reply ends the wait at once. Every reply is judged, required or not.
"""

from __future__ import annotations

import functools
import typing as t

from ..model.check_config import UdpCheck
from ..model.units import Instant
from .task import UDP, ProbeTask, Search, source_of, target_of
from .verdict import Said, Verdict

Nibbles = t.Tuple[t.Optional[int], ...]
"""Half bytes, None for any."""

DEFAULT_PAYLOAD = bytes(16)

_QUIET = Verdict(True, "no ICMP error came")
_RECEIVED_LIMIT = 128 * 1024
_SHOWN_BYTES = 20


class UdpProbe:
    """One datagram and what comes of it. `lengths` are the least and most bytes of a reply."""

    def __init__(self, payload: bytes, expected: Nibbles, lengths: t.Tuple[int, int]) -> None:
        self._payload = payload
        self._expected = expected
        self._lengths = lengths

    def start(self, _now: Instant) -> Said:
        """The payload."""
        return self._payload

    def receive(self, received: bytes, _now: Instant) -> Said:
        """The verdict: the socket is connected, so the datagram is the server's."""
        least, most = self._lengths
        if not least <= len(received) <= most:
            return Verdict(False, f"a reply of {len(received)} bytes, allowed are {least} to {most}")
        if not begins_with(received, self._expected):
            return Verdict(False, f"the reply begins with {_shown(received)}, expected is {pattern(self._expected)}")
        return Verdict(True, f"a reply of {len(received)} bytes", details=(("reply", received.hex()),))

    def awaits(self) -> str:
        """A datagram."""
        return "reply"


def begins_with(received: bytes, expected: Nibbles) -> bool:
    """Do the half bytes of the datagram begin like this?"""
    halves = [half for byte in received[: (len(expected) + 1) // 2] for half in (byte >> 4, byte & 15)]
    return len(halves) >= len(expected) and all(
        wanted in (None, half) for wanted, half in zip(expected, halves)
    )


def pattern(expected: Nibbles) -> str:
    """The expected half bytes as the configuration spells them."""
    return "".join("x" if half is None else f"{half:x}" for half in expected)


def _shown(received: bytes) -> str:
    return (received[:_SHOWN_BYTES].hex() or "nothing") + ("..." if len(received) > _SHOWN_BYTES else "")


def tasks(check: UdpCheck, address: str, port: int, _search: Search) -> t.Tuple[ProbeTask, ...]:
    """The one task of a UDP_CHECK."""
    payload = DEFAULT_PAYLOAD if check.payload is None else check.payload
    begin = functools.partial(UdpProbe, payload, check.reply, (check.min_reply_length, check.max_reply_length))
    return (
        ProbeTask(
            UDP,
            *target_of(check, address, port),
            begin,
            source_of(check),
            received_limit=_RECEIVED_LIMIT,
            silence=None if check.require_reply else _QUIET,
        ),
    )
