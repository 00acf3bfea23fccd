# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When gratuitous ARP is due (NDP-04)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, strategies as st

from mainstay.model.config import VirtualAddress
from mainstay.model.defaults import RunningInstance
from mainstay.model.units import Instant, seconds
from mainstay.vrrp.announcing import Announcing

INSTANCE = RunningInstance("VI_1", "eth0", 51, (VirtualAddress("192.0.2.10", 24),))
REFRESHING = replace(INSTANCE, garp_master_refresh=seconds(60), garp_master_refresh_repeat=2)


def bursts(announcing: Announcing, until: float) -> list[tuple[float, int]]:
    """(second, rounds) of every burst up to `until`, with a caller that is always in time."""
    sent = []
    while (at := announcing.deadline()) is not None and at <= seconds(until):
        sent.append((at / seconds(1), announcing.due(at)))
    return sent


def started(instance: RunningInstance, at: Instant = 0) -> Announcing:
    announcing = Announcing(instance)
    announcing.start(at)
    return announcing


def test_a_new_master_announces_at_once_and_again_after_the_delay() -> None:
    assert bursts(started(INSTANCE), until=1000) == [(0, 5), (5, 5)]


def test_a_refresh_goes_on_as_long_as_the_mastership() -> None:
    assert bursts(started(REFRESHING), until=200) == [(0, 5), (5, 5), (60, 2), (120, 2), (180, 2)]


def test_without_a_delay_there_is_one_burst() -> None:
    assert bursts(started(replace(INSTANCE, garp_master_delay=0)), until=1000) == [(0, 5)]


def test_ndp_04_after_stop_nothing_is_announced() -> None:
    announcing = started(REFRESHING)
    announcing.stop()
    assert announcing.deadline() is None
    assert announcing.due(seconds(1000)) == 0


def test_nothing_is_due_before_its_deadline() -> None:
    announcing = started(INSTANCE, at=seconds(7))
    assert announcing.due(seconds(7) - 1) == 0
    assert announcing.due(seconds(7)) == 5
    assert announcing.due(seconds(12) - 1) == 0


def test_starting_again_begins_anew() -> None:
    announcing = started(INSTANCE)
    announcing.due(0)
    announcing.start(seconds(3))
    assert bursts(announcing, until=1000) == [(3, 5), (8, 5)]


@given(st.lists(st.integers(0, 200), max_size=30).map(sorted))
def test_a_stall_never_multiplies_what_is_sent(wakeups: list[int]) -> None:
    announcing = started(REFRESHING)
    for second in wakeups:
        assert announcing.due(seconds(second)) <= INSTANCE.garp_master_repeat
        assert announcing.due(seconds(second)) == 0, "the same instant asked twice"


FEWER = replace(INSTANCE, garp_lower_prio_delay=seconds(2), garp_lower_prio_repeat=3)


@pytest.mark.conformance("NDP-12")
def test_a_lesser_master_is_answered_with_bursts_of_their_own_numbers() -> None:
    announcing = started(FEWER)
    bursts(announcing, until=50)
    announcing.start_against_lesser(seconds(60))
    assert bursts(announcing, until=1000) == [(60, 3), (62, 3)]


@pytest.mark.conformance_negative("NDP-12")
def test_it_does_not_cut_the_larger_bursts_of_a_new_master_short() -> None:
    announcing = started(FEWER)
    announcing.due(0)
    announcing.start_against_lesser(seconds(1))
    assert bursts(announcing, until=1000) == [(5, 5)]


def test_a_refresh_goes_on_beside_it() -> None:
    announcing = started(replace(REFRESHING, garp_lower_prio_delay=0, garp_lower_prio_repeat=1))
    bursts(announcing, until=61)
    announcing.start_against_lesser(seconds(70))
    assert bursts(announcing, until=180) == [(70, 1), (120, 2), (180, 2)]


def test_no_repeat_is_no_announcement() -> None:
    """strict_mode: garp_lower_prio_repeat is 0."""
    announcing = started(replace(INSTANCE, garp_lower_prio_repeat=0))
    bursts(announcing, until=50)
    announcing.start_against_lesser(seconds(60))
    assert [rounds for _at, rounds in bursts(announcing, until=1000)] in ([0, 0], [0])
