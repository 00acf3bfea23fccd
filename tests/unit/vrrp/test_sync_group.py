# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A sync group compares its members and tells each what it has to do (INT-05)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mainstay.model.units import Instant, seconds
from mainstay.vrrp.actions import Action, LesserMasterHeard, State
from mainstay.vrrp.events import (
    DeadlineReached,
    DemotionChanged,
    Event,
    FaultsChanged,
    GroupFaultChanged,
    GroupPromotes,
    GroupReasserts,
    GroupYields,
    LinkChanged,
    Started,
    Stopped,
)
from mainstay.vrrp.router import Router
from mainstay.vrrp.sync_group import GroupOrder, GroupTransition, MemberOrder, MemberReport, SyncGroup, report_of

from .routers import DOWN, HIGHER, OWNER, SETTINGS, advert

BACKUP, MASTER = MemberReport(State.BACKUP), MemberReport(State.MASTER)
WANTING = MemberReport(State.BACKUP, wants_master=True)


class Daemon:
    """Routers and their group as the shell joins them: every event is reported, every order carried out at once."""

    def __init__(self, **priorities: int) -> None:
        settings = replace(SETTINGS, in_group=True)
        self.routers = {name: Router(replace(settings, name=name, priority=p)) for name, p in priorities.items()}
        self.group = SyncGroup("G1", list(priorities))
        self.moves: list[tuple[State, State]] = []
        self.sent: list[str] = []
        for name in priorities:
            self.feed(name, Started(), 0)

    def feed(self, name: str, event: Event, now: Instant) -> list[Action]:
        router = self.routers[name]
        actions = router.handle(event, now)
        self.sent += [f"{name} {type(action).__name__}" for action in actions]
        self.obey(self.group.report(name, report_of(router)), now)
        for action in actions:
            if isinstance(action, LesserMasterHeard):
                self.obey(self.group.lesser_master_heard(name, now), now)
        return actions

    def obey(self, orders: list[GroupOrder], now: Instant) -> None:
        for order in orders:
            if isinstance(order, MemberOrder):
                self.feed(order.member, order.event, now)
            else:
                self.moves.append((order.before, order.after))

    def states(self) -> str:
        return " ".join(router.state.value for router in self.routers.values())

    def pass_time(self, now: Instant) -> None:
        for name in self.routers:
            self.feed(name, DeadlineReached(), now)


def masters(**priorities: int) -> Daemon:
    daemon = Daemon(**priorities)
    daemon.pass_time(seconds(4))
    if daemon.states() != " ".join(["MASTER"] * len(priorities)):
        raise AssertionError(daemon.states())
    daemon.sent.clear()
    return daemon


# ---- together


@pytest.mark.conformance("INT-05")
def test_the_group_is_master_when_its_last_member_wants_it() -> None:
    daemon = Daemon(VI_1=200, VI_2=50)
    daemon.pass_time(seconds(3.5))
    assert daemon.states() == "BACKUP BACKUP", "VI_2 waits 3.8 s"
    daemon.pass_time(seconds(4))
    assert daemon.states() == "MASTER MASTER"
    assert daemon.moves == [(State.INIT, State.BACKUP), (State.BACKUP, State.MASTER)]


@pytest.mark.conformance("INT-05")
def test_a_better_master_on_one_segment_moves_the_whole_group() -> None:
    daemon = masters(VI_1=100, VI_2=100, VI_3=100)
    daemon.feed("VI_2", advert(150), seconds(5))
    assert daemon.states() == "BACKUP BACKUP BACKUP"
    assert daemon.sent.count("VI_1 SendAdvert") == 1, "priority 0 for the segments that heard nothing yet"
    why = "vrrp_sync_group G1: vrrp_instance VI_2 is BACKUP: 192.0.2.3 advertises priority 150 against our 100"
    assert {daemon.routers[name].reason for name in ("VI_1", "VI_3")} == {why}, "not one in the other"
    assert daemon.moves[-1] == (State.MASTER, State.BACKUP)


@pytest.mark.conformance("FSM-24")
def test_a_fault_of_one_is_a_fault_of_all_at_once_and_ends_with_it() -> None:
    daemon = masters(VI_1=100, VI_2=100, VI_3=100)
    daemon.feed("VI_3", LinkChanged(False, "carrier lost on eth2"), seconds(5))
    assert daemon.states() == "FAULT FAULT FAULT"
    cause = "vrrp_sync_group G1: vrrp_instance VI_3 is in FAULT: carrier lost on eth2"
    assert daemon.routers["VI_1"].explain(0).why == cause
    daemon.feed("VI_1", FaultsChanged(("script chk_web is down",)), seconds(6))
    daemon.feed("VI_3", LinkChanged(True), seconds(7))
    assert daemon.states() == "FAULT FAULT FAULT", "VI_1 has a fault of its own"
    daemon.feed("VI_1", FaultsChanged(()), seconds(8))
    assert daemon.states() == "BACKUP BACKUP BACKUP"
    daemon.pass_time(seconds(8) + DOWN)
    assert daemon.states() == "MASTER MASTER MASTER"


