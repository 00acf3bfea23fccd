# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One virtual router of a machine: the production Router, its inbox, its timer and its leased addresses.

It does what the daemon's runner does and nothing more: on waking it drains what has arrived, then feeds the deadline;
it carries out actions in order; each advert gives the addresses their whole lease again.
"""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING

from mainstay.model.units import NANOSECONDS_PER_SECOND, Duration, Instant, seconds
from mainstay.vrrp.actions import (
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
from mainstay.vrrp.advert import Advert
from mainstay.vrrp.events import AdvertReceived, DeadlineReached, Event, LinkChanged
from mainstay.vrrp.expectations import Expectations
from mainstay.vrrp.receive import Envelope, receive_payload
from mainstay.vrrp.rejection import PacketError
from mainstay.vrrp.router import Router
from mainstay.vrrp.settings import RouterSettings
from mainstay.vrrp.timers import shortest_down_interval

from .audit import Breach

if TYPE_CHECKING:
    from .machine import Machine
    from .network import Segment

VIRTUAL_ADDRESSES = ("192.0.2.100",)
LISTS = {4: VIRTUAL_ADDRESSES, 6: ("fe80::100",)}
LONGEST_WAKE_UP = seconds(0.0005)
LATEST_WITHDRAWAL = seconds(0.26)
"""How late the kernel withdraws an address whose lease has ended, measured."""
FOR_EVER: Instant = 1 << 62


class Node:
    """The router of one machine on one segment."""

    def __init__(self, machine: Machine, settings: RouterSettings, segment: Segment, lease: int | None) -> None:
        self.machine, self.settings, self.segment = machine, settings, segment
        self.name = f"{machine.name}/{settings.name}"
        self.router: Router | None = None
        self.link_up = True
        self.held_until: Instant = 0
        """When the kernel withdraws the addresses, in the world's time."""
        self.refreshed_at: Instant = -FOR_EVER
        self.announced_at: Instant = -1
        self.was_heard = True
        """It ended its last mastership on a sound segment, so that the others could know of it."""
        self.taken = False
        """The daemon means to hold the addresses, whatever the kernel has done to them."""
        self._lease = lease
        self._world, self._random = machine.world, machine.random
        self._inbox: list[tuple[Instant, int, Advert, int]] = []
        self._arrived = 0
        self._armed_at: Instant | None = None
        self._deadline: Instant | None = None
        self._adverts: dict[int, Advert] = {}
        segment.attach(machine.name, self._arrives)

    # ---- what an auditor may ask

    @property
    def is_master(self) -> bool:
        return self.router is not None and self.router.state is State.MASTER

    def holds(self) -> bool:
        return self._world.now < self.held_until

    def may_adopt(self) -> bool:
        """The lease proves that nobody can have taken over since the last refresh."""
        settings = self.settings
        soonest = shortest_down_interval(settings.advert_int, settings.version, settings.down_timer_adverts)
        return self._lease is not None and self.holds() and self._world.now < self.refreshed_at + soonest

    # ---- what the machine does to it

    def create(self, router: Router) -> None:
        """A new daemon: nothing of what the old one had not read is left."""
        self.router = router
        self._deadline, self.taken = None, False
        self._inbox.clear()

    def configure(self, settings: RouterSettings) -> None:
        self.settings = settings
        self._adverts.clear()

    def set_link(self, up: bool) -> None:
        """What arrived while there was no link never came in."""
        now = self._world.now
        if up and not self.link_up:
            self._inbox = [packet for packet in self._inbox if packet[0] > now]
            heapq.heapify(self._inbox)
        self.link_up = up

    def feed(self, event: Event) -> None:
        """One event into the router, its actions out into the world, the group told."""
        if self.router is None:
            return
        before = self.router.state
        actions = self.router.handle(event, self.machine.now)
        for action in actions:
            self._carry_out(action, before)
        self._arm()
        if actions or self.machine.group is not None:
            self.machine.after(self, actions)

    def drain(self) -> None:
        """Everything that has arrived, before any deadline (TMR-08)."""
        inbox, now = self._inbox, self._world.now
        while inbox and inbox[0][0] <= now:
            _, _, advert, source = heapq.heappop(inbox)
            if self.link_up:
                self.feed(AdvertReceived(advert, source))
            inbox = self._inbox

    def receive(self, payload: bytes, envelope: Envelope) -> None:
        """Bytes instead of a value: through the ladder, as in the daemon."""
        settings = self.settings
        addresses, family = LISTS[settings.family], settings.family
        wanted = Expectations(
            settings.virtual_router_id, settings.advert_int, addresses, version=settings.version, family=family
        )
        try:
            received = receive_payload(payload, envelope, wanted)
        except PacketError as refused:
            self._world.tell(self.name, f"discards {refused.reason.value}")
        else:
            self.feed(AdvertReceived(received.advert, received.source))

    def follow_link(self) -> None:
        if self.router is not None and self.link_up is (self.router._faults.link != ""):
            self.feed(LinkChanged(self.link_up, "" if self.link_up else "carrier lost"))

    def due(self) -> None:
        if self._deadline is not None and self._deadline <= self.machine.now:
            self.feed(DeadlineReached())

    def arm_anew(self) -> None:
        """Whatever timer ran, it belonged to another time."""
        self._armed_at = None
        self._arm()

    # ---- its own waking

    def _arrives(self, arrival: Instant, advert: Advert, source: int) -> None:
        self._arrived += 1
        heapq.heappush(self._inbox, (arrival, self._arrived, advert, source))
        self._world.at(arrival + self._latency(), self._wake)

    def _wake(self) -> None:
        if self.machine.awake:
            self.machine.acted = False
            self.drain()
            self.due()
            if self.machine.acted:
                self.machine.audit.touched(self.machine)

    def _timer(self, armed_at: Instant) -> None:
        if self._armed_at != armed_at:
            return
        self._armed_at = None
        if self.machine.awake:
            self._wake()
            self._arm()

    def _arm(self) -> None:
        """One timer at a time; a deadline that moved away is found not to be due, and armed again."""
        self._deadline = deadline = self.router.deadline() if self.router is not None else None
        if deadline is None:
            return
        wake = deadline + self.machine.clock_lag + self._latency()
        if self._armed_at is None or wake < self._armed_at:
            self._armed_at = wake
            self._world.at(wake, self._timer, wake)

    def _latency(self) -> Duration:
        return int(self._random.random() * LONGEST_WAKE_UP)

    # ---- actions

    def _carry_out(self, action: Action, before: State) -> None:
        self._world.tell(self.name, action)
        kind = type(action)
        if isinstance(action, SendAdvert):
            self._send(action.priority, before)
        elif kind is TakeAddresses:
            self._hold()
        elif kind is ReleaseAddresses:
            self._let_go()
        elif kind is Announce:
            self._announce()
        elif isinstance(action, Transition):
            self._move(action, before)
        elif kind not in (Alarm, WantsMaster, LesserMasterHeard, PriorityMoved):
            raise TypeError(action)

    def _move(self, moved: Transition, before: State) -> None:
        self._require(moved.before is before, f"I9: {moved} does not follow {before.value}")
        if before is State.MASTER:
            self.was_heard = self.segment.is_sound and self.link_up

    def _send(self, priority: int, before: State) -> None:
        """I4: a leaving master may say its priority once more before it yields, or 0; nobody else says anything."""
        leaving = before is State.MASTER and not self.is_master
        allowed = self.is_master or leaving if priority else leaving
        self._require(allowed, f"I4: sent priority {priority} on the way from {before.value}")
        if self.link_up:
            advert = self._adverts.get(priority) or self._encode(priority)
            self.segment.send(self._world.now, self.machine.name, advert, self.settings.local_address)
        if priority and self.taken:
            self._hold()

    def _encode(self, priority: int) -> Advert:
        settings = self.settings
        advert = Advert(settings.version, settings.virtual_router_id, priority, settings.advert_int, VIRTUAL_ADDRESSES)
        self._adverts[priority] = advert
        return advert

    def _announce(self) -> None:
        self._require(self.is_master, "announced without being master")
        self.announced_at = self._world.now

    def _hold(self) -> None:
        now = self._world.now
        self.taken, self.refreshed_at = True, now
        if self._lease is None:
            self.held_until = FOR_EVER
        else:
            lateness = int(self._random.random() * LATEST_WITHDRAWAL)
            self.held_until = now + self._lease * NANOSECONDS_PER_SECOND + lateness
        self.machine.audit.held(self)

    def _let_go(self) -> None:
        self.taken, self.held_until = False, 0
        self.machine.audit.let_go(self)

    def _require(self, holds: bool, text: str) -> None:
        if not holds:
            raise Breach(f"{self.name}: {text}")
