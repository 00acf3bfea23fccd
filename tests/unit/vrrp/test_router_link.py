# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The state machine when the link goes and comes (FSM 24)."""

from __future__ import annotations

import pytest

from mainstay.model.units import seconds
from mainstay.vrrp.actions import (
    ReleaseAddresses,
    SendAdvert,
    State,
    Transition,
)
from mainstay.vrrp.events import (
    DeadlineReached,
    Event,
    LinkChanged,
    Started,
    Stopped,
)
from mainstay.vrrp.router import Router

from .routers import DOWN, OWNER, SETTINGS, advert, names, router_in

PROMOTION = ["SendAdvert", "TakeAddresses", "Announce", "Transition"]
CARRIER_LOST = LinkChanged(False, "carrier lost on eth0")


@pytest.mark.conformance("FSM-24")
@pytest.mark.parametrize("state", [State.BACKUP, State.MASTER])
def test_fsm_24_a_lost_link_means_fault(state: State) -> None:
    router = router_in(state)
    actions = router.handle(CARRIER_LOST, 1)
    assert actions[-1] == Transition(state, State.FAULT, "carrier lost on eth0")
    assert actions[:-1] == ([SendAdvert(0), ReleaseAddresses()] if state is State.MASTER else [])
    assert router.deadline() is None


@pytest.mark.parametrize("event", [Stopped(), CARRIER_LOST])
def test_a_router_that_does_not_take_part_knows_no_master(event: Event) -> None:
    router = router_in(State.BACKUP)
    router.handle(advert(150), 1)
    router.handle(event, 2)
    assert router.master is None


@pytest.mark.conformance_negative("FSM-24")
def test_fsm_24_in_fault_adverts_and_deadlines_are_ignored() -> None:
    router = router_in(State.FAULT)
    for event in (advert(0), advert(255), DeadlineReached(), Started(adopt=True)):
        assert router.handle(event, seconds(100)) == []
    assert router.state is State.FAULT


def test_fsm_24_a_link_that_returns_means_backup_with_a_full_wait() -> None:
    router = router_in(State.FAULT)
    returned = Transition(State.FAULT, State.BACKUP, "no fault any more (was: carrier lost on eth0)")
    assert router.handle(LinkChanged(True), seconds(9)) == [returned]
    assert router.deadline() == seconds(9) + DOWN


def test_fsm_24_the_owner_is_master_as_soon_as_the_link_returns() -> None:
    router = router_in(State.FAULT, OWNER)
    assert names(router.handle(LinkChanged(True), 0)) == PROMOTION


@pytest.mark.parametrize("adopt", [False, True])
def test_a_start_without_a_link_is_a_fault_that_holds_nothing(adopt: bool) -> None:
    router = Router(SETTINGS)
    router.handle(CARRIER_LOST, 0)
    assert names(router.handle(Started(adopt), 1)) == ["ReleaseAddresses", "Transition"]
    assert router.state is State.FAULT


@pytest.mark.conformance_negative("FSM-21")
def test_fsm_21_link_news_that_is_no_news_changes_nothing() -> None:
    for state, up in [(State.BACKUP, True), (State.MASTER, True), (State.FAULT, False)]:
        router = router_in(state)
        before = router.deadline()
        assert router.handle(LinkChanged(up), 1) == []
        assert (router.state, router.deadline()) == (state, before)


def test_in_fault_the_latest_cause_is_the_one_shown() -> None:
    router = router_in(State.FAULT)
    router.handle(LinkChanged(False, "no IPv4 address on eth0"), 1)
    assert router.explain(2).why == "no IPv4 address on eth0"
