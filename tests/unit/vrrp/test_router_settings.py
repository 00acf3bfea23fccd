# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The state machine when its priority or its configuration changes (FSM 25)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mainstay.model.units import seconds
from mainstay.vrrp.actions import (
    PriorityMoved,
    SendAdvert,
    State,
)
from mainstay.vrrp.events import (
    PriorityChanged,
    Reconfigured,
)

from .routers import DOWN, OWNER, SETTINGS, advert, at_deadline, names, router_in


@pytest.mark.conformance("FSM-25")
def test_fsm_25_a_backups_timer_moves_by_the_difference_of_the_skews() -> None:
    router = router_in(State.BACKUP)
    router.handle(PriorityChanged(228), seconds(3))
    assert router.deadline() == DOWN - seconds(0.5)
    router.handle(PriorityChanged(100), seconds(3))
    assert router.deadline() == DOWN


def test_fsm_25_a_better_priority_stops_following_at_the_next_advert() -> None:
    router = router_in(State.BACKUP)
    router.handle(PriorityChanged(200), 0)
    before = router.deadline()
    router.handle(advert(150), seconds(1))
    assert router.deadline() == before


@pytest.mark.conformance("FSM-25", "TX-01")
def test_fsm_25_tx_01_a_masters_next_advert_carries_the_new_priority() -> None:
    router = router_in(State.MASTER)
    assert router.handle(PriorityChanged(42), 1) == [PriorityMoved(42)]
    assert at_deadline(router) == [SendAdvert(42)]


@pytest.mark.conformance_negative("FSM-25")
@pytest.mark.parametrize(("asked", "effective"), [(-5, 1), (0, 1), (1, 1), (254, 254), (255, 254), (400, 254)])
def test_fsm_25_the_effective_priority_is_clamped(asked: int, effective: int) -> None:
    for state in State:
        router = router_in(state)
        router.handle(PriorityChanged(asked), 1)
        assert router.effective_priority == effective


@pytest.mark.conformance_negative("OWN-02")
def test_fsm_25_the_owners_priority_never_changes() -> None:
    router = router_in(State.MASTER, OWNER)
    router.handle(PriorityChanged(10), 1)
    assert at_deadline(router) == [SendAdvert(255)]


@pytest.mark.conformance("TX-01")
def test_tx_01_a_reload_is_advertised_at_once_with_the_new_values() -> None:
    router = router_in(State.MASTER)
    faster = replace(SETTINGS, priority=120, advert_int=seconds(0.1))
    assert router.handle(Reconfigured(faster), seconds(0.5)) == [PriorityMoved(120), SendAdvert(120)]
    assert router.deadline() == seconds(0.6)


@pytest.mark.conformance_negative("TX-01")
def test_a_reload_to_a_shorter_interval_is_no_stall() -> None:
    router = router_in(State.MASTER)
    actions = router.handle(Reconfigured(replace(SETTINGS, advert_int=seconds(0.01))), seconds(0.9))
    assert names(actions) == ["SendAdvert"]


def test_a_backup_keeps_the_masters_interval_over_a_reload() -> None:
    router = router_in(State.BACKUP)
    router.handle(advert(150, advert_int=seconds(5)), 0)
    router.handle(Reconfigured(replace(SETTINGS, advert_int=seconds(1.5))), seconds(1))
    assert router.deadline() == 5 * DOWN
    alone = router_in(State.BACKUP)
    alone.handle(Reconfigured(replace(SETTINGS, advert_int=seconds(2))), seconds(1))
    assert alone.deadline() == 2 * DOWN


def test_a_reload_keeps_a_tracked_priority_unless_the_configured_one_changed() -> None:
    router = router_in(State.BACKUP)
    router.handle(PriorityChanged(60), 1)
    router.handle(Reconfigured(replace(SETTINGS, nopreempt=True)), 2)
    assert router.effective_priority == 60
    router.handle(Reconfigured(replace(SETTINGS, priority=120)), 3)
    assert router.effective_priority == 120
