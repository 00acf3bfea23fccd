# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules of version 2, of IPv6, and the choices that answer or do not answer other masters."""

from __future__ import annotations

import pytest

from mainstay.model.units import seconds
from mainstay.vrrp.actions import Announce, LesserMasterHeard, ReleaseAddresses, SendAdvert, State

from .routers import DOWN, HIGHER, OWNER, SKEW, advert, names, router_in

FE80 = 0xFE80 << 112


@pytest.mark.conformance("TMR-01")
def test_tmr_01_a_version_2_backup_waits_three_intervals_and_a_skew_in_seconds() -> None:
    router = router_in(State.BACKUP, version=2, advert_int=seconds(10))
    assert router.deadline() == seconds(30) + SKEW
    router.handle(advert(0), 0)
    assert router.deadline() == SKEW


@pytest.mark.conformance("TMR-04")
def test_tmr_04_version_2_never_learns_an_interval() -> None:
    router = router_in(State.BACKUP, version=2)
    assert router.handle(advert(150, advert_int=seconds(200)), 0) == []
    assert router.deadline() == DOWN


@pytest.mark.conformance_negative("TMR-04")
def test_tmr_04_a_version_2_master_that_yields_learns_nothing_either() -> None:
    router = router_in(State.MASTER, version=2)
    router.handle(advert(150, advert_int=seconds(200)), 0)
    assert (router.state, router.deadline()) == (State.BACKUP, DOWN)


@pytest.mark.conformance("TMR-05")
def test_tmr_05_learn_interval_max_is_the_limit_but_never_below_our_own() -> None:
    for own, most, learnt in [(1, 5, 5), (1, 40, 30), (8, 5, 8)]:
        router = router_in(State.BACKUP, advert_int=seconds(own), learn_interval_max=seconds(most))
        alarms = router.handle(advert(150, advert_int=seconds(30)), 0)
        assert router.master_advert_int == seconds(learnt)
        assert names(alarms) == ([] if learnt == 30 else ["Alarm"])


# ---- FSM-17: version 2 says nothing to a lesser master in RFC 3768, keepalived answers; a setting chooses


@pytest.mark.conformance("FSM-17")
@pytest.mark.parametrize("version", [2, 3])
def test_fsm_17_with_lower_prio_no_advert_a_lesser_master_is_not_answered(version: int) -> None:
    router = router_in(State.MASTER, version=version, lower_prio_no_advert=True)
    actions = router.handle(advert(50), seconds(0.5))
    assert actions == [Announce(against_lesser=True), LesserMasterHeard(HIGHER)], "neighbours may believe the other"
    assert router.handle(advert(50), seconds(0.5)) == []
    assert (router.state, router.deadline()) == (State.MASTER, seconds(1))


@pytest.mark.conformance("FSM-16")
@pytest.mark.conformance_negative("FSM-17")
@pytest.mark.parametrize("version", [2, 3])
def test_fsm_16_fsm_17_without_it_both_versions_answer(version: int) -> None:
    router = router_in(State.MASTER, version=version)
    assert router.handle(advert(50), seconds(0.5))[0] == SendAdvert(100)


@pytest.mark.conformance_negative("FSM-17")
def test_fsm_17_silence_does_not_hold_after_a_stall_nor_for_priority_0() -> None:
    owner = router_in(State.MASTER, OWNER, lower_prio_no_advert=True)
    assert "SendAdvert" in names(owner.handle(advert(50), seconds(60)))
    router = router_in(State.MASTER, lower_prio_no_advert=True)
    assert router.handle(advert(0), seconds(0.5))[0] == SendAdvert(100)


def test_higher_prio_send_advert_tells_the_winner_that_there_was_another_master() -> None:
    router = router_in(State.MASTER, higher_prio_send_advert=True)
    actions = router.handle(advert(150), seconds(0.5))
    assert actions[:2] == [SendAdvert(100), ReleaseAddresses()]
    assert router.state is State.BACKUP


def test_after_a_stall_no_last_advert_is_sent_because_the_lease_has_ended() -> None:
    router = router_in(State.MASTER, higher_prio_send_advert=True)
    assert names(router.handle(advert(150), seconds(60))) == ["ReleaseAddresses", "Transition"]


# ---- the tie-break over 128 bits


@pytest.mark.conformance("FSM-15")
@pytest.mark.parametrize(("theirs", "yields"), [(1, False), (3, True), (1 << 100, True)])
def test_fsm_15_ipv6_sources_compare_as_128_bit_numbers(theirs: int, yields: bool) -> None:
    router = router_in(State.MASTER, family=6, local_address=FE80 | 2)
    router.handle(advert(100, FE80 | theirs), 0)
    assert (router.state is State.BACKUP) is yields
    if yields:
        assert router.reason.startswith("fe80:")


@pytest.mark.conformance_negative("RX-10")
def test_rx_10_an_owner_processes_what_another_owner_says() -> None:
    router = router_in(State.MASTER, OWNER)
    router.handle(advert(255, HIGHER), 1)
    assert router.state is State.BACKUP
