# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The state machine on a machine that was late: deadlines that moved, and a stall that allowed a takeover."""

from __future__ import annotations

import pytest

from mainstay.model.units import seconds
from mainstay.vrrp.actions import (
    State,
)
from mainstay.vrrp.events import (
    DeadlineReached,
)

from .routers import DOWN, OWNER, advert, names, router_in


@pytest.mark.conformance("FSM-20")
@pytest.mark.conformance_negative("FSM-20", "FSM-06", "FSM-13")
def test_fsm_20_a_deadline_that_has_moved_is_no_deadline() -> None:
    backup, master = router_in(State.BACKUP), router_in(State.MASTER)
    assert backup.handle(DeadlineReached(), DOWN - 1) == []
    assert master.handle(DeadlineReached(), seconds(1) - 1) == []
    assert (backup.deadline(), master.deadline()) == (DOWN, seconds(1))


SOONEST_TAKEOVER = seconds(3.0078125)


@pytest.mark.conformance("TMR-08")
@pytest.mark.conformance_negative("TMR-08")
@pytest.mark.parametrize(("slept", "reclaims"), [(SOONEST_TAKEOVER - 1, False), (SOONEST_TAKEOVER, True)])
def test_tmr_08_after_a_stall_that_allowed_a_takeover_everything_is_reclaimed(slept: int, reclaims: bool) -> None:
    router = router_in(State.MASTER)
    reclaimed = ["Alarm", "SendAdvert", "TakeAddresses", "Announce"]
    assert names(router.handle(DeadlineReached(), slept)) == (reclaimed if reclaims else ["SendAdvert"])
    assert router.deadline() == slept + seconds(1)


@pytest.mark.conformance("TMR-08")
@pytest.mark.parametrize("priority", [50, 150])
def test_tmr_08_after_a_stall_any_master_in_the_queue_is_yielded_to_without_a_word(priority: int) -> None:
    router, thawed = router_in(State.MASTER), seconds(60)
    assert names(router.handle(advert(priority), thawed)) == ["ReleaseAddresses", "Transition"]
    assert "after 60.000 s without an advert of ours" in router.reason
    assert [router.handle(advert(priority), thawed) for _ in range(56)] == [[]] * 56
    assert router.handle(DeadlineReached(), thawed) == []
    assert router.deadline() == thawed + DOWN


def test_tmr_08_after_a_stall_the_owner_reclaims_once_for_the_whole_queue() -> None:
    router, thawed = router_in(State.MASTER, OWNER), seconds(60)
    heard = [names(router.handle(advert(50), thawed)) for _ in range(57)]
    assert heard[0] == ["Alarm", "SendAdvert", "TakeAddresses", "Announce", "LesserMasterHeard"]
    assert heard[1:] == [[]] * 56
