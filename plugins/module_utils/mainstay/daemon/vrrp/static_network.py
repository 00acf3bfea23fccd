# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""static_ipaddress, static_routes and static_rules: there as long as the daemon runs, whoever is master.

Theory of operation. They are added when the daemon starts, put back when somebody removes them, and removed when
they leave the configuration, at an end in order, and by `release` after a crash: but only what is ours. A route or
rule of ours has the protocol keepalived. An address of ours has an end, 68 years ahead: what the host has for good
was there before, and stays. So a restart finds its own again, and no mistake here takes the host's only address away.
"""

from __future__ import annotations

import typing as t

from ...model.config import Config, VirtualAddress
from ...model.units import Instant, seconds
from ...net import rtnl
from ...net.addresses import AddressProgram, LeasedAddress, kernel_form
from ...net.links import LinkMirror
from ...net.rtnl_socket import OrderSocket
from ..log_limit import LogLimit
from ..worker import LogLine, Say
from .routes import HeldRoutes
from .routing_claims import SharedRouting

STATIC_LIFETIME = 0x7FFFFFFF
"""Seconds. The kernel takes them for an end, people for none."""

_SUBJECT = "static network"
_PERIOD = seconds(60)


class StaticNetwork:
    """What the daemon keeps present."""

    def __init__(self, orders: OrderSocket, mirror: LinkMirror, routing: SharedRouting, say: Say) -> None:
        self._orders = orders
        self._mirror = mirror
        self._say = say
        self._routes = HeldRoutes(routing, mirror)
        self._wanted: t.List[t.Tuple[str, VirtualAddress]] = []
        self._added: t.Set[rtnl.AddressKey] = set()
        self._ordered_at = -1
        self._refused: t.List[str] = []
        self._limit = LogLimit(_PERIOD)
        self._told: t.Set[str] = set()

    def configure(self, config: Config, now: Instant) -> None:
        """Keep these from now on; the mirror knows what is there."""
        before = self._placed()
        default = config.global_defs.default_interface
        self._wanted = [(static.dev or default or "", static) for static in config.static_ipaddress]
        places = {leased.place for leased in self._placed()}
        self._release([leased for leased in before if leased.place not in places])
        self._routes.prepare(config.static_routes, config.static_rules)
        self._routes.let_go()
        self.look(now)
        self.look_at_routes(now)

    def look(self, now: Instant) -> None:
        """Put back the addresses that are missing; a look at the routes follows every change of a link by itself."""
        placed = self._placed()
        missing = [leased for leased in placed if self._mirror.held(leased.key) is None]
        if missing and self._mirror.caught_up != self._ordered_at:
            gone = ", ".join(f"{leased} from {leased.device}" for leased in missing if leased.key in self._added)
            self._ordered_at = self._mirror.caught_up
            self._refused = AddressProgram(self._orders, missing, STATIC_LIFETIME).take()
            self._added.update(leased.key for leased in missing)
            self._report("addresses", f"somebody removed {gone}" if gone else "", now)
        elif not missing:
            self._refused = []
        self._added &= {leased.key for leased in placed}
        self._tell_problems()

    def look_at_routes(self, now: Instant) -> None:
        """Put back the routes and rules that are missing."""
        gone = self._routes.put_back() if self._routes.taken else self._routes.take()
        self._report("routes", f"{', '.join(gone)} had gone from the kernel" if gone else "", now)
        self._tell_problems()

    def stop(self) -> None:
        """An end in order: what is ours goes."""
        self._routes.release()
        self._release(self._placed())
        self._wanted = []

    @property
    def problems(self) -> t.List[str]:
        """Sentences about what cannot be kept."""
        absent = [
            f"{static.address}/{static.prefix_length}: interface {device} does not exist"
            for device, static in self._wanted
            if self._mirror.named(device) is None
        ]
        return [*absent, *self._refused, *self._routes.problems]

    def status(self) -> t.Dict[str, object]:
        """The "static" part of the status answer: what is configured, what is there, what is wrong."""
        return {
            "addresses": [f"{static.address}/{static.prefix_length}" for _device, static in self._wanted],
            "addresses_held": [str(leased) for leased in self._placed() if self._mirror.held(leased.key)],
            "routes": self._routes.configured,
            "routes_held": self._routes.held,
            "problems": self.problems,
        }

    def _placed(self) -> t.List[LeasedAddress]:
        links = [(self._mirror.named(device), device, static) for device, static in self._wanted]
        return [
            LeasedAddress(
                rtnl.AddressKey(link.index, static.address, static.prefix_length), device, *kernel_form(static)
            )
            for link, device, static in links
            if link is not None
        ]

    def _release(self, placed: t.Sequence[LeasedAddress]) -> None:
        ours = [leased for leased in placed if self._is_ours(leased.key)]
        AddressProgram(self._orders, ours, 0).release()

    def _is_ours(self, key: rtnl.AddressKey) -> bool:
        held = self._mirror.held(key)
        return key in self._added if held is None else held.valid_seconds is not None

    def _report(self, kind: str, happened: str, now: Instant) -> None:
        if happened and self._limit.allows(kind, now):
            self._say(LogLine("warning", _SUBJECT, f"{happened}; put back"))

    def _tell_problems(self) -> None:
        """Each once, until it is over."""
        problems = self.problems
        for problem in problems:
            if problem not in self._told:
                self._say(LogLine("warning", _SUBJECT, problem))
        self._told = set(problems)
