# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Probes wait in line for a slot, leave it, and get their turn."""

from __future__ import annotations

import gc
import weakref

from mainstay.daemon.health.probe_slots import ProbeSlots


class Check:
    """Something that wants to probe."""

    def __init__(self, slots: ProbeSlots) -> None:
        self.started = 0
        self.slot = slots.take(self._start)

    def _start(self) -> None:
        self.started += 1


def test_who_comes_first_starts_first_as_soon_as_a_slot_is_free() -> None:
    slots = ProbeSlots(1)
    first, second, third = Check(slots), Check(slots), Check(slots)
    assert [first.started, second.started, third.started] == [1, 0, 0]
    first.slot.release()
    assert [first.started, second.started, third.started] == [1, 1, 0]
    second.slot.release()
    assert [first.started, second.started, third.started] == [1, 1, 1]


def test_who_leaves_the_line_never_starts_and_its_place_goes_to_the_next() -> None:
    slots = ProbeSlots(1)
    running, leaving, next_one = Check(slots), Check(slots), Check(slots)
    leaving.slot.release()
    running.slot.release()
    assert [leaving.started, next_one.started] == [0, 1]


def test_released_twice_frees_one_slot() -> None:
    slots = ProbeSlots(1)
    running, second, third = Check(slots), Check(slots), Check(slots)
    running.slot.release()
    running.slot.release()
    assert [second.started, third.started] == [1, 0]


def test_what_left_the_line_is_not_kept_while_every_slot_hangs() -> None:
    """Reload after reload, all servers silent: the line must not remember every one there ever was."""
    slots = ProbeSlots(1)
    hanging = Check(slots)
    gone = []
    for _reload in range(100):
        check = Check(slots)
        check.slot.release()
        gone.append(weakref.ref(check.slot))
    del check
    gc.collect()
    assert hanging.started == 1
    assert [one for one in gone if one() is not None] == []
