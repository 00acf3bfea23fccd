# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long a backup waits: the hint, the startup delay, preempt_delay (FSM-23), down_timer_adverts (TMR-06)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mainstay.model.units import seconds
from mainstay.vrrp.actions import State
from mainstay.vrrp.events import (
    DeadlineReached,
    DemotionChanged,
    Event,
    FaultsChanged,
    PriorityChanged,
    Reconfigured,
    Started,
)
from mainstay.vrrp.router import Router

from .routers import DOWN, HIGHER, LOWER, OWNER, SETTINGS, SKEW, advert, at_deadline, names, router_in

HINTED_WAIT = seconds(1 + 1 / 256)
DELAY = seconds(20)


# ---- the hint state MASTER


@pytest.mark.conformance_negative("OWN-03")
def test_state_master_waits_one_interval_and_the_least_skew() -> None:
    router = router_in(State.BACKUP, state="MASTER")
    assert router.deadline() == HINTED_WAIT
    assert "state MASTER" in router.reason


def test_state_master_still_follows_a_better_master_that_it_hears() -> None:
    router = router_in(State.BACKUP, state="MASTER")
    router.handle(advert(150), seconds(0.5))
    assert router.deadline() == seconds(0.5) + DOWN


def test_a_priority_that_tracking_moves_does_not_move_the_short_wait() -> None:
    router = router_in(State.BACKUP, state="MASTER")
    router.handle(PriorityChanged(254), 1)
    assert router.deadline() == HINTED_WAIT


@pytest.mark.conformance("OWN-03")
def test_own_03_nopreempt_and_strict_mode_do_not_know_the_hint() -> None:
    assert router_in(State.BACKUP, state="MASTER", nopreempt=True).deadline() == DOWN
    assert router_in(State.BACKUP, state="MASTER", strict=True).deadline() == DOWN


def test_the_hint_is_for_the_start_not_for_the_way_out_of_a_fault() -> None:
    router = router_in(State.BACKUP, state="MASTER")
    router.handle(FaultsChanged(("script chk_web is down",)), 1)
    router.handle(FaultsChanged(()), 2)
    assert router.deadline() == 2 + DOWN


# ---- the startup delay

HOLD = seconds(30)


def test_during_the_startup_delay_adverts_prove_nothing() -> None:
    router = Router(SETTINGS)
    assert names(router.handle(Started(hold_until=HOLD), 0)) == ["ReleaseAddresses", "Transition"]
    for priority in (0, 50, 150):
        assert router.handle(advert(priority), seconds(5)) == []
    assert (router.deadline(), router.master) == (HOLD, None)
    assert router.handle(DeadlineReached(), HOLD) == []
    assert router.deadline() == HOLD + DOWN


def test_after_the_startup_delay_an_owner_is_master_and_the_hint_counts() -> None:
    for settings, state, wait in [(OWNER, "BACKUP", seconds(1)), (SETTINGS, "MASTER", HINTED_WAIT)]:
        router = router_in(State.INIT, settings, state=state)
        router.handle(Started(hold_until=HOLD), 0)
        assert router.state is State.BACKUP
        at_deadline(router)
        assert router.deadline() == HOLD + wait
    assert "state MASTER" in router.reason


def test_a_fault_does_not_end_the_startup_delay() -> None:
    router = Router(SETTINGS)
    router.handle(Started(hold_until=HOLD), 0)
    router.handle(FaultsChanged(("script chk_web is down",)), 1)
    router.handle(FaultsChanged(()), 2)
    assert router.deadline() == HOLD
    router.handle(PriorityChanged(200), 3)
    assert router.deadline() == HOLD


def test_adoption_needs_no_startup_delay() -> None:
    router = Router(SETTINGS)
    router.handle(Started(adopt=True, hold_until=HOLD), 0)
    assert router.state is State.MASTER


# ---- preempt_delay


@pytest.mark.conformance("FSM-23")
def test_fsm_23_the_first_lesser_advert_starts_the_delay_and_later_ones_do_not() -> None:
    router = router_in(State.BACKUP, preempt_delay=DELAY)
    for second in range(1, 21):
        assert router.handle(advert(50), seconds(second)) == []
    assert router.deadline() == seconds(1) + DELAY
    at_deadline(router)
    assert router.state is State.MASTER
    assert router.reason == "preempt_delay is over, last heard 192.0.2.3 with priority 50"


@pytest.mark.conformance("FSM-23")
@pytest.mark.parametrize(("priority", "wait"), [(100, DOWN), (150, DOWN), (0, SKEW)])
def test_fsm_23_a_better_master_or_priority_0_cancels_the_delay(priority: int, wait: int) -> None:
    router = router_in(State.BACKUP, preempt_delay=DELAY)
    router.handle(advert(50), seconds(1))
    router.handle(advert(priority), seconds(2))
    assert router.deadline() == seconds(2) + wait
    router.handle(advert(50), seconds(2.1))
    router.handle(advert(50), seconds(5))
    assert router.deadline() == seconds(5) + DOWN, "a new delay began at 2.1 s, so silence comes first"


