# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Probes wait in line for a slot, leave it, and get their turn."""

from __future__ import annotations

import gc
import weakref

from mainstay.daemon.health.probe_slots import ProbeSlots, slots_within
from mainstay.model.check_config import TcpCheck
from mainstay.model.lvs_config import VirtualServer
from mainstay.model.units import seconds

from .health_lab import ONE, REFUSED, TWO, HealthLab, real, web


class Check:
    """Something that wants to probe."""

    def __init__(self, slots: ProbeSlots, failed: bool = False, patience: int = 0) -> None:
        self.started = 0
        self.slot = slots.take(self._start, failed, patience)

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


def test_checks_that_failed_already_get_half_of_the_slots_at_most() -> None:
    slots = ProbeSlots(4)
    dead = [Check(slots, failed=True) for _one in range(10)]
    assert sum(one.started for one in dead) == 2
    assert [Check(slots).started, Check(slots).started] == [1, 1]
    dead[0].slot.release()
    assert sum(one.started for one in dead) == 3, "the slot of a failed one goes to the next of them"


def test_late_is_who_waits_longer_than_its_patience() -> None:
    clock = [1000]
    late: list[int] = []
    slots = ProbeSlots(1, lambda: clock[0], late.append)
    hanging = Check(slots, patience=50)
    waiting, patient = Check(slots, patience=50), Check(slots, patience=500)
    clock[0] += 40
    assert (slots.waited().waiting, slots.waited().late_now) == (2, False)
    clock[0] += 20
    assert slots.waited().late_now
    hanging.slot.release()
    waiting.slot.release()
    assert (late, patient.started) == ([60], 1)
    assert (slots.waited().late, slots.waited().longest, slots.waited().late_now) == (1, 60, False)


def dead_rack(servers: int) -> VirtualServer:
    """Each probe of one of these holds a slot for five of six seconds."""
    silent = tuple(real(f"198.51.{number // 250}.{number % 250}") for number in range(servers))
    return web(name="rack", port=81, real_servers=silent, delay_loop=seconds(6), connect_timeout=seconds(5))


def quick() -> VirtualServer:
    return web(real_servers=(real(ONE, TcpCheck(retry=0, delay_loop=seconds(1))), real(TWO)))


def test_a_rack_of_silent_servers_does_not_delay_the_checks_of_others() -> None:
    lab = HealthLab(probes_at_once=20)
    rack = dead_rack(100)
    lab.silent = {server.address for server in rack.real_servers}
    lab.configure(rack, quick())
    lab.run(60)
    lab.answers[ONE] = REFUSED
    lab.run(1.1)
    assert lab.servers()[ONE]["state"] == "down"


def test_checks_that_wait_for_longer_than_their_delay_loop_are_told_once_and_counted() -> None:
    lab = HealthLab(probes_at_once=20)
    rack = dead_rack(100)
    lab.silent = {server.address for server in rack.real_servers}
    lab.configure(rack, quick())
    lab.run(120)
    assert len(lab.said("too many checks hang at once")) == 1
    checks = lab.status()["probe_slots"]
    assert (checks["at_once"], checks["late_now"]) == (20, True)
    assert checks["waiting"] > 40
    assert checks["longest_wait"] > 6


def test_enough_slots_are_nothing_to_talk_about() -> None:
    lab = HealthLab()
    rack = dead_rack(100)
    lab.silent = {server.address for server in rack.real_servers}
    lab.configure(rack, quick())
    lab.run(60)
    assert lab.said("too many") == []
    assert (lab.status()["probe_slots"]["late"], lab.status()["probe_slots"]["late_now"]) == (0, False)


def test_slots_follow_the_descriptors() -> None:
    assert [slots_within(limit) for limit in (64, 1024, 65536)] == [16, 896, 4000]
