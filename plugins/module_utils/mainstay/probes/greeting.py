# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Probes of servers that are judged by the first thing they say, unasked or after one question."""

from __future__ import annotations

import functools
import typing as t

from ..model.check_config import GreetingCheck
from ..model.units import Instant
from .task import TCP, ProbeTask, source_of, target_of
from .verdict import Said, Verdict

Judge = t.Callable[[bytes], t.Optional[Verdict]]
"""The verdict over everything received so far, or None while it is too short. It bounds what it waits for, and says
the same however the network cut the bytes."""

SHOWN_CHARACTERS = 120


class GreetingProbe:
    """Sends `opening`, if there is one, and lets `judge` read what comes."""

    def __init__(self, opening: bytes, judge: Judge, awaited: str) -> None:
        self._opening = opening
        self._judge = judge
        self._awaited = awaited
        self._received = b""
        self._verdict: t.Optional[Verdict] = None

    def start(self, _now: Instant) -> Said:
        """The opening."""
        return self._opening or None

    def receive(self, received: bytes, _now: Instant) -> Said:
        """The verdict as soon as the judge has one."""
        if self._verdict is None and received:
            self._received += received
            self._verdict = self._judge(self._received)
        elif self._verdict is None:
            reason = f"connection closed before a {self._awaited}: got {len(self._received)} bytes"
            self._verdict = Verdict(False, reason)
        return self._verdict

    def awaits(self) -> str:
        """What is judged."""
        return self._awaited


def greeting_tasks(
    check: GreetingCheck, address: str, port: int, opening: bytes, judge: Judge, awaited: str
) -> t.Tuple[ProbeTask, ...]:
    """The one task of such a check. It ends in order: database servers log resets as errors."""
    begin = functools.partial(GreetingProbe, opening, judge, awaited)
    target = target_of(check, address, port)
    return (ProbeTask(TCP, *target, begin, source_of(check), closes_with_reset=False),)


def plain(raw: bytes) -> str:
    """Text of a stranger, harmless and of bounded length."""
    text = raw[: SHOWN_CHARACTERS + 1].decode("ascii", "replace")
    harmless = "".join(character if " " <= character <= "~" else "?" for character in text[:SHOWN_CHARACTERS])
    return harmless + ("..." if len(text) > SHOWN_CHARACTERS else "")