def test_a_demoted_member_takes_the_group_with_it() -> None:
    daemon = masters(VI_1=100, VI_2=100)
    daemon.feed("VI_1", DemotionChanged(True), seconds(5))
    assert daemon.states() == "BACKUP BACKUP"
    assert [line for line in daemon.sent if "SendAdvert" in line] == ["VI_1 SendAdvert", "VI_2 SendAdvert"]


def test_owners_in_a_group_wait_for_the_others() -> None:
    daemon = Daemon(VI_1=OWNER.priority, VI_2=100)
    assert daemon.states() == "BACKUP BACKUP"
    daemon.pass_time(DOWN)
    assert daemon.states() == "MASTER MASTER"
    assert Daemon(VI_1=255, VI_2=255).states() == "MASTER MASTER"


@pytest.mark.conformance("NDP-12")
def test_a_lesser_master_on_one_segment_is_answered_on_all() -> None:
    daemon = masters(VI_1=100, VI_2=100)
    daemon.feed("VI_1", advert(50), seconds(4.5))
    assert daemon.sent == [
        "VI_1 SendAdvert", "VI_1 Announce", "VI_1 LesserMasterHeard", "VI_2 SendAdvert", "VI_2 Announce"
    ]  # fmt: skip


# ---- what must not happen


@pytest.mark.conformance_negative("INT-05")
def test_contradictory_priorities_make_a_group_stay_where_it_is() -> None:
    """Better on one segment, worse on the other: a member that follows keeps the others from wanting in vain."""
    daemon = Daemon(VI_1=200, VI_2=50)
    for second in range(1, 120):
        daemon.pass_time(seconds(second))
        daemon.feed("VI_1", advert(100, HIGHER), seconds(second))
        daemon.feed("VI_2", advert(100, HIGHER), seconds(second))
    assert daemon.states() == "BACKUP BACKUP"
    assert daemon.moves == [(State.INIT, State.BACKUP)]


@pytest.mark.conformance_negative("INT-05")
def test_a_group_never_holds_one_segment_alone() -> None:
    group = SyncGroup("G1", ["A", "B"])
    group.report("A", BACKUP)
    group.report("B", BACKUP)
    assert group.report("A", WANTING) == []
    assert group.report("B", WANTING) == [MemberOrder("A", GroupPromotes()), MemberOrder("B", GroupPromotes())]
    assert group.report("A", MASTER) == [MemberOrder("B", GroupPromotes())]
    orders = group.report("B", BACKUP)
    assert [(type(order), type(getattr(order, "event", None))) for order in orders] == [(MemberOrder, GroupYields)]


def test_the_same_report_twice_is_no_news() -> None:
    group = SyncGroup("G1", ["A", "B"])
    group.report("A", BACKUP)
    assert group.report("B", BACKUP) == [GroupTransition(State.INIT, State.BACKUP, "vrrp_instance B: ")]
    assert group.report("B", BACKUP) == []


def test_while_members_start_or_stop_one_after_another_nothing_is_ordered() -> None:
    daemon = masters(VI_1=100, VI_2=100)
    daemon.feed("VI_1", Stopped(), seconds(5))
    assert daemon.states() == "INIT MASTER"
    daemon.feed("VI_2", Stopped(), seconds(5))
    assert daemon.states() == "INIT INIT"
    assert daemon.moves[-1] == (State.MASTER, State.INIT)


def test_many_lesser_masters_are_answered_by_the_group_once_a_second() -> None:
    daemon = masters(VI_1=100, VI_2=100)
    answered = [daemon.group.lesser_master_heard("VI_1", seconds(5) + number) for number in range(50)]
    assert answered == [[MemberOrder("VI_2", GroupReasserts())]] + [[]] * 49
    assert daemon.group.lesser_master_heard("VI_1", seconds(6))


@pytest.mark.conformance_negative("NDP-12")
def test_a_group_that_is_not_master_has_nothing_to_reassert() -> None:
    assert Daemon(VI_1=100, VI_2=100).group.lesser_master_heard("VI_1", 0) == []


def test_a_member_alone_is_a_group_too() -> None:
    daemon = masters(VI_1=100)
    daemon.feed("VI_1", GroupFaultChanged(""), seconds(5))
    assert daemon.moves[-1] == (State.BACKUP, State.MASTER)
