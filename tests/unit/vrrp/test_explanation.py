# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A router explains itself to a tired operator."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mainstay.model.units import Instant, as_seconds, seconds
from mainstay.vrrp.actions import State
from mainstay.vrrp.events import DemotionChanged, Influence, PriorityChanged, Reconfigured, Started

from .routers import HIGHER, OWNER, SETTINGS, advert, at_deadline, router_in


def clock(instant: Instant) -> str:
    return f"since 12:03:{as_seconds(instant):02.0f}"


def test_a_backup_compares_itself_with_the_master_and_shows_its_sums() -> None:
    router = router_in(State.BACKUP, priority=150)
    router.handle(PriorityChanged(140, (Influence("chk_web", -10, since=seconds(11)),)), seconds(11))
    router.handle(advert(150), seconds(12))
    told = router.explain(seconds(13), clock)
    assert told.why == "192.0.2.3 advertises 150 > my 140 (base 150, chk_web -10 since 12:03:11)"
    assert told.outlook == (
        "becomes MASTER in 2.453 s unless an advert of priority 140 or higher arrives, "
        "or when that master resigns or falls below 140"
    )
    assert told.sentence().startswith("BACKUP because 192.0.2.3 advertises 150 > my 140")
    assert "chk_web -10 for 2.000 s" in router.explain(seconds(13)).why


@pytest.mark.parametrize(
    ("changes", "priority", "why"),
    [
        ({}, 100, "192.0.2.3 advertises 100 = my 100"),
        ({}, 50, "192.0.2.3 advertises 50 < my 100 and is about to be replaced"),
        ({"nopreempt": True}, 50, "192.0.2.3 advertises 50 < my 100 and nopreempt is set"),
        ({"preempt_delay": seconds(60)}, 50, "192.0.2.3 advertises 50 < my 100 and preempt_delay runs"),
        ({}, 0, "started; my priority is 100"),
    ],
)
def test_a_backup_says_what_keeps_it_from_taking_over(changes: dict[str, int], priority: int, why: str) -> None:
    router = router_in(State.BACKUP, **changes)
    router.handle(advert(priority), seconds(1))
    assert router.explain(seconds(1.5)).why == why


@pytest.mark.parametrize(
    ("nopreempt", "priority", "outlook"),
    [
        (False, 150, "becomes MASTER in 3.109 s unless an advert of priority 100 or higher arrives, or when"),
        (False, 50, "becomes MASTER in 2.109 s unless an advert of priority 100 or higher arrives"),
        (True, 50, "becomes MASTER in 3.109 s unless an advert of any priority arrives"),
        (False, 0, "becomes MASTER in 0.109 s unless"),
    ],
)
def test_a_backup_says_when_it_takes_over(nopreempt: bool, priority: int, outlook: str) -> None:
    router = router_in(State.BACKUP, nopreempt=nopreempt)
    router.handle(advert(priority), seconds(1))
    assert router.explain(seconds(1.5)).outlook.startswith(outlook)


def test_while_preempt_delay_runs_its_end_counts_and_not_the_timer_that_every_advert_winds_up() -> None:
    router = router_in(State.BACKUP, preempt_delay=seconds(12))
    router.handle(advert(50), seconds(1))
    router.handle(advert(50), seconds(2))
    assert router.explain(seconds(2.5)).outlook == (
        "becomes MASTER in 10.500 s, when preempt_delay ends, unless an advert of priority 100 or higher arrives; "
        "sooner if that master resigns or falls silent"
    )
    router.handle(advert(150), seconds(3))
    assert "preempt_delay" not in router.explain(seconds(3)).outlook


def test_init_fault_and_master_explain_themselves() -> None:
    assert router_in(State.INIT).explain(0).outlook == "starts with the daemon"
    fault = router_in(State.FAULT).explain(0)
    assert (fault.state, fault.why) == (State.FAULT, "carrier lost on eth0")
    assert fault.outlook == "becomes BACKUP when nothing of that is left"
    assert "becomes MASTER" in router_in(State.FAULT, OWNER).explain(0).outlook
    master = router_in(State.MASTER).explain(0)
    assert master.why.endswith("my priority is 100")
    assert "above 100, or of the same from an address above 192.0.2.2" in master.outlook


def test_a_demotion_a_startup_delay_and_a_group_are_named() -> None:
    router = router_in(State.BACKUP)
    router.handle(DemotionChanged(True), 0)
    router.handle(advert(50), 0)
    assert router.explain(0).why == ("192.0.2.3 advertises 50 > my 1 (base 100, demoted by an operator)")
    held = router_in(State.INIT)
    held.handle(Started(hold_until=seconds(30)), 0)
    assert held.explain(seconds(10)).outlook == "takes part in 20.000 s"
    member = router_in(State.BACKUP, in_group=True)
    at_deadline(member)
    assert member.explain(0).outlook == "becomes MASTER when every member of its sync group can be"


def test_ipv6_addresses_are_shown_as_such() -> None:
    router = router_in(State.BACKUP, family=6, local_address=0xFE80 << 112 | 2)
    router.handle(advert(150, 0xFE80 << 112 | 1), 0)
    assert router.explain(0).why == "fe80::1 advertises 150 > my 100"
    router.handle(Reconfigured(replace(SETTINGS, family=4)), 1)
    router.handle(advert(150, HIGHER), 1)
    assert router.explain(1).why.startswith("192.0.2.3")
