# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A virtual router to tell stories with: three addresses, short events, states that are quick to reach."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from mainstay.model.units import Duration, Instant, seconds
from mainstay.vrrp.actions import Action, State
from mainstay.vrrp.advert import Advert
from mainstay.vrrp.events import AdvertReceived, DeadlineReached, Event, LinkChanged, Started
from mainstay.vrrp.router import Router
from mainstay.vrrp.settings import RouterSettings

LOWER, LOCAL, HIGHER = 0xC0000201, 0xC0000202, 0xC0000203
"""192.0.2.1, 192.0.2.2 (ours) and 192.0.2.3."""

SETTINGS = RouterSettings("VI_1", 51, priority=100, advert_int=seconds(1), local_address=LOCAL)
OWNER = replace(SETTINGS, priority=255)
DOWN = seconds(3.609375)
"""Master-down interval of priority 100 at advert_int 1 s."""
SKEW = seconds(0.609375)


def advert(priority: int, source: int = HIGHER, advert_int: Duration = SETTINGS.advert_int) -> AdvertReceived:
    return AdvertReceived(Advert(3, 51, priority, advert_int, ("192.0.2.10",)), source)


def router_in(state: State, /, settings: RouterSettings = SETTINGS, at: Instant = 0, **changes: Any) -> Router:
    """A router that reached `state` the ordinary way; a MASTER entered it at `at`."""
    router = Router(replace(settings, **changes))
    events: dict[State, list[Event]] = {
        State.INIT: [],
        State.BACKUP: [Started()],
        State.MASTER: [Started(adopt=True)],
        State.FAULT: [LinkChanged(False, "carrier lost on eth0"), Started()],
    }
    for event in events[state]:
        router.handle(event, at)
    if router.state is not state:
        raise AssertionError(f"meant to be {state}, is {router.state}: {router.reason}")
    return router


def at_deadline(router: Router) -> list[Action]:
    """What the router does when its deadline comes in time."""
    now = router.deadline()
    if now is None:
        raise AssertionError(f"{router.state} has no deadline")
    return router.handle(DeadlineReached(), now)


def names(actions: list[Action]) -> list[str]:
    return [type(action).__name__ for action in actions]
