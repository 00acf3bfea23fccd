# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a virtual router remembers, and the steps that the rules of `router` are made of."""

from __future__ import annotations

import typing as t

from ..model.units import Duration, Instant, as_seconds
from .actions import (
    Action,
    Alarm,
    Announce,
    PriorityMoved,
    ReleaseAddresses,
    SendAdvert,
    State,
    TakeAddresses,
    Transition,
    WantsMaster,
)
from .advert import Advert
from .conflicts import RivalWatch, address_text, interval_capped
from .events import Event
from .fault_causes import FaultCauses
from .priority import Priority
from .settings import RouterSettings
from .timers import (
    OWNER_PRIORITY,
    first_wait_of_a_hinted_master,
    master_down_interval,
    shortest_down_interval,
    skew_time,
)

_TURNS = 16
"""Parts of an interval among which members of groups that clashed choose theirs."""


class RouterSteps:
    """The memory of one virtual router. Every step that changes the state returns its Transition last."""

    def __init__(self, settings: RouterSettings) -> None:
        self.settings = settings
        self.state = State.INIT
        self.priority = Priority(settings.priority)
        self.master: t.Optional[int] = None
        """Address of the master heard last; None when none was, when it resigned, and when we are master."""
        self.master_priority: t.Optional[int] = None
        """What it advertised; None like `master`."""
        self.reason = "not started"
        """Why the state is what it is: the sentence of the last transition."""
        self.wants_master = False
        """A member of a sync group would be master now, and waits for the others."""
        self.holding = False
        """The startup delay runs: the deadline is its end."""
        self._faults = FaultCauses()
        self._deadline: t.Optional[Instant] = None
        self._preempt_at: t.Optional[Instant] = None
        """When the preempt_delay ends that a lesser master's advert began (FSM-23)."""
        self._resigned: t.Optional[int] = None
        """Who said priority 0 last, as long as no advert of another kind was heard since."""
        self._defies = False
        """A lesser master was heard and the timer runs on: what comes is preemption, nobody's silence (FSM-09)."""
        self._skewed = False
        """The deadline contains our skew, so it moves with our priority."""
        self._hold_until: Instant = 0
        self._learnt_advert_int: t.Optional[Duration] = None
        self._rival = RivalWatch()
        self._sent_at: Instant = -1
        self._answered_at: Instant = -1
        self._mastered_at: Instant = 0
        self._takeover_from: Instant = 0
        """As master: the first instant at which a backup that heard our last advert can take over."""

    # ---- what others may ask

    def deadline(self) -> t.Optional[Instant]:
        """When DeadlineReached is due, unless an event before then moves it; None for never."""
        if self._preempt_at is None or self._deadline is None:
            return self._deadline
        return min(self._deadline, self._preempt_at)

    @property
    def effective_priority(self) -> int:
        """What we advertise and compare: 1..254, or 255 as the owner."""
        return self.priority.effective

    @property
    def own_faults(self) -> t.Tuple[str, ...]:
        """Reasons for FAULT that do not come from the sync group."""
        return self._faults.own

    @property
    def preempts(self) -> bool:
        """Whether a master of lower priority is replaced; the owner of the addresses always does (FSM-18)."""
        if self.priority.demoted:
            return False
        return self.settings.priority == OWNER_PRIORITY or not self.settings.nopreempt

    @property
    def master_advert_int(self) -> Duration:
        """Active_Adver_Interval: our own until a master's advert taught us another (TMR-03)."""
        return self._learnt_advert_int or self.settings.advert_int

    @property
    def down_interval(self) -> Duration:
        """Active_Down_Interval: silence after which we take over."""
        settings = self.settings
        return master_down_interval(
            self.priority.effective, self.master_advert_int, settings.version, settings.down_timer_adverts
        )

    @property
    def delays_preemption(self) -> bool:
        """A lesser master is left alone for a while yet (FSM-23)."""
        return self._preempt_at is not None

    @property
    def preemption_at(self) -> t.Optional[Instant]:
        """When preempt_delay ends; None when none runs."""
        return self._preempt_at

    def shown(self, address: int) -> str:
        """An address from a packet as people write it."""
        return address_text(address, self.settings.family)

    # ---- from state to state

    def _begin(self, now: Instant, reason: str, hinted: bool = False) -> t.List[Action]:
        """Take part, from INIT, from FAULT or after the startup delay: FSM-01 for the owner, else FSM-02."""
        if now < self._hold_until:
            return self._hold(reason)
        self.holding = False
        if self.priority.acts_as_owner:
            return self._become_master(now, f"{reason}, owner of the addresses")
        settings = self.settings
        if not hinted or settings.state != "MASTER" or self.priority.demoted or settings.nopreempt or settings.strict:
            return self._wait(now, reason)
        moved = self._wait(now, f"{reason}, state MASTER asks for a short wait")
        self._deadline = now + first_wait_of_a_hinted_master(settings.advert_int, settings.version)
        self._skewed = False
        return moved

    def _hold(self, reason: str) -> t.List[Action]:
        """The segment may not pass traffic yet: what is heard, or not heard, before `_hold_until` proves nothing."""
        self.holding, self._skewed, self._deadline = True, False, self._hold_until
        return self._move(State.BACKUP, f"{reason}, the startup delay runs")

    def _become_master(self, now: Instant, reason: str) -> t.List[Action]:
        """At once, or as soon as the sync group wants it too."""
        if not self.settings.in_group:
            return self._promote(now, reason)
        self.wants_master = True
        self._deadline = self._preempt_at = None
        waits = [] if self.state is State.BACKUP else self._move(State.BACKUP, f"{reason}, waits for its sync group")
        return [WantsMaster(), *waits]

    def _promote(self, now: Instant, reason: str) -> t.List[Action]:
        """To MASTER, from any state. What was learnt of another master is forgotten (TMR-03)."""
        moved = self._reweigh(lambda: self.priority.usurp(False))
        self._forget()
        self._deadline, self._answered_at, self._mastered_at = now + self.settings.advert_int, now, now
        return [self._send(now), TakeAddresses(), Announce(), *moved, *self._move(State.MASTER, reason)]

    def _wait(self, now: Instant, reason: str) -> t.List[Action]:
        """To BACKUP, with a full down interval."""
        self.wants_master = self.holding = False
        hesitation = self._hesitation(now)
        self._follow(now + hesitation)
        self._rival.forget()
        return self._move(State.BACKUP, reason)

    def _hesitation(self, now: Instant) -> Duration:
        """What a member adds to its wait after a short mastership (INT-05).

        Two groups, each the better one on another segment, that are promoted at the same moment yield to each other.
        Their next try must not be simultaneous again; neighbours on a segment differ in the last bits of the address.
        """
        short = now - self._mastered_at < self.down_interval
        if self.state is not State.MASTER or not self.settings.in_group or not short:
            return 0
        return self.settings.local_address % _TURNS * self.settings.advert_int // _TURNS

    def _resign(self, now: Instant, reason: str) -> t.List[Action]:
        """From MASTER to BACKUP of our own accord: the peers need only wait for their skew."""
        return [SendAdvert(0), ReleaseAddresses(), *self._wait(now, reason)]

    def _retire(self, after: State, reason: str) -> t.List[Action]:
        """To INIT or FAULT, where no timer runs."""
        self.priority.usurp(False)
        self.holding = False
        self._forget()
        self._deadline = None
        return self._move(after, reason)

    def _forget(self) -> None:
        """Whoever was master, it does not matter any more."""
        self._learnt_advert_int = self.master = self.master_priority = self._preempt_at = self._resigned = None
        self.wants_master = self._defies = False
        self._rival.forget()

    def _move(self, after: State, reason: str) -> t.List[Action]:
        """The one place where the state changes; none when it is a new reason for the same state."""
        before, self.state, self.reason = self.state, after, reason
        return [] if before is after else [Transition(before, after, reason)]

    # ---- timers and priority

    def _is_due(self, now: Instant) -> bool:
        """FSM-20."""
        due = self.deadline()
        return due is not None and now >= due

    def _follow(self, now: Instant) -> None:
        """A whole down interval from now on."""
        self._deadline, self._preempt_at, self._skewed = now + self.down_interval, None, True
        self._resigned, self._defies = None, False

    def _wait_for_the_skew(self, now: Instant) -> None:
        skew = skew_time(self.priority.effective, self.master_advert_int, self.settings.version)
        self._deadline, self._preempt_at, self._skewed = now + skew, None, True

    def _shift_deadline(self, difference: Duration) -> None:
        if self._deadline is not None and self._skewed:
            self._deadline += difference

    def _reconsider_preemption(self) -> None:
        """A preempt_delay that runs ends when we may not preempt that master any more; if we still may, it goes on."""
        theirs = self.master_priority
        if not self.preempts or theirs is None or theirs >= self.priority.effective:
            self._preempt_at = None

    def _reweigh(self, change: t.Callable[[], None]) -> t.List[Action]:
        """Let `change` happen to the priority, and say so where FIFOs have a line for it."""
        before = self.priority.effective
        change()
        told = before != self.priority.effective and self.state in (State.BACKUP, State.MASTER)
        return [PriorityMoved(self.priority.effective)] if told else []

    def _learn_interval(self, advert: Advert) -> t.List[Action]:
        """FSM-08 with the limit of TMR-05; version 2 never learns (TMR-04)."""
        if self.settings.version == 2:
            return []
        limit = max(self.settings.learn_interval_max, self.settings.advert_int)
        self._learnt_advert_int = min(advert.advert_int, limit)
        if advert.advert_int <= limit:
            return []
        sender = "a master" if self.master is None else self.shown(self.master)
        return [interval_capped(sender, advert.advert_int, limit)]

    # ---- a master's adverts

    def _advertise(self, now: Instant) -> t.List[Action]:
        """Send and re-arm; after a stall that let a backup take over, reclaim everything (TMR-08)."""
        self._deadline = now + self.settings.advert_int
        return self._reclaim(now) if self._stalled(now) else [self._send(now)]

    def _reassert(self, now: Instant) -> t.List[Action]:
        """Say who is master; once for all that was heard in one wake-up."""
        if now == self._answered_at:
            return []
        if self._stalled(now):
            return self._reclaim(now)
        self._answered_at = now
        if self.settings.lower_prio_no_advert:
            return [Announce(against_lesser=True)]
        return [self._send(now), Announce(against_lesser=True)]

    def _reclaim(self, now: Instant) -> t.List[Action]:
        self._answered_at = now
        stall = Alarm("stalled", f"{self._silence(now)} without an advert of ours: a backup may have taken over")
        return [stall, self._send(now), TakeAddresses(), Announce()]

    def _send(self, now: Instant) -> SendAdvert:
        settings = self.settings
        self._sent_at = now
        self._takeover_from = now + shortest_down_interval(
            settings.advert_int, settings.version, settings.down_timer_adverts
        )
        return SendAdvert(self.priority.effective)

    def _stalled(self, now: Instant) -> bool:
        return now >= self._takeover_from

    def _silence(self, now: Instant) -> str:
        return f"{as_seconds(now - self._sent_at):.3f} s"

    def _ignore(self, _event: Event, _now: Instant) -> t.List[Action]:
        return []
