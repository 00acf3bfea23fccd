# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A router's state in words: why it is so, and what would change it."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from ipaddress import IPv4Address

from ..model.units import Instant, as_seconds
from .actions import State

if t.TYPE_CHECKING:
    from .router import Router


@dataclass(frozen=True)
class Explanation:
    """The answer to "why is it not master?" and its like."""

    state: State
    why: str
    """What led here, and who is master."""
    outlook: str
    """What would change it, and when."""


def explain(router: Router, now: Instant) -> Explanation:
    """The state of `router` at `now` in two sentences."""
    return Explanation(router.state, router.reason, _OUTLOOK[router.state](router, now))


def _outlook_init(_router: Router, _now: Instant) -> str:
    return "starts with the daemon"


def _outlook_fault(_router: Router, _now: Instant) -> str:
    return "becomes BACKUP when the interface is up and has an IPv4 address"


def _outlook_backup(router: Router, now: Instant) -> str:
    master = "no master is heard" if router.master is None else f"{IPv4Address(router.master)} is master"
    wait = as_seconds(max(0, (router.deadline() or now) - now))
    prevented_by = f"priority {router.effective_priority} or higher" if router.preempts else "any priority"
    return f"{master}; becomes MASTER in {wait:.3f} s unless an advert of {prevented_by} arrives"


def _outlook_master(router: Router, _now: Instant) -> str:
    own = IPv4Address(router.settings.local_address)
    rivals = f"of priority above {router.effective_priority}, or of the same from an address above {own}"
    return f"yields to an advert {rivals}"


_OUTLOOK: t.Mapping[State, t.Callable[[Router, Instant], str]] = {
    State.INIT: _outlook_init,
    State.BACKUP: _outlook_backup,
    State.MASTER: _outlook_master,
    State.FAULT: _outlook_fault,
}
