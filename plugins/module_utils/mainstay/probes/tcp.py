# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""TCP_CHECK: a server that accepts the connection is up; with `expect` it has to say something too."""

from __future__ import annotations

import typing as t

from ..model.check_config import TcpCheck
from ..model.units import Instant
from .http_answer import shown
from .task import TCP, ProbeTask, Search, source_of, target_of
from .verdict import Said, Verdict

_CONNECTED = Verdict(ok=True, reason="connection opened")


class TcpProbe:
    """The conversation is over before it begins."""

    def start(self, _now: Instant) -> Said:
        """Connected: that was the question."""
        return _CONNECTED

    def receive(self, _received: bytes, _now: Instant) -> Said:
        """Whatever the server says does not matter."""
        return _CONNECTED

    def awaits(self) -> str:
        """Nothing follows the connection."""
        return "connection"


class TalkProbe:
    """Says `send`, if anything, and waits until `expect` occurs in what comes back."""

    __slots__ = ("_expect", "_received", "_send", "_tail")

    def __init__(self, send: bytes, expect: bytes) -> None:
        self._send = send
        self._expect = expect
        self._tail = b""
        """The last bytes, in which `expect` may have begun."""
        self._received = 0

    def start(self, _now: Instant) -> Said:
        """Our line; none to wait for a greeting."""
        return self._send or None

    def receive(self, received: bytes, _now: Instant) -> Said:
        """The verdict once the expected bytes are there or none can follow."""
        if not received:
            return Verdict(False, f"connection closed before {self._wanted()}: got {self._received} bytes")
        self._received += len(received)
        seen = self._tail + received
        if self._expect in seen:
            return Verdict(True, f"answered with {shown(self._expect)}")
        self._tail = seen[-len(self._expect) :]
        return None

    def awaits(self) -> str:
        """What is still missing."""
        return f"answer with {shown(self._expect)}"

    def _wanted(self) -> str:
        return f"an {self.awaits()}"


_PROBE = TcpProbe()


def _begin() -> TcpProbe:
    """One for all: it remembers nothing."""
    return _PROBE


def tasks(check: TcpCheck, address: str, port: int, _search: Search) -> t.Tuple[ProbeTask, ...]:
    """The one task of a TCP_CHECK. Raises ValueError for a `send` whose answer nobody looks at."""
    target, source = target_of(check, address, port), source_of(check)
    if not check.expect:
        if check.send:
            raise ValueError("send without expect: nothing of the answer would be looked at")
        return (ProbeTask(TCP, *target, _begin, source),)
    send, expect = check.send or b"", check.expect
    return (ProbeTask(TCP, *target, lambda: TalkProbe(send, expect), source),)
