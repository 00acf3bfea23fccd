# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One virtual router (RFC 9568 section 6.4) as an enforced table.

Theory of operation. A `Router` changes only in `handle(event, now)`. `handle` looks up the pair (state, kind of
event) in `Router.rules`, at the end of the class, and calls what stands there. The table is complete: what is to
be ignored says so with `_ignore`, and a pair that is missing is a KeyError in the first test that meets it, never
a silent default. Nothing here knows a socket, a clock or a byte: the shell feeds events, carries out the returned
actions in their order and asks `deadline()` when to come back.

One deadline serves all timers, because no state runs two that matter apart:

    state    the deadline is                         when it comes
    INIT     none
    BACKUP   Active_Down_Timer (the skew alone       promotion: SendAdvert, TakeAddresses, Announce, Transition;
             after an advert of priority 0), or      a member of a sync group only says WantsMaster, runs no timer
             the end of preempt_delay if sooner      any more and waits for GroupPromotes
             (the end of the startup delay first)    (the router begins: owners promotion, others a whole wait)
    MASTER   Adver_Timer                             SendAdvert
    FAULT    none

Four orders of actions matter to the segment and are fixed:
- promotion sends the advert first, so that the old master lets go before the neighbours are told anything;
- yielding releases the addresses first, so that both routers hold them for the shortest time;
- stopping and resigning send priority 0 first, so that the peers' skew already runs while we clean up;
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

Where we differ from the RFCs, on purpose: version 2 masters answer a lesser advert as version 3 does, unless
`lower_prio_no_advert` asks for the silence of RFC 3768 (FSM-17), because a healed segment needs the announcement;
an owner that hears a second owner that will not yield gives way to it until it is gone (FSM-22).

