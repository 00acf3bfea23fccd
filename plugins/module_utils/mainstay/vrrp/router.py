# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One virtual router (RFC 9568 section 6.4) as an enforced table.

Theory of operation. A `Router` changes only in `handle(event, now)`. `handle` looks up the pair (state, kind of
event) in `Router.rules`, at the end of the class, and calls what stands there. The table is complete: what is to
be ignored says so with `_ignore`, and a pair that is missing is a KeyError in the first test that meets it, never
a silent default. Nothing here knows a socket, a clock or a byte: the shell feeds events, carries out the returned
actions in their order and asks `deadline()` when to come back.

One deadline serves both timers of the RFC, because no state runs both:

    state    the deadline is                         when it comes
    INIT     none
    BACKUP   Active_Down_Timer (the skew alone       promotion: SendAdvert, TakeAddresses, Announce, Transition
             after an advert of priority 0)
    MASTER   Adver_Timer                             SendAdvert
    FAULT    none

Four orders of actions matter to the segment and are fixed:
- promotion sends the advert first, so that the old master lets go before the neighbours are told anything;
- yielding releases the addresses first, so that both routers hold them for the shortest time;
- stopping sends priority 0 first, so that the peers' skew already runs while we clean up;
- re-assertion against a lesser master sends the advert, then announces: neighbours may believe the other one.

What the shell owes the router:
- It drains the receive queue before it feeds DeadlineReached (TMR-08), and gives every datagram of one wake-up
  the same `now`. After a stall the queue holds the proof of who is master; a timer that fires before that proof
  is read makes two masters. The router does its part. A master that was silent for so long that a backup may
  have taken over is master no more if it hears another, whatever the priorities: it begins again as BACKUP and
  preempts later, if it may at all. If it hears none, it takes and announces its addresses again with its next
  advert. And a whole queue of lesser adverts is answered once.
- It limits what it logs: an Alarm is returned each time that its cause shows.
- It sends priority 0 as well as it can: on a dead link that fails, and that is no news.

