# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A router's state in words: why it is so, and what would change it."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ..model.units import Duration, Instant, as_seconds
from .actions import State
from .priority import Priority
from .timers import OWNER_PRIORITY

if t.TYPE_CHECKING:
    from .router import Router

_ENDS = "resigns or falls silent"

Since = t.Callable[[Instant], str]
"""When something began, in words: "since 12:03:11" where there is a wall clock."""


@dataclass(frozen=True)
class Explanation:
    """The answer to "why is it not master?" and its like."""

    state: State
    why: str
    """What led here, and who is master."""
    outlook: str
    """What would change it, and when."""

    def sentence(self) -> str:
        """All of it in one line."""
        return f"{self.state.value} because {self.why}; {self.outlook}"


def explain(router: Router, now: Instant, since: t.Optional[Since] = None) -> Explanation:
    """The state of `router` at `now`; without `since`, spans are told instead of points in time."""
    told = since or (lambda began: f"for {_span(now - began)}")
    return Explanation(router.state, _WHY[router.state](router, told), _OUTLOOK[router.state](router, now))


def breakdown(priority: Priority, since: t.Optional[Since] = None) -> str:
    """What the effective priority is made of, and since when; "" when it is simply the configured one."""
    moved = [each for each in priority.why if each.change]
    parts = [f"{each.name} {each.change:+d}{f' {since(each.since)}' if since else ''}" for each in moved]
    parts += ["demoted by an operator"] if priority.demoted else []
    parts += ["another owner does not yield"] if priority.usurped else []
    return f" (base {priority.configured}, {', '.join(parts)})" if parts else ""


# ---- why


def _why_as_transition(router: Router, _since: Since) -> str:
    return router.reason


def _why_backup(router: Router, since: Since) -> str:
    own = f"{router.effective_priority}{breakdown(router.priority, since)}"
    if router.holding or router.wants_master or router.master is None or router.master_priority is None:
        return f"{router.reason}; my priority is {own}"
    theirs = router.master_priority
    compared = ">" if theirs > router.effective_priority else "<" if theirs < router.effective_priority else "="
    return f"{router.shown(router.master)} advertises {theirs} {compared} my {own}{_restraint(router, theirs)}"


def _restraint(router: Router, theirs: int) -> str:
    """Why a better router leaves a lesser master alone."""
    if theirs >= router.effective_priority:
        return ""
    if router.preempts:
        return " and preempt_delay runs" if router.delays_preemption else " and is about to be replaced"
    return " and nopreempt is set"


def _why_master(router: Router, since: Since) -> str:
    return f"{router.reason}; my priority is {router.effective_priority}{breakdown(router.priority, since)}"


# ---- what would change it


def _outlook_init(_router: Router, _now: Instant) -> str:
    return "starts with the daemon"


def _outlook_fault(router: Router, _now: Instant) -> str:
    after = "MASTER" if router.settings.priority == OWNER_PRIORITY else "BACKUP"
    return f"becomes {after} when nothing of that is left"


def _outlook_backup(router: Router, now: Instant) -> str:
    if router.wants_master:
        return "becomes MASTER when every member of its sync group can be"
    if router.preemption_at is not None:
        return _outlook_delayed(router, router.preemption_at - now)
    wait = _span(max(0, (router.deadline() or now) - now))
    if router.holding:
        return f"takes part in {wait}"
    prevented_by = f"priority {router.effective_priority} or higher" if router.preempts else "any priority"
    return f"becomes MASTER in {wait} unless an advert of {prevented_by} arrives{_handover(router)}"


def _outlook_delayed(router: Router, rest: Duration) -> str:
    """The other timer, for the master's silence, begins anew with each of its adverts: its end says nothing."""
    stays = f"unless an advert of priority {router.effective_priority} or higher arrives"
    return f"becomes MASTER in {_span(max(0, rest))}, when preempt_delay ends, {stays}; sooner if that master {_ENDS}"


def _handover(router: Router) -> str:
    """What an operator could do about a better master that is alive and well."""
    if router.master_priority is None or router.master_priority < router.effective_priority:
        return ""
    return f", or when that master resigns or falls below {router.effective_priority}" if router.preempts else ""


def _outlook_master(router: Router, _now: Instant) -> str:
    own = router.shown(router.settings.local_address)
    rivals = f"of priority above {router.effective_priority}, or of the same from an address above {own}"
    return f"yields to an advert {rivals}"


def _span(duration: Duration) -> str:
    return f"{as_seconds(duration):.3f} s"


_WHY: t.Mapping[State, t.Callable[[Router, Since], str]] = {
    State.INIT: _why_as_transition,
    State.FAULT: _why_as_transition,
    State.BACKUP: _why_backup,
    State.MASTER: _why_master,
}

_OUTLOOK: t.Mapping[State, t.Callable[[Router, Instant], str]] = {
    State.INIT: _outlook_init,
    State.BACKUP: _outlook_backup,
    State.MASTER: _outlook_master,
    State.FAULT: _outlook_fault,
}
