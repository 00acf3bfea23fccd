# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A router as a member of a sync group: it asks before it is master, and does what the group says."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mainstay.model.units import seconds
from mainstay.vrrp.actions import Announce, ReleaseAddresses, SendAdvert, State, Transition, WantsMaster
from mainstay.vrrp.events import (
    DeadlineReached,
    GroupFaultChanged,
    GroupPromotes,
    GroupReasserts,
    GroupYields,
    Reconfigured,
    Started,
)
from mainstay.vrrp.router import Router

from .routers import DOWN, OWNER, SETTINGS, advert, at_deadline, names, router_in

MEMBER = replace(SETTINGS, in_group=True)
PROMOTION = ["SendAdvert", "TakeAddresses", "Announce", "Transition"]


def wanting() -> Router:
    router = router_in(State.BACKUP, MEMBER)
    at_deadline(router)
    return router


def test_silence_makes_a_member_ask_and_only_the_group_makes_it_master() -> None:
    router = router_in(State.BACKUP, MEMBER)
    assert at_deadline(router) == [WantsMaster()]
    assert (router.state, router.wants_master, router.deadline()) == (State.BACKUP, True, None)
    assert names(router.handle(GroupPromotes(), DOWN + 1)) == PROMOTION
    assert not router.wants_master


def test_a_promotion_that_a_member_does_not_want_any_more_is_ignored() -> None:
    router = wanting()
    router.handle(advert(150), DOWN)
    assert (router.wants_master, router.deadline()) == (False, DOWN + DOWN)
    assert router.handle(GroupPromotes(), DOWN) == []


@pytest.mark.parametrize("priority", [0, 50])
def test_lesser_and_leaving_masters_do_not_change_what_a_member_wants(priority: int) -> None:
    router = wanting()
    assert router.handle(advert(priority), DOWN + 1) == []
    assert (router.wants_master, router.deadline()) == (True, None)
    assert router.handle(DeadlineReached(), seconds(100)) == []


def test_an_owner_in_a_group_asks_at_once() -> None:
    router = Router(replace(OWNER, in_group=True))
    assert names(router.handle(Started(), 0)) == ["ReleaseAddresses", "WantsMaster", "Transition"]
    assert (router.state, router.wants_master) == (State.BACKUP, True)


def test_a_member_whose_group_yields_resigns_so_that_its_segment_has_a_master_soon() -> None:
    router = router_in(State.MASTER, MEMBER)
    assert router.handle(GroupYields("vrrp_instance VI_2 is BACKUP"), seconds(5)) == [
        SendAdvert(0),
        ReleaseAddresses(),
        Transition(State.MASTER, State.BACKUP, "vrrp_instance VI_2 is BACKUP"),
    ]
    assert router.deadline() == seconds(5) + DOWN


@pytest.mark.conformance("INT-05")
def test_int_05_after_a_short_mastership_neighbours_do_not_try_again_at_the_same_time() -> None:
    waits = []
    for address in (0xC0000201, 0xC0000202):
        router = router_in(State.MASTER, MEMBER, local_address=address)
        router.handle(GroupYields("vrrp_instance VI_2 is BACKUP"), seconds(0.5))
        waits.append((router.deadline() or 0) - seconds(0.5))
    assert waits == [DOWN + seconds(1 / 16), DOWN + seconds(2 / 16)]


@pytest.mark.conformance_negative("INT-05")
def test_int_05_a_long_mastership_and_a_router_without_a_group_know_no_such_wait() -> None:
    router = router_in(State.MASTER, MEMBER)
    router.handle(GroupYields("vrrp_instance VI_2 is BACKUP"), DOWN)
    assert router.deadline() == DOWN + DOWN
    alone = router_in(State.MASTER)
    alone.handle(advert(150), 1)
    assert alone.deadline() == 1 + DOWN


def test_a_member_reasserts_for_another_once_for_each_wake_up() -> None:
    router = router_in(State.MASTER, MEMBER)
    assert router.handle(GroupReasserts(), 1) == [SendAdvert(100), Announce(against_lesser=True)]
    assert router.handle(GroupReasserts(), 1) == []


@pytest.mark.parametrize("state", [State.INIT, State.BACKUP, State.FAULT])
def test_orders_that_do_not_fit_the_state_are_no_orders(state: State) -> None:
    router = router_in(state, MEMBER)
    for event in (GroupPromotes(), GroupYields("x"), GroupReasserts()):
        assert router.handle(event, 1) == []
    assert router.state is state


def test_the_groups_fault_is_a_fault_but_not_an_own_one() -> None:
    router = router_in(State.MASTER, MEMBER)
    assert names(router.handle(GroupFaultChanged("VI_2 is in FAULT"), 1))[-1] == "Transition"
    assert (router.state, router.own_faults) == (State.FAULT, ())
    router.handle(GroupFaultChanged(""), 2)
    assert router.state is State.BACKUP


def test_a_reload_that_ends_the_membership_lets_a_waiting_member_go_on_alone() -> None:
    router = wanting()
    assert names(router.handle(Reconfigured(SETTINGS), DOWN + 1)) == PROMOTION
