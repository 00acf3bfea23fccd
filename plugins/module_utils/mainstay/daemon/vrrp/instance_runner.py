# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs one virtual router: feeds it events, carries out its actions with prepared bytes.

Theory of operation. Events come from four sides: datagrams from the port, changes of links and addresses from the
mirror, the router's own deadline, and the configuration. Each goes into `Router.handle`; what comes out is looked up
in a table and done at once, in order. Nothing is encoded on the way: `_prepare` has done that when configuration or
links changed.

A member of a sync group tells its group after each event, and the group may answer with events for its members.
Those are decided first, all of them, and then carried out in step: the first action of each member, the second of
each ... so that the last member's addresses do not wait for the first member's announcements.

A process can be stopped for seconds (SIGSTOP, a frozen cgroup, a paused machine). Then its lease has ended, the
kernel has withdrawn the addresses, and a peer may be master. On waking it listens first, always: the deadline's
callback reads the port's queue to its end before the router hears of the deadline (TMR-08), and the router yields to
whoever it finds there. Addresses that the lease has taken are not put back before an advert of ours has left.
"""

from __future__ import annotations

import typing as t

from ...model.defaults import RunningInstance
from ...model.units import NANOSECONDS_PER_MILLISECOND, Duration, Instant
from ...net.double_socket import Double
from ...net.polling import Timer
from ...net.standing import Standing
from ...net.vrrp_socket import Datagram
from ...vrrp.actions import (
    Action,
    Alarm,
    Announce,
    LesserMasterHeard,
    PriorityMoved,
    ReleaseAddresses,
    SendAdvert,
    State,
    TakeAddresses,
    Transition,
    WantsMaster,
)
from ...vrrp.conflicts import address_text
from ...vrrp.events import (
    AdvertReceived,
    DeadlineReached,
    Event,
    Reconfigured,
    Started,
    Stopped,
)
from ...vrrp.explanation import Explanation, breakdown, explain
from ...vrrp.lease import soonest_takeover
from ...vrrp.router import Router
from ...vrrp.settings import RouterSettings
from ...vrrp.tracking import Assessment
from ..wall_clock import wall_clock
from ..worker import Say
from .advertiser import Advertiser
from .fellowship import Fellowship
from .influences import Influences
from .kernel import Kernel
from .port import VrrpPort
from .possessions import Possessions
from .reception import Judgement, Reception
from .report import DELETED, INSTANCE, MASTER_RX_LOWER_PRI, ObjectReport
from .settings import router_settings
from .statistics import Career

_LONG = 100 * NANOSECONDS_PER_MILLISECOND
_TOGETHER = NANOSECONDS_PER_MILLISECOND
_DEADLINE_REACHED = DeadlineReached()


class InstanceRunner:
    """One RunningInstance at work."""

    def __init__(
        self, instance: RunningInstance, kernel: Kernel, port: VrrpPort, say: Say, in_group: bool = False
    ) -> None:
        self.report = ObjectReport(INSTANCE, instance.name, say)
        subject = self.report.subject
        self.instance = instance
        self.in_group = in_group
        self.group: t.Optional[Fellowship] = None
        self.influences = Influences(instance.priority)
        self.port = port
        self.possessions = Possessions(kernel, self.report, say)
        self.advertiser = Advertiser(subject, port, say)
        self.reception = Reception(subject, say)
        self.adverts_received = 0
        self.priority_zero_received = 0
        self.career = Career()
        self.router = Router(router_settings(instance, port.standing.source, False))
        self._poller = kernel.poller
        self.addresses = self.possessions.addresses
        self.routes = self.possessions.routes
        self._seen = Standing()
        self._timer: t.Optional[Timer] = None
        self._wake: Instant = 0
        """What the timer is set to."""

    @property
    def devices(self) -> t.Set[str]:
        """Names of the links this router has to do with."""
        addresses = (*self.instance.virtual_ipaddress, *self.instance.virtual_ipaddress_excluded)
        return {self.instance.interface, *(self.instance.device_of(virtual) for virtual in addresses)}

    # ---- what the worker calls

    def make_ready(self, now: Instant) -> None:
        """Prepare everything that concerns nobody else yet."""
        self.possessions.announcer.follow(self.instance)
        self._prepare()
        self._seen = self.port.standing
        self.feed(Reconfigured(self._settings()), now)
        self._tell_link(now)

    def holds_proof(self, margin: Duration = 0) -> bool:
        """The lease of our addresses is so young that no peer can take over before `margin` from now."""
        return self.addresses.proof_of_mastership(soonest_takeover(self.instance) - margin)

    def start(self, now: Instant, adopt: bool, hold_until: t.Optional[Instant] = None) -> None:
        """Begin, as MASTER when `adopt`; held still until `hold_until`."""
        self.port.attach(self.instance.virtual_router_id, self.receive, self.receive_double)
        leftovers = self.possessions.adopt() if adopt else self.possessions.leftovers()
        self.feed(Started(adopt, hold_until), now)
        if leftovers and self.router.state is not State.MASTER:
            device = self.instance.interface
            self.report.say("warning", f"{', '.join(leftovers)} was on {device} at the start and is removed")

    def stop(self, now: Instant, dropped: bool = False) -> None:
        """End: a master says so with priority 0 and gives the addresses back. `dropped`: by a reload, for good."""
        if dropped:
            self.report.ending = DELETED
        self.feed(Stopped(), now)
        self.port.detach(self.instance.virtual_router_id)
        self.possessions.close()
        self.advertiser.close()
        self._cancel()

    def adopt_settings(self, instance: RunningInstance, in_group: bool) -> None:
        """Prepare for other settings of the same virtual router.

        Then every runner lets go of what it lost, then `go_on`: an address that moves from one instance to another
        is released before it is taken, or not at all.
        """
        if instance.name != self.instance.name:
            self._rename(instance)
        self.instance, self.in_group = instance, in_group
        self.possessions.announcer.follow(instance)
        self._prepare()

    def move_to(self, port: VrrpPort) -> None:
        """Another source address needs another port; to the peers it is the same virtual router."""
        if port is not self.port:
            self.port.detach(self.instance.virtual_router_id)
            self.port = port
            self.advertiser.move_to(port)
            port.attach(self.instance.virtual_router_id, self.receive, self.receive_double)

    def go_on(self, assessment: Assessment, now: Instant) -> None:
        """Run the settings that were adopted: no advert is missed, mastership stays."""
        self.feed(self.influences.reconfigured(self._settings(), assessment), now)
        self._tell_link(now)
        if self.addresses.taken:
            self.possessions.put_back(now)

    def influence(self, assessment: Assessment, demoted: bool, now: Instant) -> None:
        """What it tracks came to this; an operator demoted it, or did not."""
        self.feed_all(self.influences.weighed(assessment, demoted), now)

    def explain(self, now: Instant) -> Explanation:
        """Why it is in its state, and what would change it; with points in time of this machine's own clock."""
        return explain(self.router, now, lambda began: f"since {wall_clock(now - began)[:19].replace('T', ' ')}")

    def look(self, now: Instant) -> None:
        """Links or addresses changed: see what that means for this router."""
        before, self._seen = self._seen, self.port.standing
        if before != self._seen:
            self._follow_standing(before, now)
        else:
            if self._prepare():
                self.addresses.let_go()
                if self.addresses.taken:
                    self.possessions.put_back(now)
            self._tell_link(now)
        self.possessions.look(now)

    def receive(self, datagram: Datagram, now: Instant) -> bool:
        """One datagram with our virtual_router_id; whether it was a good advert."""
        judgement = self.reception.judge(datagram, now)
        self._take_in(judgement, False, now)
        return judgement.received is not None

    def receive_double(self, double: Double, now: Instant) -> None:
        """An advert that another machine sent from our own address: of two equal ones the greater MAC stays (RX-21)."""
        link = self.port.standing.link
        outranks = link is not None and double.hardware_address > link.hardware_address
        self._take_in(self.reception.judge_double(Datagram(double.datagram), now), outranks, now)

    def _take_in(self, judgement: Judgement, outranks: bool, now: Instant) -> None:
        received, alarms = judgement
        for alarm in alarms:
            self.report.alarm(alarm, now)
        if received is None:
            return
        self.adverts_received += 1
        self.priority_zero_received += received.advert.priority == 0
        self.career.heard(received.source, received.advert.priority)
        self.advertiser.follow(received.checksum_form, now)
        self.feed(AdvertReceived(received.advert, received.source, outranks), now)

    # ---- the router's deadline

    def _due(self, wake: Instant) -> None:
        self._timer = None
        deadline = self.router.deadline()
        if deadline is None or wake < deadline:
            self.arm()
            return
        (self.port if self.group is None else self.group).hear_out(wake)
        self.feed(_DEADLINE_REACHED, self._poller.now())

    # ---- events in, actions out

    def feed(self, event: Event, now: Instant) -> None:
        """One event and everything that follows from it, in the group too."""
        for action in self.router.handle(event, now):
            self.perform(action, now)
        self.tell_failure(now)
        self.arm()
        if self.group is not None:
            self.group.changed(self, now)

    def feed_all(self, events: t.Iterable[Event], now: Instant) -> None:
        """Several, one after another."""
        for event in events:
            self.feed(event, now)

    def perform(self, action: Action, now: Instant) -> None:
        """Carry out one action of the router."""
        _PERFORM[type(action)](self, action, now)

    def _send_advert(self, action: SendAdvert, now: Instant) -> None:
        if action.priority:
            self.possessions.rise()
        heard = self.advertiser.send(action.priority) or self.instance.dont_track_primary
        if not heard or not action.priority:
            return
        # Only what the peers can have heard gives the addresses more time: a master that nobody hears loses them.
        self.possessions.lease_anew(now)

    def _take_addresses(self, _action: TakeAddresses, now: Instant) -> None:
        self.possessions.take(now)

    def _release_addresses(self, _action: ReleaseAddresses, _now: Instant) -> None:
        self.possessions.release()

    def _announce(self, action: Announce, now: Instant) -> None:
        self.possessions.announcer.start(now, action.against_lesser)

    def _transition(self, action: Transition, _now: Instant) -> None:
        self.career.moved(action.before, action.after, self.router.effective_priority, self.router.preempts)
        if action.after is State.FAULT and self._bridges():
            self.report.wait(action.before, action.after, action.reason)
        else:
            self.report.transition(action.before, action.after, action.reason, self.router.effective_priority)

    def _lesser_master_heard(self, action: LesserMasterHeard, now: Instant) -> None:
        sender = address_text(action.source, self.instance.family)
        reason = f"{sender} advertises a lesser priority than our {self.router.effective_priority}"
        self.report.happened(MASTER_RX_LOWER_PRI, reason, self.router.effective_priority)
        if self.group is not None:
            self.group.lesser_master_heard(self, now)

    def tell_failure(self, now: Instant) -> None:
        """A FAULT that only bridged the time until first results is one indeed: the first has come, and is bad."""
        if self.report.waiting and not self._bridges():
            self._transition(Transition(State.INIT, State.FAULT, self.router.reason), now)

    def _bridges(self) -> bool:
        """It is in FAULT for checks alone that have not been made yet, be they other members' of its group."""
        if self.router.own_faults:
            return self.only_waits()
        return self.group is not None and self.group.only_waits

    def only_waits(self) -> bool:
        """Every reason for FAULT is a check that has not been made yet, as at each start."""
        assessment = self.influences.assessment
        return assessment.waits and self.router.own_faults == assessment.faults and bool(assessment.faults)

    def _priority_moved(self, action: PriorityMoved, _now: Instant) -> None:
        made_of = breakdown(self.router.priority)
        moved = f"effective priority {action.effective_priority} of {self.instance.priority}{made_of}"
        self.report.say("info", moved)
        self.report.happened(f"{self.router.state.value}_PRIORITY", moved, action.effective_priority)

    def _wants_master(self, _action: WantsMaster, _now: Instant) -> None:
        """The group sees it in the report that follows every event."""

    def _alarm(self, action: Alarm, now: Instant) -> None:
        self.report.alarm(action, now)

    def _rename(self, instance: RunningInstance) -> None:
        """Only people see a name: to the peers it is the same virtual router."""
        self.report.rename(instance.name, self.router.effective_priority)
        self.advertiser.subject = self.reception.discards.subject = self.possessions.announcer.subject = (
            self.report.subject
        )

    # ---- preparing

    def _prepare(self) -> bool:
        """Encode everything that may be needed in a hurry; whether the set of addresses changed."""
        source = self.port.standing.source
        self.reception.expect(self.instance, self.port.standing)
        changed = self.possessions.prepare(self.instance, source)
        if source is not None:
            self.advertiser.prepare(self.instance, source, self.possessions.outlet)
        return changed

    def _follow_standing(self, before: Standing, now: Instant) -> None:
        after = self._seen
        replaced = before.link is not None and after.link is not None and before.link.index != after.link.index
        if before.usable and replaced and after.usable:
            self.feed(self.influences.link_replaced(self.port.device), now)
        self._prepare()
        self.addresses.let_go()
        if after.source != before.source:
            self.feed(Reconfigured(self._settings()), now)
        self._tell_link(now)
        if self.addresses.taken:  # the same link with another hardware address or source
            self.possessions.put_back(now)

    def _tell_link(self, now: Instant) -> None:
        obstacle = self.possessions.obstacle
        self.feed_all(self.influences.link(self._seen, self.instance.dont_track_primary, obstacle), now)

    def _settings(self) -> RouterSettings:
        return router_settings(self.instance, self.port.standing.source, self.in_group)

    def arm(self) -> None:
        """Come back when the router wants to."""
        deadline = self.router.deadline()
        if deadline is None:
            self._cancel()
            return
        wake = self._together(deadline)
        # A backup's deadline moves away with every advert: the timer stays, comes early and is set anew then.
        if self._timer is None or wake < self._wake:
            self._cancel()
            self._timer, self._wake = self._poller.call_at(wake, self._due), wake

    def _together(self, deadline: Instant) -> Instant:
        """When to wake up for a deadline: with the others of the same millisecond, where one is nothing.

        A wake-up costs as much as the advert that it is for.
        """
        return deadline if self.instance.advert_int < _LONG else -(-deadline // _TOGETHER) * _TOGETHER

    def _cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


_PERFORM: t.Mapping[t.Type[Action], t.Callable[[InstanceRunner, t.Any, Instant], None]] = {
    SendAdvert: InstanceRunner._send_advert,
    TakeAddresses: InstanceRunner._take_addresses,
    ReleaseAddresses: InstanceRunner._release_addresses,
    Announce: InstanceRunner._announce,
    Transition: InstanceRunner._transition,
    Alarm: InstanceRunner._alarm,
    LesserMasterHeard: InstanceRunner._lesser_master_heard,
    PriorityMoved: InstanceRunner._priority_moved,
    WantsMaster: InstanceRunner._wants_master,
}
