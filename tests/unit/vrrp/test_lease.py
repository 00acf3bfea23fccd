# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lease of an address ends before a backup can take it."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from mainstay.model.defaults import RunningInstance
from mainstay.model.leasing import outlives_refresh, refresh_period
from mainstay.model.units import seconds
from mainstay.vrrp.lease import WITHDRAWAL_SLACK, lease_of, lease_seconds, soonest_takeover
from mainstay.vrrp.timers import shortest_down_interval

ADVERT_INTERVALS = st.integers(1, 4095).map(lambda centiseconds: centiseconds * seconds(0.01))
SHORTEST_SAFE = seconds(0.44)


@pytest.mark.parametrize(
    ("advert_int", "expected"),
    [(23.04, 68), (10, 29), (2, 5), (1, 2), (0.9, 2), (0.76, 1), (0.5, 1), (0.1, 1), (0.01, 1)],
)
def test_the_default_lease_is_the_one_of_the_documented_table(advert_int: float, expected: int) -> None:
    # 23.04 s: the soonest takeover is at 69.3 s exactly, and a lease of 69 s could end at that very instant.
    assert lease_seconds(seconds(advert_int)) == expected


@given(ADVERT_INTERVALS.filter(lambda advert_int: advert_int >= SHORTEST_SAFE))
def test_a_dead_master_loses_its_addresses_before_the_best_backup_takes_over(advert_int: int) -> None:
    lease = seconds(lease_seconds(advert_int))
    soonest = shortest_down_interval(advert_int)
    assert lease + WITHDRAWAL_SLACK < soonest
    assert lease + seconds(1) + WITHDRAWAL_SLACK >= soonest, "a longer lease would have been safe too"


@given(ADVERT_INTERVALS)
def test_a_living_master_refreshes_before_its_lease_ends(advert_int: int) -> None:
    assert outlives_refresh(seconds(lease_seconds(advert_int)), advert_int)


def test_zero_turns_leasing_off_and_a_number_is_taken() -> None:
    assert lease_seconds(seconds(1), 0) == 0
    assert lease_seconds(seconds(1), seconds(5)) == 5


@pytest.mark.parametrize(
    ("advert_int", "version", "adverts", "expected"),
    [(1, 2, 3, 2), (10, 2, 3, 29), (255, 2, 3, 764), (1, 3, 5, 4), (1, 3, 2, 1), (2, 3, 2, 3), (0.5, 3, 10, 4)],
)
def test_tmr_06_the_lease_follows_the_version_and_down_timer_adverts(
    advert_int: float, version: int, adverts: int, expected: int
) -> None:
    lease = lease_seconds(seconds(advert_int), None, version, adverts)
    assert lease == expected or not outlives_refresh(seconds(expected), seconds(advert_int))


@given(ADVERT_INTERVALS, st.sampled_from([2, 3]), st.integers(1, 100))
def test_a_lease_that_can_be_safe_is_and_every_lease_is_refreshed_in_time(
    advert_int: int, version: int, adverts: int
) -> None:
    lease = seconds(lease_seconds(advert_int, None, version, adverts))
    assert outlives_refresh(lease, advert_int)
    soonest = shortest_down_interval(advert_int, version, adverts)
    assert lease + WITHDRAWAL_SLACK < soonest or lease <= refresh_period(advert_int) + seconds(1)


def test_an_instance_is_leased_by_its_own_version_and_patience() -> None:
    instance = RunningInstance("VI_1", "eth0", 51, advert_int=seconds(1), down_timer_adverts=5)
    assert (lease_of(instance), soonest_takeover(instance)) == (4, seconds(5.0078125))
    slow = RunningInstance("VI_1", "eth0", 51, advert_int=seconds(255), version=2)
    assert (lease_of(slow), soonest_takeover(slow)) == (764, seconds(765.0078125))
    fixed = RunningInstance("VI_1", "eth0", 51, advert_int=seconds(1), vip_lease=0)
    assert lease_of(fixed) == 0
