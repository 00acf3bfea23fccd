# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Timers against the figures of the conformance list (TMR-01, TMR-02, TMR-06, TMR-10)."""

from __future__ import annotations

import pytest

from mainstay.model.units import seconds
from mainstay.vrrp.timers import (
    first_wait_of_a_hinted_master,
    master_down_interval,
    shortest_down_interval,
    skew_time,
)

CENTISECOND = seconds(0.01)


@pytest.mark.conformance("TMR-01")
@pytest.mark.parametrize(
    ("priority", "advert_int", "expected"),
    [(100, 1, 3.609375), (254, 1, 3.0078125), (1, 1, 3.99609375), (100, 10, 30.609375)],
)
def test_tmr_01_in_version_2_the_skew_does_not_grow_with_the_interval(
    priority: int, advert_int: int, expected: float
) -> None:
    assert master_down_interval(priority, seconds(advert_int), version=2) == seconds(expected)


@pytest.mark.conformance_negative("TMR-01", "TMR-02")
def test_tmr_01_tmr_02_the_versions_are_not_mixed_up() -> None:
    assert skew_time(100, seconds(10), version=2) == seconds(0.609375)
    assert skew_time(100, seconds(10), version=3) == seconds(6.09375)


@pytest.mark.conformance("TMR-06")
@pytest.mark.parametrize(("adverts", "expected"), [(1, 1.609375), (3, 3.609375), (5, 5.609375)])
def test_tmr_06_down_timer_adverts_replaces_the_three(adverts: int, expected: float) -> None:
    assert master_down_interval(100, seconds(1), adverts=adverts) == seconds(expected)


def test_the_first_wait_of_a_hinted_master_is_one_interval_and_the_least_skew() -> None:
    assert first_wait_of_a_hinted_master(seconds(2)) == seconds(2 + 2 / 256)
    assert first_wait_of_a_hinted_master(seconds(2), version=2) == seconds(2 + 1 / 256)


@pytest.mark.conformance("TMR-02")
@pytest.mark.parametrize(
    ("priority", "centiseconds", "expected"),
    [(100, 100, 360.9375), (100, 10, 36.09375), (200, 4095, 13180.78125), (254, 1, 3.0078125), (1, 100, 399.609375)],
)
def test_tmr_02_the_down_interval_is_exact_to_the_nanosecond(priority: int, centiseconds: int, expected: float) -> None:
    down = master_down_interval(priority, centiseconds * CENTISECOND)
    assert down == int(expected * CENTISECOND)


@pytest.mark.conformance_negative("TMR-10")
def test_tmr_02_a_better_backup_waits_less() -> None:
    skews = [skew_time(priority, seconds(1)) for priority in range(1, 255)]
    assert skews == sorted(skews, reverse=True)
    assert len(set(skews)) == len(skews)


@pytest.mark.conformance("TMR-10")
def test_tmr_10_a_released_mastership_is_taken_after_the_skew_alone() -> None:
    assert skew_time(100, seconds(1)) == seconds(0.609375)


def test_the_soonest_takeover_is_that_of_priority_254() -> None:
    assert shortest_down_interval(seconds(1)) == seconds(3.0078125)
