# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The state machine, row by row of the conformance list (FSM). Its other stories stand in test_router_*.py."""

from __future__ import annotations

import pytest

from mainstay.model.units import seconds
from mainstay.vrrp.actions import (
    Announce,
    LesserMasterHeard,
    ReleaseAddresses,
    SendAdvert,
    State,
    TakeAddresses,
    Transition,
)
from mainstay.vrrp.events import (
    DeadlineReached,
    LinkChanged,
    Started,
    Stopped,
)
from mainstay.vrrp.router import Router

from .routers import DOWN, HIGHER, LOCAL, LOWER, OWNER, SETTINGS, SKEW, advert, at_deadline, names, router_in

ANSWER = [SendAdvert(100), Announce(against_lesser=True), LesserMasterHeard(HIGHER)]
PROMOTION = ["SendAdvert", "TakeAddresses", "Announce", "Transition"]


# ---- start and stop


@pytest.mark.conformance("FSM-01")
def test_fsm_01_the_owner_starts_as_master() -> None:
    router = Router(OWNER)
    assert names(router.handle(Started(), seconds(5))) == PROMOTION
    assert router.deadline() == seconds(6)


@pytest.mark.conformance("FSM-02")
@pytest.mark.conformance_negative("FSM-01")
def test_fsm_02_others_start_as_backup_and_send_nothing() -> None:
    router = Router(SETTINGS)
    started = Transition(State.INIT, State.BACKUP, "started")
    assert router.handle(Started(), seconds(5)) == [ReleaseAddresses(), started]
    assert router.deadline() == seconds(5) + DOWN


def test_a_restart_under_an_unexpired_lease_goes_on_as_master() -> None:
    router = Router(SETTINGS)
    assert names(router.handle(Started(adopt=True), 0)) == PROMOTION
    assert "lease" in router.reason


@pytest.mark.conformance("FSM-03", "RX-24")
@pytest.mark.conformance_negative("FSM-02", "FSM-03")
def test_fsm_03_rx_24_before_the_start_nothing_but_the_start_moves_it() -> None:
    router = Router(SETTINGS)
    for event in (advert(255), advert(0), DeadlineReached(), Stopped(), LinkChanged(True)):
        assert router.handle(event, seconds(100)) == []
    assert (router.state, router.deadline()) == (State.INIT, None)


@pytest.mark.conformance("FSM-05")
def test_fsm_05_a_backup_stops_without_a_word() -> None:
    router = router_in(State.BACKUP)
    assert router.handle(Stopped(), 1) == [Transition(State.BACKUP, State.INIT, "stopped")]
    assert router.deadline() is None


@pytest.mark.conformance("FSM-12")
@pytest.mark.conformance_negative("FSM-05")
def test_fsm_12_a_master_stops_with_priority_0_first() -> None:
    router = router_in(State.MASTER)
    stopped = Transition(State.MASTER, State.INIT, "stopped")
    assert router.handle(Stopped(), 1) == [SendAdvert(0), ReleaseAddresses(), stopped]
    assert router.deadline() is None


@pytest.mark.conformance("FSM-21")
@pytest.mark.conformance_negative("FSM-12")
def test_fsm_21_starting_or_stopping_twice_is_harmless() -> None:
    for state in (State.BACKUP, State.MASTER, State.FAULT):
        router = router_in(state)
        before = router.deadline()
        assert router.handle(Started(), 1) == []
        assert (router.state, router.deadline()) == (state, before)
    router.handle(Stopped(), 2)
    assert router.handle(Stopped(), 3) == []


# ---- backup


@pytest.mark.conformance("FSM-06")
def test_fsm_06_silence_makes_a_backup_master_the_advert_goes_first() -> None:
    router = router_in(State.BACKUP)
    actions = at_deadline(router)
    assert actions[:3] == [SendAdvert(100), TakeAddresses(), Announce()]
    assert names(actions) == PROMOTION
    assert router.deadline() == DOWN + seconds(1)


