# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The gap between announcements (NDP-04): who waits, in what order, and for how long."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from mainstay.model.units import NANOSECONDS_PER_MILLISECOND, Instant
from mainstay.vrrp.pacing import Pace

GAP = 10 * NANOSECONDS_PER_MILLISECOND


def sent(pace: Pace[str], now: Instant = 0) -> list[tuple[float, str]]:
    """(millisecond, what) of all that goes, with a caller that is always in time."""
    gone = [(now / NANOSECONDS_PER_MILLISECOND, one) for one in pace.due(now)]
    while (at := pace.deadline()) is not None:
        gone += [(at / NANOSECONDS_PER_MILLISECOND, one) for one in pace.due(at)]
    return gone


def test_without_a_gap_everything_goes_at_once() -> None:
    pace: Pace[str] = Pace(0)
    pace.join("ab", 2)
    assert pace.due(0) == ["a", "b", "a", "b"] and pace.deadline() is None


@pytest.mark.conformance("NDP-04")
def test_with_a_gap_they_go_one_by_one_round_after_round() -> None:
    pace: Pace[str] = Pace(GAP)
    pace.join("ab", 2)
    assert sent(pace) == [(0, "a"), (10, "b"), (20, "a"), (30, "b")]


def test_the_gap_holds_between_bursts_too() -> None:
    pace: Pace[str] = Pace(GAP)
    pace.join("a", 1)
    assert pace.due(0) == ["a"]
    pace.join("b", 1)
    assert pace.due(GAP - 1) == [] and pace.due(GAP) == ["b"]


@pytest.mark.conformance_negative("NDP-04")
def test_who_leaves_is_not_announced_any_more() -> None:
    pace: Pace[str] = Pace(GAP)
    pace.join("abc", 2)
    pace.leave({"b"})
    assert [one for _at, one in sent(pace)] == ["a", "c", "a", "c"]


@given(st.lists(st.integers(1, 5), max_size=20))
def test_bursts_that_come_faster_than_they_go_make_no_endless_line(repeats: list[int]) -> None:
    pace: Pace[str] = Pace(GAP)
    for rounds in repeats:
        pace.join("abc", rounds)
    assert len(sent(pace)) == 3 * max(repeats, default=0)


@given(st.lists(st.tuples(st.integers(0, 40), st.sampled_from("abc")), max_size=30))
def test_no_two_are_ever_closer_than_the_gap(joins: list[tuple[int, str]]) -> None:
    pace: Pace[str] = Pace(GAP)
    times: list[Instant] = []
    now = 0
    for pause, name in joins:
        now += pause * NANOSECONDS_PER_MILLISECOND
        pace.join(name, 1)
        times += [now for _one in pace.due(now)]
    assert all(later - earlier >= GAP for earlier, later in zip(times, times[1:]))
