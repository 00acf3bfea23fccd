# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What moves with mastership: addresses, routes and rules, and that the neighbours hear of it.

What somebody else removes comes back and is reported. Addresses that the lease has taken are not put back before an
advert of ours has left.
"""

from __future__ import annotations

import typing as t

from ..model.defaults import RunningInstance
from ..model.leasing import refresh_period
from ..model.units import Instant, as_seconds
from ..vrrp.actions import Alarm
from ..vrrp.lease import lease_of
from ..vrrp.timers import OWNER_PRIORITY
from .vrrp_addresses import HeldAddresses
from .vrrp_announcer import Announcer
from .vrrp_kernel import Kernel
from .vrrp_report import ObjectReport
from .vrrp_routes import HeldRoutes
from .worker import Say

# Many adverts a second do not need a refresh each.
_REFRESH_GAP = refresh_period(0)


class Possessions:
    """Of one instance. `addresses` and `routes` say what is held; `announcer` tells the neighbours."""

    def __init__(self, kernel: Kernel, report: ObjectReport, say: Say) -> None:
        self.addresses = HeldAddresses(kernel.orders, kernel.mirror)
        self.routes = HeldRoutes(kernel.routing, kernel.mirror)
        self.announcer = Announcer(kernel.poller, kernel.mirror, kernel.pacing, report.subject, say)
        self._report = report

    def prepare(self, instance: RunningInstance, source: t.Optional[str]) -> bool:
        """Encode what may be needed in a hurry; whether the set of addresses changed.

        `source` is the address adverts leave from. Without one, a permanent address that is listed as virtual is the
        host's only one: a mistake in the configuration must not cut the machine off.
        """
        if instance.priority == OWNER_PRIORITY or source is None:
            self.addresses.leave_static(instance)
        changed = self.addresses.prepare(instance, lease_of(instance))
        self.routes.prepare(instance.virtual_routes, instance.virtual_rules)
        self.announcer.prepare(self.addresses.addresses)
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

    def take(self, now: Instant) -> None:
        """As master; announced apart from it."""
        self.addresses.take(now)
        self.routes.take()

    def release(self) -> None:
        """As master no more."""
        self.announcer.stop()
        self.routes.release()
        self.addresses.release()

    def put_back(self, now: Instant) -> None:
        """Take everything again, and tell the neighbours."""
        self.addresses.take(now)
        self.routes.let_go()
        self.routes.take(renew=True)
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