Ids (FSM-07 ...) are those of the conformance list; the tests name them too. `steps` has what the rules are made of.
"""

from __future__ import annotations

import typing as t

from ..model.units import Instant
from .actions import Action, Announce, LesserMasterHeard, ReleaseAddresses, SendAdvert, State
from .conflicts import equal_address, two_masters, two_owners
from .events import (
    AdvertReceived,
    DeadlineReached,
    DemotionChanged,
    Event,
    FaultsChanged,
    GroupFaultChanged,
    GroupPromotes,
    GroupReasserts,
    GroupYields,
    LinkChanged,
    PriorityChanged,
    Reconfigured,
    Started,
    Stopped,
)
from .explanation import Explanation, Since, explain
from .steps import RouterSteps
from .timers import OWNER_PRIORITY

FaultEvent = t.Union[LinkChanged, FaultsChanged, GroupFaultChanged]
Rule = t.Callable[["Router", t.Any, Instant], t.List[Action]]


class Router(RouterSteps):
    """One virtual router: the only way in is `handle`, the only way out is what it returns."""

    def handle(self, event: Event, now: Instant) -> t.List[Action]:
        """Take in one event. Returns what is to be done, in this order."""
        return self.rules[self.state, type(event)](self, event, now)

    def explain(self, now: Instant, since: t.Optional[Since] = None) -> Explanation:
        """Why this state, and what would change it; `since` puts an instant into words ("since 12:03:11")."""
        return explain(self, now, since)

    # ---- starting and stopping

    def _start(self, event: Started, now: Instant) -> t.List[Action]:
        """FSM-01, FSM-02. A backup withdraws what an earlier run may have left in the kernel."""
        if self._faults:
            return [ReleaseAddresses(), *self._retire(State.FAULT, str(self._faults))]
        if event.adopt:
            return self._promote(now, "started with the addresses still held under an unexpired lease")
        self._hold_until = event.hold_until or now
        begun = self._begin(now, "started", hinted=True)
        return begun if self.state is State.MASTER else [ReleaseAddresses(), *begun]

    def _stop(self, _event: Stopped, _now: Instant) -> t.List[Action]:
        """FSM-05."""
        return self._retire(State.INIT, "stopped")

    def _stop_as_master(self, _event: Stopped, _now: Instant) -> t.List[Action]:
        """FSM-12."""
        return [SendAdvert(0), ReleaseAddresses(), *self._retire(State.INIT, "stopped")]

    # ---- faults: the link, what is tracked, another member of the sync group

    def _note_fault(self, event: FaultEvent, _now: Instant) -> t.List[Action]:
        if isinstance(event, LinkChanged):
            self._faults.link = "" if event.up else event.cause or "link is down"
        elif isinstance(event, FaultsChanged):
            self._faults.tracked = event.causes
        else:
            self._faults.group = event.cause
        return []

    def _fault(self, event: FaultEvent, now: Instant) -> t.List[Action]:
        self._note_fault(event, now)
        return self._retire(State.FAULT, str(self._faults)) if self._faults else []

    def _fault_as_master(self, event: FaultEvent, now: Instant) -> t.List[Action]:
        """FSM-24. Priority 0 is a try: the address may be gone while the carrier is not."""
        retired = self._fault(event, now)
        return [SendAdvert(0), ReleaseAddresses(), *retired] if retired else []

    def _leave_fault(self, event: FaultEvent, now: Instant) -> t.List[Action]:
        """FSM-24: when no cause is left, as after a start."""
        before = str(self._faults)
        self._note_fault(event, now)
        if self._faults:
            self.reason = str(self._faults)
            return []
        return self._begin(now, f"no fault any more (was: {before})")

    # ---- priority and settings

    def _weigh(self, event: t.Union[PriorityChanged, DemotionChanged], _now: Instant) -> t.List[Action]:
        """FSM-25: as master the next advert carries it."""
        if isinstance(event, PriorityChanged):
            return self._reweigh(lambda: self.priority.track(event.effective_priority, event.why))
        return self._reweigh(lambda: self.priority.demote(event.demoted))

    def _weigh_as_backup(self, event: t.Union[PriorityChanged, DemotionChanged], now: Instant) -> t.List[Action]:
        """FSM-25: the pending timer moves by the difference of the skews."""
        before = self.down_interval
        moved = self._weigh(event, now)
        self._shift_deadline(self.down_interval - before)
        self._reconsider_preemption()
        return moved

    def _demote_as_master(self, event: DemotionChanged, now: Instant) -> t.List[Action]:
        """Out of the election: whoever else can, takes over. Being put back is no reason to send anything."""
        was_demoted = self.priority.demoted
        moved = self._weigh(event, now)
        return moved + self._resign(now, "demoted by an operator") if event.demoted and not was_demoted else moved

    def _set_settings(self, event: Reconfigured, _now: Instant) -> t.List[Action]:
        def change() -> None:
            self.priority.configure(event.settings.priority)
            if event.tracked is not None:
                self.priority.track(event.tracked.effective_priority, event.tracked.why)

        self.settings = event.settings
        return self._reweigh(change)

    def _set_settings_as_backup(self, event: Reconfigured, now: Instant) -> t.List[Action]:
        before, delay = self.down_interval, self.settings.preempt_delay
        moved = self._set_settings(event, now)
        self._shift_deadline(self.down_interval - before)
        self._reconsider_preemption()
        if self.settings.preempt_delay != delay:
            self._preempt_at = None  # the next lesser advert begins the new one
        if self.wants_master and not self.settings.in_group:
            return moved + self._promote(now, "does not belong to a sync group any more, no master heard")
        return moved

    def _set_settings_as_master(self, event: Reconfigured, now: Instant) -> t.List[Action]:
        """TX-01: the backups learn a new interval before they could time out."""
        return self._set_settings(event, now) + self._advertise(now)

    # ---- backup

    def _advert_as_backup(self, event: AdvertReceived, now: Instant) -> t.List[Action]:
        if self.holding:
            return []
        advert, alarms = event.advert, self._conflicts(event)
        if advert.priority == 0:
            return alarms + self._master_resigned(event, now)
        self.master, self.master_priority = event.source, advert.priority
        if self.preempts and advert.priority < self.priority.effective:
            return alarms + self._lesser_as_backup(event, now)
        alarms += self._learn_interval(advert)  # FSM-08
        self.wants_master = False
        self._follow(now)
        return alarms

    def _master_resigned(self, event: AdvertReceived, now: Instant) -> t.List[Action]:
        """FSM-07: the stored interval counts, not this advert's."""
        self.master = self.master_priority = None
        self._resigned, self._defies = event.source, False
        if not self.wants_master:
            self._wait_for_the_skew(now)
        return []

    def _lesser_as_backup(self, event: AdvertReceived, now: Instant) -> t.List[Action]:
        """FSM-09: the timer runs on; or FSM-23: it is a master as long as preempt_delay runs."""
        delay = self.settings.preempt_delay
        if not delay or self.wants_master or self.settings.priority == OWNER_PRIORITY:
            self._resigned, self._defies = None, True
            return []
        preempt_at = now + delay if self._preempt_at is None else self._preempt_at
        alarms = self._learn_interval(event.advert)
        self._follow(now)
        self._preempt_at = preempt_at
        return alarms

    def _take_over(self, _event: DeadlineReached, now: Instant) -> t.List[Action]:
        """FSM-06."""
        if not self._is_due(now):
            return []
        if self.holding:
            return self._begin(now, "the startup delay is over", hinted=True)
        return self._become_master(now, self._why_now(now))

    def _why_now(self, now: Instant) -> str:
        if self._resigned is not None:
            return f"{self.shown(self._resigned)} resigned (priority 0)"
        last = "no master heard" if self.master is None else f"last heard {self.shown(self.master)}"
        theirs = self.master_priority
        if self._preempt_at is not None and now >= self._preempt_at:
            return f"preempt_delay is over, {last} with priority {theirs}"
        if self._defies and self.preempts and self.master is not None and (theirs or 0) < self.priority.effective:
            return f"preempts {self.shown(self.master)}, which advertises {theirs}"
        floor = f"priority {self.priority.effective} or higher" if self.preempts else "any priority"
        return f"no advert of {floor} in time, {last}"

    def _group_promotes(self, _event: GroupPromotes, now: Instant) -> t.List[Action]:
        if not self.wants_master:
            return []
        return self._promote(now, f"every member of the sync group wants it: {self._why_now(now)}")

    # ---- master

    def _advert_as_master(self, event: AdvertReceived, now: Instant) -> t.List[Action]:
        alarms = self._conflicts(event)
        theirs = (event.advert.priority, event.source + event.outranks)
        if theirs[0] == 0:
            return alarms + self._other_master_resigned(now)
        if theirs > (self.priority.effective, self.settings.local_address):  # FSM-15, FSM-22; not FSM-18
            return alarms + self._yield(event, now)
        if event.source == self.settings.local_address:  # FSM-19: answering our own echo would never end
            return alarms
        if self._stalled(now) and not self.priority.acts_as_owner:  # TMR-08
            return alarms + self._yield(event, now)
        return alarms + self._lesser_as_master(event, now)

    def _other_master_resigned(self, now: Instant) -> t.List[Action]:
        """FSM-14; and whoever resigns was master until now, so the neighbours may believe it (I6)."""
        self._rival.forget()
        answered, self._answered_at = self._answered_at == now, now
        advertised = self._advertise(now)
        return advertised if answered or len(advertised) > 1 else [*advertised, Announce(against_lesser=True)]

    def _lesser_as_master(self, event: AdvertReceived, now: Instant) -> t.List[Action]:
        """FSM-16, FSM-17; a rival that does not yield at all is an alarm, a second owner even a reason to."""
        self._rival.hear(now, self.settings.advert_int, self.down_interval)
        if event.advert.priority == OWNER_PRIORITY and self._rival.usurps:
            moved = self._reweigh(lambda: self.priority.usurp(True))
            return moved + self._yield(event, now)
        answer = self._reassert(now)
        heard: t.List[Action] = [LesserMasterHeard(event.source)] if answer else []
        return self._lasting_rival(event) + answer + heard

    def _lasting_rival(self, event: AdvertReceived) -> t.List[Action]:
        if not self._rival.stays:
            return []
        sender, ours = self.shown(event.source), self.priority.effective
        return [two_masters(sender, event.advert.priority, ours, self._rival.heard_for)]

    def _yield(self, event: AdvertReceived, now: Instant) -> t.List[Action]:
        compared = f"{event.advert.priority} against our {self.priority.effective}"
        stalled = self._stalled(now)
        stall = f" after {self._silence(now)} without an advert of ours" if stalled else ""
        reason = f"{self.shown(event.source)} advertises priority {compared}{stall}"
        # The winner announces itself again when it hears a lesser master: its neighbours may have believed us.
        # Not after a stall: the lease has ended, and an advert would ask for the addresses again.
        last = [self._send(now)] if self.settings.higher_prio_send_advert and not stalled else []
        self.master, self.master_priority = event.source, event.advert.priority
        alarms = self._learn_interval(event.advert)
        return [*alarms, *last, ReleaseAddresses(), *self._wait(now, reason)]

    def _tick(self, _event: DeadlineReached, now: Instant) -> t.List[Action]:
        """FSM-13."""
        return self._advertise(now) if self._is_due(now) else []

    def _group_yields(self, event: GroupYields, now: Instant) -> t.List[Action]:
        return self._resign(now, event.reason)

    def _group_reasserts(self, _event: GroupReasserts, now: Instant) -> t.List[Action]:
        return self._reassert(now)

    # ---- both

    def _conflicts(self, event: AdvertReceived) -> t.List[Action]:
        """What no correct segment shows: our own address on another machine (FSM-19), a second owner (FSM-22)."""
        if event.source == self.settings.local_address:
            return [equal_address(self.shown(event.source))]
        if self.settings.priority == OWNER_PRIORITY and event.advert.priority == OWNER_PRIORITY:
            return [two_owners(self.shown(event.source))]
        return []

    rules: t.ClassVar[t.Mapping[t.Tuple[State, t.Type[t.Any]], Rule]] = {
        (State.INIT, Started): _start,
        (State.INIT, Stopped): RouterSteps._ignore,
        (State.INIT, AdvertReceived): RouterSteps._ignore,  # FSM-03, RX-24
        (State.INIT, DeadlineReached): RouterSteps._ignore,
        (State.INIT, PriorityChanged): _weigh,
        (State.INIT, DemotionChanged): _weigh,
        (State.INIT, LinkChanged): _note_fault,
        (State.INIT, FaultsChanged): _note_fault,
        (State.INIT, GroupFaultChanged): _note_fault,
        (State.INIT, Reconfigured): _set_settings,
        (State.INIT, GroupPromotes): RouterSteps._ignore,
        (State.INIT, GroupYields): RouterSteps._ignore,
        (State.INIT, GroupReasserts): RouterSteps._ignore,
        (State.BACKUP, Started): RouterSteps._ignore,  # FSM-21
        (State.BACKUP, Stopped): _stop,
        (State.BACKUP, AdvertReceived): _advert_as_backup,
        (State.BACKUP, DeadlineReached): _take_over,
        (State.BACKUP, PriorityChanged): _weigh_as_backup,
        (State.BACKUP, DemotionChanged): _weigh_as_backup,
        (State.BACKUP, LinkChanged): _fault,
        (State.BACKUP, FaultsChanged): _fault,
        (State.BACKUP, GroupFaultChanged): _fault,
        (State.BACKUP, Reconfigured): _set_settings_as_backup,
        (State.BACKUP, GroupPromotes): _group_promotes,
        (State.BACKUP, GroupYields): RouterSteps._ignore,
        (State.BACKUP, GroupReasserts): RouterSteps._ignore,
        (State.MASTER, Started): RouterSteps._ignore,
        (State.MASTER, Stopped): _stop_as_master,
        (State.MASTER, AdvertReceived): _advert_as_master,
        (State.MASTER, DeadlineReached): _tick,
        (State.MASTER, PriorityChanged): _weigh,
        (State.MASTER, DemotionChanged): _demote_as_master,
        (State.MASTER, LinkChanged): _fault_as_master,
        (State.MASTER, FaultsChanged): _fault_as_master,
        (State.MASTER, GroupFaultChanged): _fault_as_master,
        (State.MASTER, Reconfigured): _set_settings_as_master,
        (State.MASTER, GroupPromotes): RouterSteps._ignore,
        (State.MASTER, GroupYields): _group_yields,
        (State.MASTER, GroupReasserts): _group_reasserts,
        (State.FAULT, Started): RouterSteps._ignore,
        (State.FAULT, Stopped): _stop,
        (State.FAULT, AdvertReceived): RouterSteps._ignore,
        (State.FAULT, DeadlineReached): RouterSteps._ignore,
        (State.FAULT, PriorityChanged): _weigh,
        (State.FAULT, DemotionChanged): _weigh,
        (State.FAULT, LinkChanged): _leave_fault,
        (State.FAULT, FaultsChanged): _leave_fault,
        (State.FAULT, GroupFaultChanged): _leave_fault,
        (State.FAULT, Reconfigured): _set_settings,
        (State.FAULT, GroupPromotes): RouterSteps._ignore,
        (State.FAULT, GroupYields): RouterSteps._ignore,
        (State.FAULT, GroupReasserts): RouterSteps._ignore,
    }
