# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Flap damping: what going down costs, and when a server is free again."""

from __future__ import annotations

from hypothesis import given, strategies as st

from mainstay.lvs.damping import NO_PENALTY, decayed, punished, reuse_at, suppressed
from mainstay.model.units import seconds

HALF = seconds(60)


def test_two_downs_never_suppress_and_three_in_a_row_do() -> None:
    once = punished(NO_PENALTY, HALF, seconds(1))
    twice = punished(once, HALF, seconds(1))
    assert not suppressed(twice, HALF, seconds(1))
    assert suppressed(punished(twice, HALF, seconds(2)), HALF, seconds(2))


def test_downs_that_are_far_apart_are_forgotten() -> None:
    penalty = NO_PENALTY
    for turn in range(20):
        penalty = punished(penalty, HALF, seconds(120 * turn))
        assert not suppressed(penalty, HALF, seconds(120 * turn)), f"after {turn + 1} downs two half-lives apart"


def test_it_halves_with_the_half_life() -> None:
    once = punished(NO_PENALTY, HALF, seconds(5))
    assert round(decayed(once, HALF, seconds(65))) == 500
    assert round(decayed(once, HALF, seconds(125))) == 250


def test_it_is_over_when_the_penalty_has_fallen_to_750_and_not_when_it_falls_below_2000() -> None:
    penalty = NO_PENALTY
    for _turn in range(3):
        penalty = punished(penalty, HALF, 0)
    free = reuse_at(penalty, HALF)
    assert free == 2 * HALF, "3000 -> 750"
    assert suppressed(penalty, HALF, free - 1)
    assert not suppressed(penalty, HALF, free)


def test_one_more_down_while_it_is_out_keeps_it_out() -> None:
    penalty = NO_PENALTY
    for _turn in range(3):
        penalty = punished(penalty, HALF, 0)
    shortly = 2 * HALF - 1
    assert suppressed(punished(penalty, HALF, shortly), HALF, shortly), "1750 is less than 2000, but it was out"


def test_the_ceiling_bounds_the_time_out_to_less_than_three_half_lives() -> None:
    penalty = NO_PENALTY
    for _turn in range(100):
        penalty = punished(penalty, HALF, 0)
    assert 2 * HALF < reuse_at(penalty, HALF) < 3 * HALF


def test_without_a_half_life_nothing_is_damped() -> None:
    assert punished(punished(NO_PENALTY, HALF, 0), 0, 5) == NO_PENALTY
    suppressing = punished(punished(punished(NO_PENALTY, HALF, 0), HALF, 0), HALF, 0)
    assert not suppressed(suppressing, 0, 0), "a reload has turned it off"


@given(st.lists(st.integers(0, seconds(200)), max_size=12), st.integers(1, seconds(600)), st.integers(0, seconds(900)))
def test_a_timer_for_the_end_finds_it_over(pauses: list[int], half_life: int, later: int) -> None:
    """Whatever floating point does: else the daemon would set the same timer again and again."""
    penalty, now = NO_PENALTY, 0
    for pause in pauses:
        now += pause
        penalty = punished(penalty, half_life, now)
    end = reuse_at(penalty, half_life)
    assert not suppressed(penalty, half_life, max(end, now))
    assert suppressed(penalty, half_life, now + later) == (penalty.suppressed and now + later < end)
    assert end - now <= 3 * half_life
