# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What moves with mastership: addresses, routes and rules, and that the neighbours hear of it.

With use_vmac the macvlan is up while we are master, and before our first advert, which leaves through it. With accept:
false the packet filter knows an address before it is there, and as long as it is there.

What somebody else removes comes back and is reported. Addresses that the lease has taken are not put back before an
advert of ours has left.
"""

from __future__ import annotations

import typing as t

from ...model.defaults import RunningInstance
from ...model.leasing import refresh_period
from ...model.units import Instant, as_seconds
from ...net import rtnl
from ...net.accept_filter import Element, address_element
from ...vrrp.actions import Alarm
from ...vrrp.lease import lease_of
from ...vrrp.timers import OWNER_PRIORITY
from ..worker import Say
from .address_inquiry import AddressInquiry
from .addresses import HeldAddresses
from .announcer import Announcer
from .guard import NOTHING
from .kernel import Kernel
from .report import ObjectReport
from .routes import HeldRoutes

# Many adverts a second do not need a refresh each.
_REFRESH_GAP = refresh_period(0)


class Possessions:
    """Of one instance. `addresses` and `routes` say what is held; `announcer` tells the neighbours."""

    def __init__(self, kernel: Kernel, report: ObjectReport, say: Say) -> None:
        self.addresses = HeldAddresses(kernel.orders, kernel.mirror)
        self.routes = HeldRoutes(kernel.routing, kernel.mirror)
        self.announcer = Announcer(kernel.poller, kernel.mirror, kernel.pacing, report.subject, say)
        self._inquiry = AddressInquiry(kernel.poller, kernel.mirror, report.alarm)
        self._report = report
        self._guard = kernel.guard
        self._macvlans = kernel.macvlans
        self._mirror = kernel.mirror
        self._instance: t.Optional[RunningInstance] = None
        self._guarded: t.FrozenSet[Element] = NOTHING
        self._risen = False
        self._lowered_at = -1

    @property
    def obstacle(self) -> str:
        """Why the addresses cannot be held as they must be: a reason for FAULT; else empty."""
        instance = self._instance
        if instance is None:
            return ""
        of_macvlan = self._macvlans.problem(instance.carrier) if instance.use_vmac else ""
        return of_macvlan or (self._guard.problem if instance.guarded else "")

    @property
    def problems(self) -> t.List[str]:
        """Sentences about what cannot be held, or not as it should be."""
        return [*self.addresses.problems, *self.routes.problems, *self._exposed()]

    @property
    def outlet(self) -> t.Optional[rtnl.Link]:
        """The macvlan that adverts leave through, as far as there is one."""
        instance = self._instance
        if instance is None or not instance.use_vmac or instance.vmac_xmit_base:
            return None
        return self._mirror.named(instance.carrier)

    def prepare(self, instance: RunningInstance, source: t.Optional[str]) -> bool:
        """Encode what may be needed in a hurry; whether the set of addresses changed.

        `source` is the address adverts leave from. Without one, a permanent address that is listed as virtual is the
        host's only one: a mistake in the configuration must not cut the machine off.
        """
        if instance.priority == OWNER_PRIORITY or source is None:
            self.addresses.leave_static(instance)
        self._instance = instance
        changed = self.addresses.prepare(instance, lease_of(instance))
        self._prepare_guard(instance)
        self.routes.prepare(instance.virtual_routes, instance.virtual_rules)
        self.announcer.prepare(self.addresses.addresses)
        self._inquiry.prepare(self.addresses.addresses)
        return changed

    def adopt(self) -> t.List[str]:
        """Keep what an earlier run held; nothing of it is left over. A label may have changed meanwhile."""
        self.addresses.drop_misshapen()
        return []

    def leftovers(self) -> t.List[str]:
        """Addresses that an earlier run left; its routes and rules go at once."""
        stale = self.routes.release()
        if stale:
            self._report.say("warning", f"{', '.join(stale)} was there at the start and is removed")
        return self.addresses.leftovers()

    def rise(self, again: bool = False) -> None:
        """Set the macvlan up, if there is one and that has not been done."""
        if self._instance is not None and self._instance.use_vmac and (again or not self._risen):
            self._risen = True
            self._macvlans.set_up(self._instance.carrier, True)

    def take(self, now: Instant) -> None:
        """As master; announced apart from it."""
        self.rise()
        self._guard.hold(self, self._guarded)
        self.addresses.take(now)
        self.routes.take()
        self._inquiry.begin(now)

    def release(self) -> None:
        """As master no more."""
        self._inquiry.end()
        self.announcer.stop()
        self.routes.release()
        self.addresses.release()
        self._guard.hold(self, NOTHING)
        self._lower()

    def close(self) -> None:
        """An end: what serves nobody else is given back."""
        self._inquiry.close()
        self.announcer.close()
        self._guard.spare(self)

    def put_back(self, now: Instant) -> None:
        """Take everything again, and tell the neighbours."""
        self.rise(again=True)
        self._guard.hold(self, self._guarded)
        self.addresses.take(now)
        self.routes.let_go()
        self.routes.take(renew=True)
        self._inquiry.begin(now)
        self.announcer.start(now)

    def lease_anew(self, now: Instant) -> None:
        """An advert has left: the addresses get their whole lease again, or are taken again where it had ended."""
        if self.addresses.expired(now):
            silence = as_seconds(now - self.addresses.refreshed_at)
            detail = f"the lease ended after {silence:.1f} s without an advert of ours: addresses taken again"
            self._report.alarm(Alarm("lease_ended", detail), now)
            self.put_back(now)
        elif now - self.addresses.refreshed_at >= _REFRESH_GAP:
            self.addresses.refresh(now)

    def look(self, now: Instant) -> None:
        """Addresses changed: somebody may have removed one of ours."""
        self._correct_macvlan(now)
        self._repair(now)
        missing = self.addresses.missing(now)
        if missing:
            names = ", ".join(f"{leased} from {leased.device}" for leased in missing)
            self._report.alarm(Alarm("address_removed", f"somebody removed {names}; put back"), now)
            self.put_back(now)

    def look_at_routes(self, now: Instant) -> None:
        """A route or rule may be gone. While the lease may have ended, that is right: an advert has to leave first."""
        if self.routes.taken and self.addresses.expired(now):
            return
        missing = self.routes.put_back()
        if missing:
            self._report.alarm(Alarm("route_gone", f"{', '.join(missing)} had gone from the kernel; put back"), now)

    def _repair(self, now: Instant) -> None:
        """NDP-08: somebody put an address there without NODAD, and the kernel found it on another machine."""
        unusable = ", ".join(str(leased) for leased in self.addresses.unusable(now))
        if unusable:
            detail = f"duplicate address detection failed for {unusable}: another machine has it too; added again"
            self._report.alarm(Alarm("dad_failed", detail), now)
            self.addresses.drop_misshapen()
            self.put_back(now)

    def _lower(self) -> None:
        self._risen, self._lowered_at = False, self._mirror.caught_up
        if self._instance is not None and self._instance.use_vmac:
            self._macvlans.set_up(self._instance.carrier, False)

    def _correct_macvlan(self, now: Instant) -> None:
        """Down, a master's addresses reach nobody; up, a backup takes in what is for the master, and forwards it."""
        instance = self._instance
        link = None if instance is None or not instance.use_vmac else self._mirror.named(instance.carrier)
        if link is None:
            return
        if not link.enabled and self.addresses.is_settled(now):
            self._report.alarm(Alarm("macvlan_down", f"somebody set {link.name} down; set up again"), now)
            self.put_back(now)
        elif link.enabled and not self._risen and self._lowered_at not in (-1, self._mirror.caught_up):
            self._report.alarm(Alarm("macvlan_up", f"somebody set {link.name} up on a backup; set down again"), now)
            self._lower()

    def _prepare_guard(self, instance: RunningInstance) -> None:
        placed = self.addresses.addresses
        guarded = (address_element(leased.key.address, leased.key.index) for leased in placed)
        self._guarded = frozenset(guarded) if instance.guarded else NOTHING
        if not instance.guarded:
            self._guard.spare(self)
            return
        if self.addresses.leftovers() and not self.addresses.taken:  # of an earlier run, or somebody else's mistake
            self._guard.hold(self, self._guarded)
        self._guard.need(self, self._guarded)

    def _exposed(self) -> t.Iterator[str]:
        """Addresses that the interface below has, too: it answers for them with its own MAC (NDP-06)."""
        instance = self._instance
        below = None if instance is None or not instance.use_vmac else self._mirror.named(instance.interface)
        if instance is None or below is None:
            return
        virtual = {leased.key.address for leased in self.addresses.addresses if leased.device == instance.carrier}
        for held in self._mirror.addresses(below.index):
            if held.key.address in virtual:
                answers = f"{below.name} has it, too, and answers for it with its own MAC"
                yield f"{held.key.address}: {answers}; remove it there (ip address del)"