@pytest.mark.conformance_negative("FSM-23")
def test_fsm_23_a_master_that_dies_during_the_delay_is_not_waited_for() -> None:
    router = router_in(State.BACKUP, preempt_delay=DELAY)
    router.handle(advert(50), seconds(1))
    assert router.deadline() == seconds(1) + DOWN
    router.handle(PriorityChanged(228), seconds(2))
    assert router.deadline() == seconds(0.5) + DOWN


@pytest.mark.conformance_negative("FSM-23")
def test_fsm_23_an_owner_and_a_router_that_never_preempts_know_no_delay() -> None:
    owner = router_in(State.MASTER, OWNER, preempt_delay=DELAY)
    owner.handle(advert(255, HIGHER), 0)
    before = owner.deadline()
    owner.handle(advert(50), seconds(1))
    assert owner.deadline() == before
    shy = router_in(State.BACKUP, preempt_delay=DELAY, nopreempt=True)
    for second in range(60):
        shy.handle(advert(50, LOWER), seconds(second))
        assert shy.deadline() == seconds(second) + DOWN


@pytest.mark.conformance_negative("FSM-23")
@pytest.mark.parametrize(
    "event",
    [
        PriorityChanged(50),
        DemotionChanged(True),
        Reconfigured(replace(SETTINGS, nopreempt=True, preempt_delay=DELAY)),
        Reconfigured(replace(SETTINGS, preempt_delay=2 * DELAY)),
    ],
)
def test_fsm_23_a_delay_ends_without_preemption_when_we_may_not_preempt_any_more(event: Event) -> None:
    router = router_in(State.BACKUP, preempt_delay=DELAY)
    for second in range(1, 21):
        router.handle(advert(50), seconds(second))
    assert router.delays_preemption
    router.handle(event, seconds(20.5))
    assert not router.delays_preemption
    assert router.deadline() != seconds(1) + DELAY


# ---- what the takeover says


@pytest.mark.parametrize(
    ("heard", "changes", "reason"),
    [
        ([], {}, "no advert of priority 100 or higher in time, no master heard"),
        ([150], {}, "no advert of priority 100 or higher in time, last heard 192.0.2.3"),
        ([150, 0], {}, "192.0.2.3 resigned (priority 0)"),
        ([0, 150], {}, "no advert of priority 100 or higher in time, last heard 192.0.2.3"),
        ([150, 50], {}, "preempts 192.0.2.3, which advertises 50"),
        ([50, 0], {}, "192.0.2.3 resigned (priority 0)"),
        ([0, 50], {}, "preempts 192.0.2.3, which advertises 50"),
        ([50], {"nopreempt": True}, "no advert of any priority in time, last heard 192.0.2.3"),
        ([50], {"preempt_delay": DELAY}, "no advert of priority 100 or higher in time, last heard 192.0.2.3"),
        ([0, 50], {"preempt_delay": DELAY}, "no advert of priority 100 or higher in time, last heard 192.0.2.3"),
    ],
)
def test_a_takeover_says_whether_the_master_resigned_was_lesser_or_fell_silent(
    heard: list[int], changes: dict[str, int], reason: str
) -> None:
    router = router_in(State.BACKUP, **changes)
    for second, priority in enumerate(heard, 1):
        router.handle(advert(priority), seconds(second / 10))
    at_deadline(router)
    assert (router.state, router.reason) == (State.MASTER, reason)


def test_a_silent_master_is_not_preempted_because_our_priority_moved() -> None:
    better = router_in(State.BACKUP)
    better.handle(advert(150), seconds(1))
    better.handle(PriorityChanged(200), seconds(2))
    at_deadline(better)
    assert better.reason == "no advert of priority 200 or higher in time, last heard 192.0.2.3"
    worse = router_in(State.BACKUP)
    worse.handle(advert(50), seconds(1))
    worse.handle(PriorityChanged(40), seconds(2))
    at_deadline(worse)
    assert worse.reason == "no advert of priority 40 or higher in time, last heard 192.0.2.3"


def test_an_earlier_resignation_is_no_reason_for_a_later_takeover() -> None:
    router = router_in(State.BACKUP)
    router.handle(advert(0), seconds(1))
    at_deadline(router)
    router.handle(advert(150), seconds(5))
    at_deadline(router)
    assert router.reason == "no advert of priority 100 or higher in time, last heard 192.0.2.3"


# ---- down_timer_adverts


@pytest.mark.conformance("TMR-06")
@pytest.mark.parametrize(("adverts", "wait"), [(1, 1), (2, 2), (5, 5), (100, 100)])
def test_tmr_06_down_timer_adverts_decides_how_many_may_be_missing(adverts: int, wait: int) -> None:
    router = router_in(State.BACKUP, down_timer_adverts=adverts)
    assert router.deadline() == seconds(wait) + SKEW


@pytest.mark.conformance_negative("TMR-06")
def test_tmr_06_it_changes_nothing_about_the_skew_after_priority_0() -> None:
    router = router_in(State.BACKUP, down_timer_adverts=5)
    router.handle(advert(0), seconds(1))
    assert router.deadline() == seconds(1) + SKEW