@pytest.mark.conformance("FSM-07", "TMR-10")
@pytest.mark.conformance_negative("FSM-07")
def test_fsm_07_priority_0_leaves_the_skew_to_wait() -> None:
    router = router_in(State.BACKUP)
    router.handle(advert(150, advert_int=seconds(2)), 0)
    assert router.handle(advert(0, advert_int=seconds(9)), seconds(1)) == []
    assert router.deadline() == seconds(1) + 2 * SKEW, "the interval learnt before counts, not that of priority 0"
    assert router.master is None


@pytest.mark.conformance("FSM-08")
@pytest.mark.parametrize("priority", [100, 101, 254, 255])
def test_fsm_08_an_equal_or_better_master_is_followed(priority: int) -> None:
    router = router_in(State.BACKUP)
    assert router.handle(advert(priority, LOWER), seconds(3)) == []
    assert router.deadline() == seconds(3) + DOWN
    assert router.master == LOWER


@pytest.mark.conformance("TMR-03")
@pytest.mark.conformance_negative("TMR-03")
def test_fsm_08_tmr_03_the_masters_interval_is_learnt_and_forgotten_when_master() -> None:
    router = router_in(State.BACKUP)
    router.handle(advert(150, advert_int=seconds(5)), 0)
    assert router.deadline() == 5 * DOWN
    at_deadline(router)
    assert router.master_advert_int == seconds(1)
    assert router.deadline() == 5 * DOWN + seconds(1)
    router.handle(LinkChanged(False), 5 * DOWN)
    router.handle(LinkChanged(True), 0)
    assert router.deadline() == DOWN


@pytest.mark.conformance("TMR-05")
def test_tmr_05_a_forged_interval_is_capped_and_said() -> None:
    router = router_in(State.BACKUP)
    (alarm,) = router.handle(advert(200, advert_int=seconds(40.95)), 0)
    assert alarm.kind == "interval_capped"
    assert "40.95 s, counted as 10 s" in alarm.detail
    assert router.deadline() == 10 * DOWN


@pytest.mark.conformance_negative("TMR-05")
def test_tmr_05_an_interval_up_to_the_limit_is_learnt_without_a_word() -> None:
    router = router_in(State.BACKUP)
    assert router.handle(advert(200, advert_int=seconds(10)), 0) == []
    assert router.deadline() == 10 * DOWN


@pytest.mark.conformance("FSM-09")
@pytest.mark.conformance_negative("FSM-08")
def test_fsm_09_a_lesser_master_does_not_move_the_timer() -> None:
    router = router_in(State.BACKUP)
    assert router.handle(advert(99), seconds(3)) == []
    assert router.deadline() == DOWN
    assert router.master == HIGHER


@pytest.mark.conformance("FSM-08")
@pytest.mark.conformance_negative("FSM-09")
def test_fsm_08_with_nopreempt_a_lesser_master_is_followed() -> None:
    router = router_in(State.BACKUP, nopreempt=True)
    router.handle(advert(1), seconds(3))
    assert router.deadline() == seconds(3) + DOWN


@pytest.mark.conformance("FSM-18")
def test_fsm_18_nopreempt_does_not_hold_for_the_owner() -> None:
    router = router_in(State.MASTER, OWNER, nopreempt=True)
    router.handle(advert(255, HIGHER), 0)
    before = router.deadline()
    assert router.handle(advert(254), 1) == []
    assert (router.state, router.deadline()) == (State.BACKUP, before)


@pytest.mark.conformance("FSM-10")
@pytest.mark.conformance_negative("FSM-10")
def test_fsm_10_a_backup_does_not_compare_addresses() -> None:
    for source in (LOWER, HIGHER):
        router = router_in(State.BACKUP)
        router.handle(advert(100, source), 1)
        assert router.deadline() == 1 + DOWN


# ---- master


