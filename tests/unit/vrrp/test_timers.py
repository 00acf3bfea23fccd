# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Timers against the figures of the conformance list (TMR-01, TMR-02, TMR-05)."""

from __future__ import annotations

import pytest

from mainstay.model.units import seconds
from mainstay.vrrp.timers import (
    longest_learnt_interval,
    master_down_interval,
    shortest_down_interval,
    skew_time,
)

CENTISECOND = seconds(0.01)


@pytest.mark.parametrize(
    ("priority", "centiseconds", "expected"),
    [(100, 100, 360.9375), (100, 10, 36.09375), (200, 4095, 13180.78125), (254, 1, 3.0078125), (1, 100, 399.609375)],
)
def test_tmr_02_the_down_interval_is_exact_to_the_nanosecond(priority: int, centiseconds: int, expected: float) -> None:
    down = master_down_interval(priority, centiseconds * CENTISECOND)
    assert down == int(expected * CENTISECOND)


def test_tmr_02_a_better_backup_waits_less() -> None:
    skews = [skew_time(priority, seconds(1)) for priority in range(1, 255)]
    assert skews == sorted(skews, reverse=True)
    assert len(set(skews)) == len(skews)


def test_tmr_10_a_released_mastership_is_taken_after_the_skew_alone() -> None:
    assert skew_time(100, seconds(1)) == seconds(0.609375)


def test_the_soonest_takeover_is_that_of_priority_254() -> None:
    assert shortest_down_interval(seconds(1)) == seconds(3.0078125)


@pytest.mark.parametrize(("local", "limit"), [(0.01, 10), (1, 10), (2, 20), (40.95, 409.5)])
def test_tmr_05_the_longest_learnt_interval_is_tenfold_and_at_least_ten_seconds(local: float, limit: float) -> None:
    assert longest_learnt_interval(seconds(local)) == seconds(limit)