Ids (FSM-07 ...) are those of the conformance list; the tests name them too.
"""

from __future__ import annotations

import typing as t
from ipaddress import IPv4Address

from ..model.units import Duration, Instant, as_seconds
from .actions import Action, Alarm, Announce, ReleaseAddresses, SendAdvert, State, TakeAddresses, Transition
from .advert import Advert
from .events import (
    AdvertReceived,
    DeadlineReached,
    Event,
    LinkChanged,
    PriorityChanged,
    Reconfigured,
    Started,
    Stopped,
)
from .explanation import Explanation, explain
from .settings import RouterSettings
from .timers import (
    HIGHEST_PRIORITY,
    OWNER_PRIORITY,
    longest_learnt_interval,
    master_down_interval,
    shortest_down_interval,
    skew_time,
)

Rule = t.Callable[["Router", t.Any, Instant], t.List[Action]]


class Router:
    """One virtual router: the only way in is `handle`, the only way out is what it returns."""

    def __init__(self, settings: RouterSettings) -> None:
        self.settings = settings
        self.state = State.INIT
        self.effective_priority = settings.priority
        self.master: t.Optional[int] = None
        """Address of the master heard last; None when none was, when it resigned, and when we are master."""
        self.reason = "not started"
        """Why the state is what it is: the sentence of the last transition."""
        self._deadline: t.Optional[Instant] = None
        self._learnt_advert_int: t.Optional[Duration] = None
        self._link_fault: t.Optional[str] = None
        self._sent_at: Instant = 0
        self._takeover_from: Instant = 0
        """As master: the first instant at which a backup that heard our last advert can take over."""

    def handle(self, event: Event, now: Instant) -> t.List[Action]:
        """Take in one event. Returns what is to be done, in this order."""
        return self.rules[self.state, type(event)](self, event, now)

    def deadline(self) -> t.Optional[Instant]:
        """When DeadlineReached is due, unless an event before then moves it; None for never."""
        return self._deadline

    def explain(self, now: Instant) -> Explanation:
        """Why this state, and what would change it."""
        return explain(self, now)

    @property
    def preempts(self) -> bool:
        """Whether a master of lower priority is replaced; the owner of the addresses always does (FSM-18)."""
        return self._is_owner or not self.settings.nopreempt

    @property
    def master_advert_int(self) -> Duration:
        """Active_Adver_Interval: our own until a master's advert taught us another (TMR-03)."""
        return self._learnt_advert_int or self.settings.advert_int

    @property
    def down_interval(self) -> Duration:
        """Active_Down_Interval: silence after which we take over."""
        return master_down_interval(self.effective_priority, self.master_advert_int)

    @property
    def _is_owner(self) -> bool:
        return self.settings.priority == OWNER_PRIORITY

    # ---- starting, stopping, the link

    def _start(self, event: Started, now: Instant) -> t.List[Action]:
        """FSM-01, FSM-02. A backup withdraws what an earlier run may have left in the kernel."""
        if self._link_fault is not None:
            return [ReleaseAddresses(), *self._retire(State.FAULT, self._link_fault)]
        if self._is_owner:
            return self._promote(now, "started as the owner of the addresses")
        if event.adopt:
            return self._promote(now, "started with the addresses still held under an unexpired lease")
        return [ReleaseAddresses(), *self._wait(now, "started")]

    def _note_link(self, event: LinkChanged, _now: Instant) -> t.List[Action]:
        self._link_fault = None if event.up else event.cause or "link is down"
        return []

    def _link_lost(self, event: LinkChanged, now: Instant) -> t.List[Action]:
        self._note_link(event, now)
        return [] if self._link_fault is None else self._retire(State.FAULT, self._link_fault)

    def _link_lost_as_master(self, event: LinkChanged, now: Instant) -> t.List[Action]:
        """FSM-24. Priority 0 is a try: the address may be gone while the carrier is not."""
        retired = self._link_lost(event, now)
        return [SendAdvert(0), ReleaseAddresses(), *retired] if retired else []

    def _leave_fault(self, event: LinkChanged, now: Instant) -> t.List[Action]:
        """FSM-24: as after a start."""
        self._note_link(event, now)
        if self._link_fault is not None:
            self.reason = self._link_fault
            return []
        if self._is_owner:
            return self._promote(now, "link is up again, owner of the addresses")
        return self._wait(now, "link is up again")

    def _stop(self, _event: Stopped, _now: Instant) -> t.List[Action]:
        """FSM-05."""
        return self._retire(State.INIT, "stopped")

    def _stop_as_master(self, _event: Stopped, _now: Instant) -> t.List[Action]:
        """FSM-12."""
        return [SendAdvert(0), ReleaseAddresses(), *self._retire(State.INIT, "stopped")]

    # ---- settings

    def _set_priority(self, event: PriorityChanged, _now: Instant) -> t.List[Action]:
        """FSM-25: clamped, owners exempt; as master the next advert carries it."""
        if not self._is_owner:
            self.effective_priority = min(max(event.effective_priority, 1), HIGHEST_PRIORITY)
        return []

    def _set_priority_as_backup(self, event: PriorityChanged, now: Instant) -> t.List[Action]:
        """FSM-25: the pending timer moves by the difference of the skews."""
        before = self.down_interval
        self._set_priority(event, now)
        self._shift_deadline(self.down_interval - before)
        return []

    def _set_settings(self, event: Reconfigured, _now: Instant) -> t.List[Action]:
        """A priority that tracking moved stays unless the configured one changed."""
        if event.settings.priority != self.settings.priority:
            self.effective_priority = event.settings.priority
        self.settings = event.settings
        return []

    def _set_settings_as_backup(self, event: Reconfigured, now: Instant) -> t.List[Action]:
        before = self.down_interval
        self._set_settings(event, now)
        self._shift_deadline(self.down_interval - before)
        return []

    def _set_settings_as_master(self, event: Reconfigured, now: Instant) -> t.List[Action]:
        """TX-01: the backups learn a new interval before they could time out."""
        self._set_settings(event, now)
        return self._advertise(now)

    def _shift_deadline(self, difference: Duration) -> None:
        if self._deadline is not None:
            self._deadline += difference

    # ---- backup

    def _advert_as_backup(self, event: AdvertReceived, now: Instant) -> t.List[Action]:
        advert, alarms = event.advert, self._conflicts(event)
        if advert.priority == 0:  # FSM-07: the stored interval counts, not this advert's
            self.master = None
            self._deadline = now + skew_time(self.effective_priority, self.master_advert_int)
            return alarms
        self.master = event.source
        if self.preempts and advert.priority < self.effective_priority:  # FSM-09: the timer runs on
            return alarms
        alarms += self._learn_interval(advert)  # FSM-08
        self._deadline = now + self.down_interval
        return alarms

    def _take_over(self, _event: DeadlineReached, now: Instant) -> t.List[Action]:
        """FSM-06."""
        if not self._is_due(now):
            return []
        silence = f"no advert of priority {self.effective_priority} or higher in time"
        last = "no master heard" if self.master is None else f"last heard {IPv4Address(self.master)}"
        return self._promote(now, f"{silence}, {last}")

    # ---- master

    def _advert_as_master(self, event: AdvertReceived, now: Instant) -> t.List[Action]:
        alarms = self._conflicts(event)
        theirs = (event.advert.priority, event.source)
        if theirs[0] == 0:  # FSM-14
            return alarms + self._advertise(now)
        if theirs > (self.effective_priority, self.settings.local_address):  # FSM-15, FSM-22; not FSM-18
            return alarms + self._yield(event, now)
        if event.source == self.settings.local_address:  # FSM-19: answering our own echo would never end
            return alarms
        if self._stalled(now) and not self._is_owner:  # TMR-08
            return alarms + self._yield(event, now)
        return alarms + self._reassert(now)  # FSM-16

    def _yield(self, event: AdvertReceived, now: Instant) -> t.List[Action]:
        alarms = self._learn_interval(event.advert)
        self.master = event.source
        compared = f"{event.advert.priority} against our {self.effective_priority}"
        stall = f" after {self._silence(now)} without an advert of ours" if self._stalled(now) else ""
        reason = f"{IPv4Address(event.source)} advertises priority {compared}{stall}"
        return [*alarms, ReleaseAddresses(), *self._wait(now, reason)]

    def _tick(self, _event: DeadlineReached, now: Instant) -> t.List[Action]:
        """FSM-13."""
        return self._advertise(now) if self._is_due(now) else []

    def _advertise(self, now: Instant) -> t.List[Action]:
        """Send and re-arm; after a stall that let a backup take over, reclaim everything (TMR-08)."""
        self._deadline = now + self.settings.advert_int
        return self._reassert(now) if self._stalled(now) else [self._send(now)]

    def _reassert(self, now: Instant) -> t.List[Action]:
        """Say who is master; once for all that was heard in one wake-up."""
        if self._sent_at == now:
            return []
        if not self._stalled(now):
            return [self._send(now), Announce()]
        stall = Alarm("stalled", f"{self._silence(now)} without an advert of ours: a backup may have taken over")
        return [stall, self._send(now), TakeAddresses(), Announce()]

    def _send(self, now: Instant) -> SendAdvert:
        self._sent_at = now
        self._takeover_from = now + shortest_down_interval(self.settings.advert_int)
        return SendAdvert(self.effective_priority)

    def _stalled(self, now: Instant) -> bool:
        return now >= self._takeover_from

    def _silence(self, now: Instant) -> str:
        return f"{as_seconds(now - self._sent_at):.3f} s"

    # ---- shared steps

    def _ignore(self, _event: Event, _now: Instant) -> t.List[Action]:
        return []

    def _is_due(self, now: Instant) -> bool:
        """FSM-20."""
        return self._deadline is not None and now >= self._deadline

    def _promote(self, now: Instant, reason: str) -> t.List[Action]:
        """To MASTER, from any state. What was learnt of another master is forgotten (TMR-03)."""
        self._learnt_advert_int = self.master = None
        self._deadline = now + self.settings.advert_int
        return [self._send(now), TakeAddresses(), Announce(), self._move(State.MASTER, reason)]

    def _wait(self, now: Instant, reason: str) -> t.List[Action]:
        """To BACKUP, with a full down interval."""
        self._deadline = now + self.down_interval
        return [self._move(State.BACKUP, reason)]

    def _retire(self, after: State, reason: str) -> t.List[Action]:
        """To INIT or FAULT, where no timer runs."""
        self._learnt_advert_int = self.master = self._deadline = None
        return [self._move(after, reason)]

    def _move(self, after: State, reason: str) -> Transition:
        before, self.state, self.reason = self.state, after, reason
        return Transition(before, after, reason)

    def _learn_interval(self, advert: Advert) -> t.List[Action]:
        """FSM-08 with the limit of TMR-05."""
        limit = longest_learnt_interval(self.settings.advert_int)
        self._learnt_advert_int = min(advert.advert_int, limit)
        if advert.advert_int <= limit:
            return []
        said, counted = as_seconds(advert.advert_int), as_seconds(limit)
        detail = f"an advert says advert_int {said:g} s, counted as {counted:g} s: set the same on all routers"
        return [Alarm("interval_capped", detail)]

    def _conflicts(self, event: AdvertReceived) -> t.List[Action]:
        """What no correct segment shows: our own address on another machine (FSM-19), a second owner (FSM-22)."""
        sender = IPv4Address(event.source)
        if event.source == self.settings.local_address:
            return [Alarm("equal_address", f"{sender} is our own address: another machine uses it too")]
        if self._is_owner and event.advert.priority == OWNER_PRIORITY:
            return [Alarm("two_owners", f"{sender} claims priority 255 too: only one router owns the addresses")]
        return []

    rules: t.ClassVar[t.Mapping[t.Tuple[State, t.Type[t.Any]], Rule]] = {
        (State.INIT, Started): _start,
        (State.INIT, Stopped): _ignore,
        (State.INIT, AdvertReceived): _ignore,  # FSM-03, RX-24
        (State.INIT, DeadlineReached): _ignore,
        (State.INIT, PriorityChanged): _set_priority,
        (State.INIT, LinkChanged): _note_link,
        (State.INIT, Reconfigured): _set_settings,
        (State.BACKUP, Started): _ignore,  # FSM-21
        (State.BACKUP, Stopped): _stop,
        (State.BACKUP, AdvertReceived): _advert_as_backup,
        (State.BACKUP, DeadlineReached): _take_over,
        (State.BACKUP, PriorityChanged): _set_priority_as_backup,
        (State.BACKUP, LinkChanged): _link_lost,
        (State.BACKUP, Reconfigured): _set_settings_as_backup,
        (State.MASTER, Started): _ignore,
        (State.MASTER, Stopped): _stop_as_master,
        (State.MASTER, AdvertReceived): _advert_as_master,
        (State.MASTER, DeadlineReached): _tick,
        (State.MASTER, PriorityChanged): _set_priority,
        (State.MASTER, LinkChanged): _link_lost_as_master,
        (State.MASTER, Reconfigured): _set_settings_as_master,
        (State.FAULT, Started): _ignore,
        (State.FAULT, Stopped): _stop,
        (State.FAULT, AdvertReceived): _ignore,
        (State.FAULT, DeadlineReached): _ignore,
        (State.FAULT, PriorityChanged): _set_priority,
        (State.FAULT, LinkChanged): _leave_fault,
        (State.FAULT, Reconfigured): _set_settings,
    }
