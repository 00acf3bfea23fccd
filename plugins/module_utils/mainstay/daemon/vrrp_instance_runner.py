# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs one virtual router: feeds it events, carries out its actions with prepared bytes.

Theory of operation. Events come from four sides: datagrams from the port, changes of links and addresses from the
mirror, the router's own deadline, and the configuration. Each goes into `Router.handle`; what comes out is looked up
in a table and done at once, in order. Nothing is encoded on the way: `_prepare` has done that when configuration or
links changed.

A process can be stopped for seconds (SIGSTOP, a frozen cgroup, a paused machine). Then its lease has ended, the
kernel has withdrawn the addresses, and a peer may be master. On waking it listens first, always: the deadline's
callback reads the port's queue to its end before the router hears of the deadline (TMR-08), and the router yields to
whoever it finds there. Addresses that the lease has taken are not put back before an advert of ours has left.
"""

from __future__ import annotations

import ipaddress
import typing as t

from ..model.config import VrrpInstance
from ..model.leasing import refresh_period
from ..model.units import Instant, as_seconds
from ..net.links import LinkMirror
from ..net.polling import Poller, Timer
from ..net.rtnl_socket import OrderSocket
from ..net.standing import Standing
from ..vrrp.actions import (
    Action,
    Alarm,
    Announce,
    ReleaseAddresses,
    SendAdvert,
    State,
    TakeAddresses,
    Transition,
)
from ..vrrp.events import AdvertReceived, DeadlineReached, Event, LinkChanged, Reconfigured, Started, Stopped
from ..vrrp.lease import lease_seconds
from ..vrrp.packet import PacketError
from ..vrrp.receive import Expectations, Received, receive_datagram
from ..vrrp.router import Router
from ..vrrp.settings import RouterSettings
from ..vrrp.timers import OWNER_PRIORITY, shortest_down_interval
from .vrrp_addresses import HeldAddresses
from .vrrp_advertiser import Advertiser
from .vrrp_announcer import Announcer
from .vrrp_discards import Discards, sender_of
from .vrrp_port import VrrpPort
from .vrrp_report import InstanceReport
from .worker import Say


class Kernel(t.NamedTuple):
    """What the runners of one worker share."""

    poller: Poller
    orders: OrderSocket
    mirror: LinkMirror


class InstanceRunner:
    """One VrrpInstance at work."""

    def __init__(self, instance: VrrpInstance, kernel: Kernel, port: VrrpPort, say: Say) -> None:
        subject = _subject(instance)
        self.instance = instance
        self.port = port
        self.addresses = HeldAddresses(kernel.orders, kernel.mirror)
        self.advertiser = Advertiser(subject, port, say)
        self.report = InstanceReport(subject, say)
        self.discards = Discards(subject, say)
        self.adverts_received = 0
        self.priority_zero_received = 0
        self.router = Router(self._settings())
        self._poller = kernel.poller
        self._announcer = Announcer(kernel.poller, kernel.mirror, subject, say)
        self._expectations = _expectations(instance)
        self._seen = Standing()
        self._timer: t.Optional[Timer] = None

    @property
    def devices(self) -> t.Set[str]:
        """Names of the links this router has to do with."""
        return {self.instance.interface, *(virtual.dev or "" for virtual in self.instance.virtual_ipaddress)}

    # ---- what the worker calls

    def start(self, now: Instant, may_adopt: bool) -> None:
        """Begin; with the proof that no peer took over, and only on the first configuration, as MASTER."""
        self._announcer.follow(self.instance)
        self._prepare()
        self.port.attach(self.instance.virtual_router_id, self.receive)
        self._seen = self.port.standing
        adopt = may_adopt and self.addresses.proof_of_mastership(shortest_down_interval(self.instance.advert_int))
        leftovers = [] if adopt else self.addresses.leftovers()
        self._feed(LinkChanged(self._seen.usable, self._seen.cause), now)
        self._feed(Started(adopt), now)
        if leftovers and self.router.state is not State.MASTER:
            device = self.instance.interface
            self.report.say("warning", f"{', '.join(leftovers)} was on {device} at the start and is removed")

    def stop(self, now: Instant) -> None:
        """End: a master says so with priority 0 and gives the addresses back."""
        self._feed(Stopped(), now)
        self.port.detach(self.instance.virtual_router_id)
        self._announcer.close()
        self._cancel()

    def adopt_settings(self, instance: VrrpInstance) -> None:
        """Prepare for other settings of the same virtual router.

        Then every runner lets go of what it lost, then `go_on`: an address that moves from one instance to another
        is released before it is taken, or not at all.
        """
        if instance.name != self.instance.name:
            self._rename(instance)
        self.instance = instance
        self._expectations = _expectations(instance)
        self._announcer.follow(instance)
        self._prepare()

    def go_on(self, now: Instant) -> None:
        """Run the settings that were adopted: no advert is missed, mastership stays."""
        self._feed(Reconfigured(self._settings()), now)
        if self.addresses.taken:
            self.addresses.take(now)
            self._announcer.start(now)

    def look(self, now: Instant) -> None:
        """Links or addresses changed: see what that means for this router."""
        before, self._seen = self._seen, self.port.standing
        if before != self._seen:
            self._follow_standing(before, now)
        elif self._prepare():
            self.addresses.let_go()
            if self.addresses.taken:
                self._put_back(now)
        missing = self.addresses.missing(now)
        if missing:
            names = ", ".join(f"{leased} from {leased.device}" for leased in missing)
            self.report.alarm(Alarm("address_removed", f"somebody removed {names}; put back"), now)
            self._put_back(now)

    def receive(self, datagram: bytes, now: Instant) -> None:
        """One datagram with our virtual_router_id."""
        try:
            received = receive_datagram(datagram, self._expectations)
        except PacketError as error:
            self.discards.count(error, sender_of(datagram), now)
            return
        self._count(received, now)
        self._feed(AdvertReceived(received.advert, received.source), now)

    # ---- the router's deadline

    def _due(self, wake: Instant) -> None:
        self._timer = None
        self.port.hear_out(wake)
        self._feed(DeadlineReached(), self._poller.now())

    # ---- events in, actions out

    def _feed(self, event: Event, now: Instant) -> None:
        self._carry_out(self.router.handle(event, now), now)
        self._arm()

    def _carry_out(self, actions: t.Sequence[Action], now: Instant) -> None:
        for action in actions:
            _PERFORM[type(action)](self, action, now)

    def _send_advert(self, action: SendAdvert, now: Instant) -> None:
        if not self.advertiser.send(action.priority) or not action.priority:
            return
        # Only what the peers can have heard gives the addresses more time: a master that nobody hears loses them.
        if self.addresses.expired(now):
            silence = as_seconds(now - self.addresses.refreshed_at)
            detail = f"the lease ended after {silence:.1f} s without an advert of ours: addresses taken again"
            self.report.alarm(Alarm("lease_ended", detail), now)
            self._put_back(now)
        elif now - self.addresses.refreshed_at >= _REFRESH_GAP:
            self.addresses.refresh(now)

    def _take_addresses(self, _action: TakeAddresses, now: Instant) -> None:
        self.addresses.take(now)

    def _release_addresses(self, _action: ReleaseAddresses, _now: Instant) -> None:
        self._announcer.stop()
        self.addresses.release()

    def _announce(self, _action: Announce, now: Instant) -> None:
        self._announcer.start(now)

    def _transition(self, action: Transition, _now: Instant) -> None:
        self.report.transition(action)

    def _alarm(self, action: Alarm, now: Instant) -> None:
        self.report.alarm(action, now)

    def _put_back(self, now: Instant) -> None:
        self.addresses.take(now)
        self._announcer.start(now)

    def _rename(self, instance: VrrpInstance) -> None:
        """Only people see a name: to the peers it is the same virtual router."""
        subject = _subject(instance)
        self.advertiser.subject = self.report.subject = self.discards.subject = self._announcer.subject = subject
        self.report.say("info", f"was {_subject(self.instance)} until now")

    # ---- preparing

    def _prepare(self) -> bool:
        """Encode everything that may be needed in a hurry; whether the set of addresses changed."""
        source = self.port.standing.source
        if source is not None:
            self.advertiser.prepare(self.instance, source)
        # Without another address to send from, a permanent one that is listed as virtual is the host's only one:
        # a mistake in the configuration must not cut the machine off.
        if self.instance.priority == OWNER_PRIORITY or source is None:
            self.addresses.leave_static(self.instance)
        lease = lease_seconds(self.instance.advert_int, self.instance.vip_lease)
        changed = self.addresses.prepare(self.instance, lease)
        self._announcer.prepare(self.addresses.addresses)
        return changed

    def _follow_standing(self, before: Standing, now: Instant) -> None:
        after = self._seen
        replaced = before.link is not None and after.link is not None and before.link.index != after.link.index
        if before.usable and replaced and after.usable:
            self._feed(LinkChanged(False, f"interface {self.port.device} was replaced by another"), now)
        self._prepare()
        self.addresses.let_go()
        if after.source != before.source:
            self._feed(Reconfigured(self._settings()), now)
        self._feed(LinkChanged(after.usable, after.cause), now)
        if self.addresses.taken:  # the same link with another hardware address or source
            self._put_back(now)

    def _settings(self) -> RouterSettings:
        source = self.port.standing.source
        return RouterSettings(
            name=self.instance.name,
            virtual_router_id=self.instance.virtual_router_id,
            priority=self.instance.priority,
            advert_int=self.instance.advert_int,
            local_address=int(ipaddress.IPv4Address(source or 0)),
            version=self.instance.version,
            nopreempt=self.instance.nopreempt,
        )

    def _count(self, received: Received, now: Instant) -> None:
        self.adverts_received += 1
        self.priority_zero_received += received.advert.priority == 0
        for alarm in received.alarms:
            self.report.alarm(alarm, now)

    def _arm(self) -> None:
        deadline = self.router.deadline()
        self._cancel()
        if deadline is not None:
            self._timer = self._poller.call_at(deadline, self._due)

    def _cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


# Many adverts a second do not need a refresh each.
_REFRESH_GAP = refresh_period(0)

_PERFORM: t.Mapping[t.Type[Action], t.Callable[[InstanceRunner, t.Any, Instant], None]] = {
    SendAdvert: InstanceRunner._send_advert,
    TakeAddresses: InstanceRunner._take_addresses,
    ReleaseAddresses: InstanceRunner._release_addresses,
    Announce: InstanceRunner._announce,
    Transition: InstanceRunner._transition,
    Alarm: InstanceRunner._alarm,
}


def _subject(instance: VrrpInstance) -> str:
    return f"vrrp_instance {instance.name}"


def _expectations(instance: VrrpInstance) -> Expectations:
    addresses = tuple(virtual.address for virtual in instance.virtual_ipaddress)
    return Expectations(instance.virtual_router_id, instance.advert_int, addresses, instance.version)