@pytest.mark.conformance("FSM-13")
def test_fsm_13_a_master_advertises_each_interval() -> None:
    router = router_in(State.MASTER)
    for second in (1, 2, 3):
        assert router.handle(DeadlineReached(), seconds(second)) == [SendAdvert(100)]
        assert router.deadline() == seconds(second + 1)


@pytest.mark.conformance("FSM-14")
def test_fsm_14_priority_0_is_answered_at_once() -> None:
    router = router_in(State.MASTER)
    assert router.handle(advert(0), seconds(0.5)) == [SendAdvert(100), Announce(against_lesser=True)]
    assert router.deadline() == seconds(1.5)


@pytest.mark.conformance("FSM-15")
@pytest.mark.parametrize(("priority", "source"), [(101, LOWER), (255, LOWER), (100, HIGHER)])
def test_fsm_15_a_better_master_is_yielded_to(priority: int, source: int) -> None:
    router = router_in(State.MASTER)
    actions = router.handle(advert(priority, source, seconds(2)), 0)
    assert names(actions) == ["ReleaseAddresses", "Transition"]
    assert router.state is State.BACKUP
    assert router.deadline() == 2 * DOWN
    assert router.master == source


@pytest.mark.conformance("FSM-15")
@pytest.mark.conformance_negative("FSM-15")
def test_fsm_15_addresses_compare_as_unsigned_numbers() -> None:
    router = router_in(State.MASTER, local_address=0x0A000001)
    assert names(router.handle(advert(100, 0xC0000201), 0)) == ["ReleaseAddresses", "Transition"]


@pytest.mark.conformance("FSM-16")
@pytest.mark.conformance_negative("FSM-15")
@pytest.mark.parametrize(("priority", "source"), [(99, HIGHER), (1, HIGHER), (100, LOWER)])
def test_fsm_16_a_lesser_master_is_answered_and_the_timer_runs_on(priority: int, source: int) -> None:
    router = router_in(State.MASTER)
    answer = [SendAdvert(100), Announce(against_lesser=True), LesserMasterHeard(source)]
    assert router.handle(advert(priority, source), seconds(0.5)) == answer
    assert router.deadline() == seconds(1)


@pytest.mark.conformance_negative("FSM-16")
def test_fsm_16_one_answer_for_all_that_was_heard_in_one_wake_up() -> None:
    router = router_in(State.MASTER)
    answers = [router.handle(advert(99), seconds(0.5)) for _ in range(100)]
    assert answers[0] == ANSWER
    assert answers[1:] == [[]] * 99


@pytest.mark.conformance_negative("FSM-18")
def test_fsm_18_preemption_plays_no_part_in_a_master() -> None:
    router = router_in(State.MASTER, nopreempt=True)
    router.handle(advert(101), 0)
    assert router.state is State.BACKUP


@pytest.mark.conformance("FSM-19")
def test_fsm_19_our_own_address_on_another_machine_is_an_alarm_and_nothing_else() -> None:
    router = router_in(State.MASTER)
    (alarm,) = router.handle(advert(100, LOCAL), 1)
    assert alarm.kind == "equal_address"
    assert "192.0.2.2" in alarm.detail
    assert (router.state, router.deadline()) == (State.MASTER, seconds(1))


@pytest.mark.conformance_negative("FSM-19")
def test_fsm_19_what_may_be_our_own_echo_is_never_answered() -> None:
    router = router_in(State.MASTER)
    assert names(router.handle(advert(50, LOCAL), 1)) == ["Alarm"]


@pytest.mark.conformance("RX-10", "FSM-22")
@pytest.mark.parametrize(("rival", "yields"), [(LOWER, False), (HIGHER, True)])
def test_rx_10_fsm_22_of_two_owners_the_lower_address_yields(rival: int, yields: bool) -> None:
    router = router_in(State.MASTER, OWNER)
    actions = router.handle(advert(255, rival), 1)
    assert actions[0].kind == "two_owners"
    assert (router.state is State.BACKUP) is yields
