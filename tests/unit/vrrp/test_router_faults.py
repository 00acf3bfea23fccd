# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""FAULT has many causes and is left only when none is left (FSM-24)."""

from __future__ import annotations

import pytest

from mainstay.model.units import seconds
from mainstay.vrrp.actions import State
from mainstay.vrrp.events import Event, FaultsChanged, GroupFaultChanged, LinkChanged

from .routers import DOWN, OWNER, names, router_in

LINK = (LinkChanged(False, "carrier lost on eth0"), LinkChanged(True))
SCRIPT = (FaultsChanged(("script chk_web is down: exit status 1",)), FaultsChanged(()))
GROUP = (GroupFaultChanged("vrrp_instance VI_2 is in FAULT"), GroupFaultChanged(""))
CAUSES = [LINK, SCRIPT, GROUP]


@pytest.mark.conformance("FSM-24")
@pytest.mark.parametrize("cause", [bad for bad, _ in CAUSES])
@pytest.mark.parametrize("state", [State.BACKUP, State.MASTER])
def test_fsm_24_any_cause_alone_is_a_fault(state: State, cause: Event) -> None:
    router = router_in(state)
    expected = ["SendAdvert", "ReleaseAddresses", "Transition"] if state is State.MASTER else ["Transition"]
    assert names(router.handle(cause, 1)) == expected
    assert router.state is State.FAULT


@pytest.mark.conformance_negative("FSM-24")
@pytest.mark.parametrize("last", range(3))
def test_fsm_24_fault_is_left_only_when_every_cause_is_gone(last: int) -> None:
    router = router_in(State.BACKUP)
    for bad, _ in CAUSES:
        router.handle(bad, 1)
    for good in [good for number, (_, good) in enumerate(CAUSES) if number != last]:
        assert router.handle(good, 2) == []
        assert router.state is State.FAULT
    assert names(router.handle(CAUSES[last][1], seconds(9))) == ["Transition"]
    assert router.deadline() == seconds(9) + DOWN


def test_the_reason_lists_what_is_left() -> None:
    router = router_in(State.BACKUP)
    for bad, _ in CAUSES:
        router.handle(bad, 1)
    both = "carrier lost on eth0; script chk_web is down: exit status 1"
    assert router.explain(1).why == f"{both}; vrrp_instance VI_2 is in FAULT"
    assert router.own_faults == tuple(both.split("; "))
    router.handle(LINK[1], 2)
    assert router.explain(2).why == "script chk_web is down: exit status 1; vrrp_instance VI_2 is in FAULT"


def test_a_fault_known_before_the_start_counts() -> None:
    for bad, good in CAUSES:
        router = router_in(State.INIT, OWNER)
        assert router.handle(bad, 0) == []
        started = router_in(State.INIT).handle(bad, 0)
        assert started == []
        assert names(router.handle(good, 1)) == []


def test_the_owner_is_master_as_soon_as_its_last_cause_is_gone() -> None:
    router = router_in(State.MASTER, OWNER)
    router.handle(SCRIPT[0], 1)
    router.handle(SCRIPT[1], 2)
    assert router.state is State.MASTER
