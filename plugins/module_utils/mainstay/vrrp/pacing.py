# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The least gap between two announcements of one interface, or of all interfaces behind one switch.

keepalived's vrrp_garp_interval, vrrp_gna_interval and garp_groups: a switch that learns hundreds of addresses at once
drops some. What may not go at once waits in line; an announcement that is already waiting is not put there twice more
than its burst asks for, so the line has an end.
"""

from __future__ import annotations

import collections
import typing as t

from ..model.units import Duration, Instant

Item = t.TypeVar("Item", bound=t.Hashable)


class Pace(t.Generic[Item]):
    """A line with a gap. Items are compared as values: owner and frame."""

    def __init__(self, gap: Duration) -> None:
        self.gap = gap
        self._line: t.Deque[Item] = collections.deque()
        self._free_at: Instant = 0

    def join(self, items: t.Iterable[Item], rounds: int) -> None:
        """Put these in line so often, less what of them waits already."""
        wanted = list(items)
        waiting = collections.Counter(self._line)
        for number in range(rounds):
            self._line.extend(item for item in wanted if waiting[item] <= number)

    def leave(self, items: t.Container[Item]) -> None:
        """These are not to go any more."""
        self._line = collections.deque(item for item in self._line if item not in items)

    def due(self, now: Instant) -> t.List[Item]:
        """What goes now: everything without a gap, else one at most."""
        if not self.gap:
            going, self._line = list(self._line), collections.deque()
            return going
        if not self._line or now < self._free_at:
            return []
        self._free_at = now + self.gap
        return [self._line.popleft()]

    def deadline(self) -> t.Optional[Instant]:
        """When `due` has the next one; None while nobody waits."""
        return self._free_at if self._line else None
