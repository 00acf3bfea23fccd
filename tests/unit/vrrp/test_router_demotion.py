# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An operator takes a router out of the election (demote), and puts it back (restore)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mainstay.model.units import seconds
from mainstay.vrrp.actions import PriorityMoved, ReleaseAddresses, SendAdvert, State, Transition
from mainstay.vrrp.events import DemotionChanged, PriorityChanged, Reconfigured, Started
from mainstay.vrrp.router import Router
from mainstay.vrrp.settings import RouterSettings

from .routers import DOWN, OWNER, SETTINGS, advert, at_deadline, router_in

LONGEST_SKEW = seconds(255 / 256)


@pytest.mark.parametrize("settings", [SETTINGS, OWNER])
def test_a_demoted_master_resigns_so_that_peers_take_over_at_once(settings: RouterSettings) -> None:
    router = router_in(State.MASTER, settings)
    assert router.handle(DemotionChanged(True), seconds(5)) == [
        PriorityMoved(1),
        SendAdvert(0),
        ReleaseAddresses(),
        Transition(State.MASTER, State.BACKUP, "demoted by an operator"),
    ]
    assert router.deadline() == seconds(8) + LONGEST_SKEW


def test_a_demoted_router_takes_over_only_when_nobody_else_is_there() -> None:
    router = router_in(State.BACKUP)
    router.handle(DemotionChanged(True), 0)
    assert router.deadline() == seconds(3) + LONGEST_SKEW
    assert not router.preempts
    router.handle(advert(1), seconds(2))
    assert router.deadline() == seconds(5) + LONGEST_SKEW, "it preempts nobody, not even its like"
    assert at_deadline(router)[0] == SendAdvert(1)


def test_a_demotion_known_before_the_start_keeps_even_an_owner_back() -> None:
    router = Router(replace(OWNER, state="MASTER"))
    router.handle(DemotionChanged(True), 0)
    router.handle(Started(), 0)
    assert (router.state, router.deadline()) == (State.BACKUP, seconds(3) + LONGEST_SKEW)


def test_a_demoted_master_that_is_alone_stays_master_when_demoted_again() -> None:
    router = router_in(State.BACKUP)
    router.handle(DemotionChanged(True), 0)
    at_deadline(router)
    assert router.handle(DemotionChanged(True), seconds(5)) == []
    assert router.handle(DemotionChanged(False), seconds(5)) == [PriorityMoved(100)]
    assert router.state is State.MASTER


def test_restored_it_has_the_priority_that_tracking_gave_it_meanwhile() -> None:
    router = router_in(State.BACKUP)
    router.handle(DemotionChanged(True), 0)
    router.handle(PriorityChanged(70), 1)
    router.handle(Reconfigured(replace(SETTINGS, nopreempt=True)), 1)
    assert router.effective_priority == 1
    assert router.handle(DemotionChanged(False), 2) == [PriorityMoved(70)]


def test_restored_its_wait_is_its_own_again() -> None:
    router = router_in(State.BACKUP)
    router.handle(DemotionChanged(True), 0)
    router.handle(DemotionChanged(False), 1)
    assert router.deadline() == DOWN
