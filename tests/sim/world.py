# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Virtual time: a queue of calls and the instant of the one that runs."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from typing import Any

from mainstay.model.units import Instant, as_seconds
from mainstay.vrrp.actions import Alarm, Transition
from mainstay.vrrp.sync_group import GroupTransition


class World:
    """The clock, what is to come, and the story so far (kept as values: most stories are never read)."""

    def __init__(self) -> None:
        self.now: Instant = 0
        self._story: list[tuple[Instant, str, object]] = []
        self._queue: list[tuple[Instant, int, Callable[..., None], tuple[Any, ...]]] = []
        self._asked = 0

    def at(self, instant: Instant, call: Callable[..., None], *arguments: Any) -> None:
        """Run `call` at `instant`, after what was asked for earlier for the same one."""
        self._asked += 1
        heapq.heappush(self._queue, (max(instant, self.now), self._asked, call, arguments))

    def tell(self, who: str, what: object) -> None:
        self._story.append((self.now, who, what))

    def story(self) -> tuple[str, ...]:
        return tuple(f"{as_seconds(at):12.6f} {who:<8} {_in_words(what)}" for at, who, what in self._story)

    def run(self, until: Instant) -> None:
        """Let time pass up to `until`."""
        queue, pop = self._queue, heapq.heappop
        while queue and queue[0][0] <= until:
            self.now, _, call, arguments = pop(queue)
            call(*arguments)
        self.now = until


def _in_words(what: object) -> str:
    if isinstance(what, (Transition, GroupTransition)):
        return f"{what.before.value} -> {what.after.value}: {what.reason}"
    if isinstance(what, Alarm):
        return f"alarm {what.kind}: {what.detail}"
    return str(what)
