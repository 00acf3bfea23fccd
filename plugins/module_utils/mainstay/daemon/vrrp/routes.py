# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The routes and rules of one holder, an instance or the static network: prepared, taken, released, missed.

They are taken after the addresses, which they may name as their source, and released before them. Nothing leases
them: a killed master leaves them behind until its worker starts again or `release` runs. But the lease of its
addresses takes those with it that name one of them as src (IPv4; of an IPv6 route it takes the src alone).

What is on the kernel's own account counts, not what was ordered once: see net/routing_socket.py.
"""

from __future__ import annotations

import errno
import os
import typing as t

from ...model.routing import Route, Rule
from ...net.links import LinkMirror
from ...net.routes import devices_of
from ...net.routing_socket import Answer, Entry, route_entry, rule_entry
from .routing_claims import SharedRouting


class HeldRoutes:
    """What one holder holds, or would hold as master."""

    def __init__(self, shared: SharedRouting, mirror: LinkMirror) -> None:
        self._shared = shared
        self._mirror = mirror
        self._prepared_for: object = None
        self._routes: t.Tuple[Route, ...] = ()
        self._rules: t.Tuple[Rule, ...] = ()
        self._entries: t.Tuple[Entry, ...] = ()
        self._dropped: t.List[Entry] = []
        self._unplaced: t.List[str] = []
        self._refused: t.Dict[str, str] = {}
        self._installed: t.Set[Entry] = set()
        self.taken = False
        """We are to hold them: set by take(), cleared by release()."""

    @property
    def problems(self) -> t.List[str]:
        """Sentences about routes and rules that cannot be held."""
        return [*self._unplaced, *self._refused.values()]

    @property
    def configured(self) -> t.List[str]:
        """Every route and rule, as iproute2 spells it."""
        return [entry.text for entry in self._entries]

    @property
    def held(self) -> t.List[str]:
        """Those of them that are in the kernel."""
        return [entry.text for entry in self._entries if entry in self._installed and entry.text not in self._refused]

    def prepare(self, routes: t.Tuple[Route, ...], rules: t.Tuple[Rule, ...]) -> None:
        """Encode the orders, if the configuration or an interface changed since the last time.

        `let_go` then removes what is held and no longer wanted.
        """
        self._routes, self._rules = routes, rules
        indexes = {name: self._index(name) for route in routes for name in devices_of(route)}
        if self._prepared_for == (routes, rules, indexes):
            return
        self._prepared_for = routes, rules, indexes
        absent = {name for name, index in indexes.items() if index is None}
        placed = [route for route in routes if not devices_of(route) & absent]
        self._unplaced = [_unplaced(route, absent) for route in routes if route not in placed]
        known = {name: index for name, index in indexes.items() if index is not None}
        entries = [route_entry(route, known.__getitem__) for route in placed] + [rule_entry(rule) for rule in rules]
        if self.taken:
            self._dropped += [entry for entry in self._entries if entry not in entries]
            self._shared.claim(self, entries)
        self._entries = tuple(entries)

    def let_go(self) -> None:
        """Remove what `prepare` found no longer wanted, and nobody else is to hold."""
        wanted = {entry.remove for entry in self._entries}
        dropped = [entry for entry in self._dropped if entry.remove not in wanted]
        self._dropped = []
        self._installed.difference_update(dropped)
        self._remove(dropped)

    def take(self, renew: bool = False) -> t.List[str]:
        """Install what is missing; the texts of what was there before and had gone come back.

        `renew` when the addresses were away: an IPv6 route stays without its src.
        """
        self.taken = True
        if self._routes or self._rules:
            self._shared.holders.add(self)
        if not self._entries:
            self._refused = {}
            return []
        self._shared.claim(self, self._entries)
        outcome = self._shared.add(self._entries, renew)
        refused = {entry for entry, _answer in outcome.refused}
        self._refused = {entry.text: refusal(entry, answer, "installed") for entry, answer in outcome.refused}
        missed = [entry.text for entry in outcome.done if entry in self._installed]
        self._installed = {entry for entry in self._entries if entry not in refused} | (self._installed & refused)
        return missed

    def put_back(self) -> t.List[str]:
        """What an interface or somebody else took away is installed again; the texts of what was missing."""
        self.prepare(self._routes, self._rules)
        if not self.taken:
            return []
        self.let_go()
        return self.take()

    def release(self) -> t.List[str]:
        """Withdraw everything, rules first; the texts of what was there. Harmless when nothing is."""
        self.taken = False
        self._shared.holders.discard(self)
        self._refused = {}
        self._installed = set()
        return self._remove(self._entries[::-1])

    def _remove(self, entries: t.Sequence[Entry]) -> t.List[str]:
        outcome = self._shared.remove(self._shared.drop(self, entries))
        self._refused.update((entry.text, refusal(entry, answer, "removed")) for entry, answer in outcome.refused)
        return [entry.text for entry in outcome.done]

    def _index(self, name: str) -> t.Optional[int]:
        link = self._mirror.named(name)
        return None if link is None else link.index


def _unplaced(route: Route, absent: t.Collection[str]) -> str:
    names = ", ".join(sorted(devices_of(route) & set(absent)))
    return f"route {route_name(route)}: interface {names} does not exist"


def route_name(route: Route) -> str:
    """Its destination, and its table where that is not main."""
    return route.destination + ("" if route.table is None else f" of table {route.table}")


def refusal(entry: Entry, answer: Answer, verb: str) -> str:
    """What the kernel said to an order, and what to do about it."""
    reason = answer.detail or os.strerror(answer.errno)
    return f"{entry.text} cannot be {verb}: {reason}{_REMEDIES.get(answer.errno, '')}"


_REMEDIES = {
    errno.EPERM: "; the daemon needs CAP_NET_ADMIN",
    errno.ENETUNREACH: "; via must be reachable through an interface that is up, or say onlink",
    errno.EHOSTUNREACH: "; via must be reachable through an interface that is up, or say onlink",
    errno.ENETDOWN: "; set the interface up",
    errno.EINVAL: "; src must be an address of this machine, and the interface must have the family turned on",
    errno.EAFNOSUPPORT: "; the kernel is without this family or without policy routing",
}
