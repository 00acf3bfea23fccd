# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A bound on the probes that run at once."""

from __future__ import annotations

import typing as t
from collections import OrderedDict

PROBES_AT_ONCE = 400
"""Far below the usual 1024 descriptors of a process; the rest of a storm waits in line."""


class Slot:
    """A place in line, then a running probe, then nothing."""

    __slots__ = ("__weakref__", "_slots", "running", "start")

    def __init__(self, slots: ProbeSlots, start: t.Callable[[], None]) -> None:
        self._slots = slots
        self.start = start
        self.running = False

    def release(self) -> None:
        """Leave the line or end the run; harmless when done before."""
        if self.running:
            self.running = False
            self._slots.give_back()
        else:
            self._slots.leave_line(self)


class ProbeSlots:
    """First come, first served."""

    def __init__(self, limit: int = PROBES_AT_ONCE) -> None:
        self._free = limit
        # Not a deque: while all slots hang, reloads put whole generations of checks in line and take them out again.
        self._line: OrderedDict[Slot, None] = OrderedDict()

    def take(self, start: t.Callable[[], None]) -> Slot:
        """Call `start` as soon as there is room, at once if there is room now."""
        slot = Slot(self, start)
        self._line[slot] = None
        self._serve()
        return slot

    def give_back(self) -> None:
        """One running probe has ended."""
        self._free += 1
        self._serve()

    def leave_line(self, slot: Slot) -> None:
        """It does not want to start any more; harmless when it is not in line."""
        self._line.pop(slot, None)

    def _serve(self) -> None:
        while self._free and self._line:
            slot, _nothing = self._line.popitem(last=False)
            self._free -= 1
            slot.running = True
            slot.start()
