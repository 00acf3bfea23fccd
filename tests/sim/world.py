# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Virtual time: a queue of calls and the instant of the one that runs."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable

from mainstay.model.units import Instant, as_seconds


class World:
    """The clock, what is to come, and the story so far."""

    def __init__(self) -> None:
        self.now: Instant = 0
        self.story: list[str] = []
        self._order = itertools.count()
        self._queue: list[tuple[Instant, int, Callable[[], None]]] = []

    def at(self, instant: Instant, call: Callable[[], None]) -> None:
        """Run `call` at `instant`, after what was asked for earlier for the same one."""
        heapq.heappush(self._queue, (max(instant, self.now), next(self._order), call))

    def tell(self, who: str, what: str) -> None:
        self.story.append(f"{as_seconds(self.now):12.6f} {who:<8} {what}")

    def run(self, until: Instant, after_each: Callable[[], None]) -> None:
        """Let time pass up to `until`; `after_each` looks at the result of every call."""
        while self._queue and self._queue[0][0] <= until:
            self.now, _, call = heapq.heappop(self._queue)
            call()
            after_each()
        self.now = until
