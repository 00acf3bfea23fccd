# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The weight of a server that comes back."""

from __future__ import annotations

from hypothesis import given, strategies as st

from mainstay.lvs.slow_start import STEPS, begun_before, next_step, warming_weight
from mainstay.model.units import seconds


def ramp(full: int, slow_start: int) -> list[tuple[int, int]]:
    """Every (instant, weight) from 0 on, found by following next_step."""
    points, now = [(0, warming_weight(full, slow_start, 0, 0))], 0
    while (following := next_step(full, slow_start, 0, now)) is not None:
        assert following > now, "a timer for the past"
        assert warming_weight(full, slow_start, 0, following - 1) == points[-1][1], "changed between two steps"
        now = following
        points.append((now, warming_weight(full, slow_start, 0, now)))
    return points


def test_from_a_tenth_to_all_of_it_in_even_steps() -> None:
    points = ramp(100, seconds(60))
    assert points[0] == (0, 10)
    assert points[10] == (seconds(30), 55)
    assert points[-1] == (seconds(60), 100)
    assert len(points) == 1 + STEPS


def test_a_small_weight_has_as_few_steps_as_there_are_weights() -> None:
    assert ramp(4, seconds(30)) == [(0, 1), (seconds(10), 2), (seconds(20), 3), (seconds(30), 4)]


def test_a_weight_of_1_is_back_at_once() -> None:
    assert ramp(1, seconds(30)) == [(0, 1)]


def test_without_slow_start_all_of_it_comes_at_once() -> None:
    assert ramp(100, 0) == [(0, 100)]


@given(st.integers(0, 65535), st.integers(0, seconds(3600)))
def test_it_only_rises_is_never_nothing_and_arrives_in_time(full: int, slow_start: int) -> None:
    points = ramp(full, slow_start)
    weights = [weight for _instant, weight in points]
    assert weights == sorted(weights)
    assert len(points) <= 1 + STEPS
    assert points[-1] == (points[-1][0], full)
    assert points[-1][0] <= slow_start
    assert all(weights) or not full


@given(st.integers(1, 65535), st.integers(1, seconds(3600)), st.integers(0, seconds(3600)))
def test_who_is_found_on_the_ramp_goes_on_from_there(full: int, slow_start: int, passed: int) -> None:
    """Given a weight that was read; when it is taken up later; then it is the same, and rises to the full one."""
    weight, now = warming_weight(full, slow_start, 0, passed), seconds(5000)
    begun = begun_before(full, slow_start, weight, now)
    if weight == full:
        assert begun is None
    else:
        assert begun is not None
        assert warming_weight(full, slow_start, begun, now) == weight
        assert begun <= now < begun + slow_start


def test_a_weight_beside_the_ramp_is_on_none() -> None:
    assert [begun_before(100, seconds(60), weight, 0) for weight in (0, 9, 100, 101)] == [None] * 4
    assert begun_before(100, 0, 50, 0) is None
    assert begun_before(1, seconds(60), 1, 0) is None
