# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A bound on the probes that run at once.

A silent server holds its slot for the whole connect_timeout. A rack of them must not keep the others from being
checked, so checks that have failed already get half of the slots at most; among the rest it is first come, first
served. Whose turn comes later than its delay_loop is late: failures are then found late too, and somebody should know.
"""

from __future__ import annotations

import typing as t
from collections import OrderedDict

from ...model.units import Duration, Instant

PROBES_AT_ONCE = 4000
"""Enough for as many silent servers; each costs a descriptor and some kilobytes."""
RESERVED_DESCRIPTORS = 128
"""For everything else that the process has open."""


class Slot:
    """A place in line, then a running probe, then nothing."""

    __slots__ = ("__weakref__", "_slots", "failed", "patience", "running", "since", "start")

    def __init__(self, slots: ProbeSlots, start: t.Callable[[], None], failed: bool, patience: Duration) -> None:
        self._slots = slots
        self.start = start
        self.failed = failed
        self.patience = patience
        self.running = False
        self.since: Instant = 0
        """When it came into line; 0: it had not to wait."""

    def release(self) -> None:
        """Leave the line or end the run; harmless when done before."""
        if self.running:
            self.running = False
            self._slots.give_back(self)
        else:
            self._slots.leave_line(self)


class Waited(t.NamedTuple):
    """How long the line is."""

    limit: int
    """So many probes run at once."""
    waiting: int
    late: int
    """Probes that began later than their delay_loop allows, since the start of the process."""
    longest: Duration
    """The longest wait of a late one; of one that still stands in line, too."""
    late_now: bool
    """The first in line has waited for longer than its delay_loop."""


class ProbeSlots:
    """First come, first served; those that have failed already in half of the slots."""

    def __init__(
        self,
        limit: int = PROBES_AT_ONCE,
        clock: t.Callable[[], Instant] = lambda: 0,
        late: t.Callable[[Duration], None] = lambda _waited: None,
    ) -> None:
        """`late` gets the wait of every probe that began later than its delay_loop allows."""
        self._limit = limit
        self._free = limit
        self._free_for_failed = max(1, limit // 2)
        self._clock = clock
        self._tell_late = late
        self._late = 0
        self._longest: Duration = 0
        # Not deques: while all slots hang, reloads put whole generations of checks in line and take them out again.
        self._line: OrderedDict[Slot, None] = OrderedDict()
        self._failed_line: OrderedDict[Slot, None] = OrderedDict()

    def take(self, start: t.Callable[[], None], failed: bool = False, patience: Duration = 0) -> Slot:
        """Call `start` as soon as there is room, at once if there is room now.

        `failed`: the check has failed already, another result changes nothing but for the better. `patience`: how
        long it may wait, in nanoseconds.
        """
        slot = Slot(self, start, failed, patience)
        if self._free and (self._free_for_failed or not failed):  # then nobody of its line waits
            self._begin(slot)
        else:
            slot.since = self._clock()
            self._line_of(slot)[slot] = None
        return slot

    def give_back(self, slot: Slot) -> None:
        """One running probe has ended."""
        self._free += 1
        self._free_for_failed += slot.failed
        self._serve()

    def leave_line(self, slot: Slot) -> None:
        """It does not want to start any more; harmless when it is not in line."""
        self._line_of(slot).pop(slot, None)

    def waited(self) -> Waited:
        """How long the line is now, and has been."""
        now = self._clock()
        first = [next(iter(line)) for line in (self._line, self._failed_line) if line]
        late = [now - slot.since for slot in first if now - slot.since > slot.patience]
        waiting = len(self._line) + len(self._failed_line)
        return Waited(self._limit, waiting, self._late, max([self._longest, *late]), bool(late))

    def _line_of(self, slot: Slot) -> OrderedDict[Slot, None]:
        return self._failed_line if slot.failed else self._line

    def _serve(self) -> None:
        line = self._next_line()
        while line:
            slot, _nothing = line.popitem(last=False)
            self._note_wait(slot)
            self._begin(slot)
            line = self._next_line()

    def _begin(self, slot: Slot) -> None:
        self._free -= 1
        self._free_for_failed -= slot.failed
        slot.running = True
        slot.start()

    def _next_line(self) -> t.Optional[OrderedDict[Slot, None]]:
        """The one whose turn it is; None without room or without anybody who waits for it."""
        if not self._free:
            return None
        if self._failed_line and self._free_for_failed and not self._earlier_than_failed():
            return self._failed_line
        return self._line or None

    def _earlier_than_failed(self) -> bool:
        return bool(self._line) and next(iter(self._line)).since <= next(iter(self._failed_line)).since

    def _note_wait(self, slot: Slot) -> None:
        waited = self._clock() - slot.since
        if waited > slot.patience:
            self._late += 1
            self._longest = max(self._longest, waited)
            self._tell_late(waited)


def slots_within(descriptors: int) -> int:
    """So many probes at once, with so many descriptors."""
    return max(16, min(PROBES_AT_ONCE, descriptors - RESERVED_DESCRIPTORS))
