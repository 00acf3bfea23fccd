# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An event loop on a clock that the test moves: no sleeping, and every run the same."""

from __future__ import annotations

import heapq
import itertools
from dataclasses import dataclass, field

from mainstay.model.units import Duration, Instant
from mainstay.net.polling import Due, Ready


@dataclass(order=True)
class ScriptedTimer:
    """One pending call."""

    deadline: Instant
    order: int
    due: Due | None = field(compare=False)

    def cancel(self) -> None:
        self.due = None


class ScriptedPoller:
    """Implements net/polling.Poller; descriptors are ready when the test says so."""

    def __init__(self, start: Instant = 1_000_000_000_000) -> None:
        self.clock = start
        self.watched: dict[int, tuple[int, Ready]] = {}
        self._timers: list[ScriptedTimer] = []
        self._orders = itertools.count()

    def now(self) -> Instant:
        return self.clock

    def wall_seconds(self) -> int:
        return self.clock // 1_000_000_000

    def watch(self, descriptor: int, interest: int, ready: Ready) -> None:
        self.watched[descriptor] = (interest, ready)

    def unwatch(self, descriptor: int) -> None:
        self.watched.pop(descriptor, None)

    def call_at(self, deadline: Instant, due: Due) -> ScriptedTimer:
        timer = ScriptedTimer(deadline, next(self._orders), due)
        heapq.heappush(self._timers, timer)
        return timer

    @property
    def pending(self) -> list[Instant]:
        """Deadlines of the calls that are still to come."""
        return sorted(timer.deadline for timer in self._timers if timer.due is not None)

    def run_until(self, instant: Instant) -> None:
        """Let time pass to `instant`; every call gets its turn exactly at its deadline."""
        while self._timers and self._timers[0].deadline <= instant:
            timer = heapq.heappop(self._timers)
            self.clock = max(self.clock, timer.deadline)
            self._call(timer)
        self.clock = max(self.clock, instant)

    def run_for(self, duration: Duration) -> None:
        self.run_until(self.clock + duration)

    def freeze_until(self, instant: Instant) -> None:
        """The process was frozen until `instant`: what came due meanwhile is called then, late."""
        self.clock = instant
        while self._timers and self._timers[0].deadline <= instant:
            self._call(heapq.heappop(self._timers))

    def _call(self, timer: ScriptedTimer) -> None:
        due, timer.due = timer.due, None
        if due is not None:
            due(self.clock)
