# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two masters that stay, and owners that are two (FSM-19, FSM-22, OWN-08)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mainstay.model.units import seconds
from mainstay.vrrp.actions import Action, Alarm, PriorityMoved, State
from mainstay.vrrp.events import DeadlineReached, FaultsChanged, Reconfigured
from mainstay.vrrp.router import Router

from .routers import HIGHER, LOWER, OWNER, advert, at_deadline, names, router_in


def hears_each_second(router: Router, priority: int, seconds_heard: int, source: int = LOWER) -> list[list[Action]]:
    """A master's life beside a rival: our own advert each second, the rival's half a second later."""
    heard = []
    for second in range(seconds_heard):
        router.handle(DeadlineReached(), seconds(second + 1))
        heard.append(router.handle(advert(priority, source), seconds(second + 1.5)))
    return heard


def alarms(actions: list[Action]) -> list[str]:
    return [action.kind for action in actions if isinstance(action, Alarm)]


# ---- two masters


def test_a_lesser_master_that_stays_is_an_alarm_from_the_fourth_advert_on() -> None:
    heard = hears_each_second(router_in(State.MASTER), 50, 6)
    assert [alarms(actions) for actions in heard] == [[], [], [], ["two_masters"], ["two_masters"], ["two_masters"]]
    (alarm,) = (action for action in heard[3] if isinstance(action, Alarm))
    assert alarm.detail.startswith("192.0.2.1 has been master too for 3.0 s, priority 50 against our 100")
    assert "one-way path" in alarm.detail


def test_a_split_that_heals_is_no_alarm_and_neither_is_one_after_another() -> None:
    router = router_in(State.MASTER)
    hears_each_second(router, 50, 3)
    for second in range(5, 60):
        router.handle(DeadlineReached(), seconds(second))
    assert alarms(router.handle(advert(50), seconds(60))) == [], "long after the first, another split"


def test_priority_0_ends_what_a_rival_began() -> None:
    router = router_in(State.MASTER)
    hears_each_second(router, 50, 3)
    router.handle(advert(0, LOWER), seconds(4))
    assert alarms(router.handle(advert(50, LOWER), seconds(4.5))) == []


# ---- two owners


@pytest.mark.conformance("FSM-22", "OWN-08")
def test_fsm_22_an_owner_gives_way_to_a_second_one_that_does_not_yield() -> None:
    router = router_in(State.MASTER, OWNER)
    heard = hears_each_second(router, 255, 5)
    assert all(alarms(actions)[0] == "two_owners" for actions in heard)
    assert PriorityMoved(254) in heard[4], "3.2 intervals have passed since the first"
    assert names(heard[4])[-2:] == ["ReleaseAddresses", "Transition"]
    assert (router.state, router.effective_priority) == (State.BACKUP, 254)
    assert "another owner does not yield" in router.explain(0).why


@pytest.mark.conformance("FSM-22")
def test_fsm_22_when_the_rival_is_gone_the_owner_is_255_again() -> None:
    router = router_in(State.MASTER, OWNER)
    hears_each_second(router, 255, 5)
    router.handle(advert(255, LOWER), seconds(7))
    actions = at_deadline(router)
    assert (router.state, router.effective_priority) == (State.MASTER, 255)
    assert PriorityMoved(255) in actions
    assert actions[0].priority == 255  # type: ignore[union-attr]


@pytest.mark.conformance_negative("FSM-22", "OWN-08")
def test_fsm_22_lesser_routers_never_move_an_owner() -> None:
    router = router_in(State.MASTER, OWNER)
    hears_each_second(router, 254, 60)
    assert (router.state, router.effective_priority) == (State.MASTER, 255)


@pytest.mark.conformance_negative("FSM-22")
def test_fsm_22_a_rival_that_yields_in_time_changes_nothing() -> None:
    router = router_in(State.MASTER, OWNER)
    hears_each_second(router, 255, 3)
    for second in range(5, 30):
        router.handle(DeadlineReached(), seconds(second))
    assert (router.state, router.effective_priority) == (State.MASTER, 255)


def test_an_owner_that_gave_way_preempts_a_lesser_router_whatever_nopreempt_says() -> None:
    router = router_in(State.MASTER, replace(OWNER, nopreempt=True))
    hears_each_second(router, 255, 5)
    before = router.deadline()
    router.handle(advert(150, HIGHER), seconds(6))
    assert router.deadline() == before


def test_a_fault_ends_the_yielding_too() -> None:
    router = router_in(State.MASTER, OWNER)
    hears_each_second(router, 255, 5)
    router.handle(FaultsChanged(("script chk_web is down",)), seconds(8))
    assert router.effective_priority == 255


def test_a_reload_that_makes_it_an_ordinary_router_ends_it_too() -> None:
    router = router_in(State.MASTER, OWNER)
    hears_each_second(router, 255, 5)
    assert router.handle(Reconfigured(replace(OWNER, priority=150)), seconds(6)) == [PriorityMoved(150)]


@pytest.mark.conformance_negative("FSM-19")
def test_fsm_19_our_own_address_is_no_rival() -> None:
    router = router_in(State.MASTER)
    heard = hears_each_second(router, 50, 10, source=router.settings.local_address)
    assert {tuple(alarms(actions)) for actions in heard} == {("equal_address",)}
