# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A mirror of the kernel's links and IPv4 addresses, kept by its notifications.

Theory of operation. The listener is opened before the first dump, so nothing is missed between them; what it
had queued is then applied on top, which is harmless because every notification carries the whole of its
object. On an overrun everything is read anew. The owner is told once per wake-up, after all that waited has
been applied: what it then sees is the present, never a state half way through somebody's batch, and its own
orders are always in it, because the kernel queues a notification before the order that caused it returns.
"""

from __future__ import annotations

import typing as t

from ..model.units import Instant
from . import rtnl
from .polling import READABLE, Poller
from .rtnl_socket import ListenerOverrun, ListenerSocket, OrderSocket

Changed = t.Callable[[t.FrozenSet[str], Instant], None]
"""Called with the names of the links that changed, or whose set of addresses did, and the instant of the wake-up.

A renamed link comes under both its names.
"""


class LinkMirror:
    """Links and IPv4 addresses as the kernel has them."""

    def __init__(self, poller: Poller, orders: OrderSocket, listener: ListenerSocket, changed: Changed) -> None:
        self._poller = poller
        self._orders = orders
        self._changed = changed
        self._listener = listener
        self._links: t.Dict[int, rtnl.Link] = {}
        self._addresses: t.Dict[rtnl.AddressKey, rtnl.HeldAddress] = {}
        self.overruns = 0

    def open(self) -> None:
        """Read everything and follow it from now on. Raises OSError when the kernel does not answer."""
        self._read_all()
        self._poller.watch(self._listener.fileno(), READABLE, lambda _ready, now: self.catch_up(now))

    def close(self) -> None:
        """Stop following."""
        self._poller.unwatch(self._listener.fileno())
        self._listener.close()

    def named(self, name: str) -> t.Optional[rtnl.Link]:
        """The link of this name, or None."""
        return next((link for link in self._links.values() if link.name == name), None)

    def addresses(self, index: int) -> t.List[rtnl.HeldAddress]:
        """Addresses of one link, in the kernel's order: the primary of a network before its secondaries."""
        return [held for key, held in self._addresses.items() if key.index == index]

    def held(self, key: rtnl.AddressKey) -> t.Optional[rtnl.HeldAddress]:
        """The address as last reported, or None when the kernel does not hold it."""
        return self._addresses.get(key)

    def catch_up(self, now: Instant) -> None:
        """Apply every notification that waits, then tell the owner what changed."""
        touched: t.Set[str] = set()
        try:
            waiting = self._listener.receive()
            while waiting is not None:
                for notice in waiting:
                    touched |= self._apply(notice)
                waiting = self._listener.receive()
        except (ListenerOverrun, rtnl.DumpInterrupted):
            self.overruns += 1
            touched |= self._read_all()
        if touched:
            self._changed(frozenset(touched), now)

    def _read_all(self) -> t.Set[str]:
        """Replace the mirror by a dump; the names of all links before and after."""
        links = self._orders.dump(rtnl.RTM_GETLINK)
        addresses = self._orders.dump(rtnl.RTM_GETADDR)
        before = {link.name for link in self._links.values()}
        self._links = {link.index: link for link in links if isinstance(link, rtnl.Link)}
        self._addresses = {held.key: held for held in addresses if isinstance(held, rtnl.HeldAddress)}
        return before | {link.name for link in self._links.values()}

    def _apply(self, notice: rtnl.Notice) -> t.Set[str]:
        """Take one notification over; the names of the links it changed (a new lifetime alone is no change)."""
        if isinstance(notice, rtnl.Link):
            before = self._links.get(notice.index)
            self._links[notice.index] = notice
            return set() if before == notice else self._names(before, notice)
        if isinstance(notice, rtnl.HeldAddress):
            known = notice.key in self._addresses
            self._addresses[notice.key] = notice
            return set() if known else self._names(self._links.get(notice.key.index))
        if isinstance(notice, rtnl.AddressGone):
            known = self._addresses.pop(notice.key, None) is not None
            return self._names(self._links.get(notice.key.index)) if known else set()
        if isinstance(notice, rtnl.LinkGone):
            return self._forget(notice.index)
        return set()

    def _forget(self, index: int) -> t.Set[str]:
        gone = self._links.pop(index, None)
        self._addresses = {key: held for key, held in self._addresses.items() if key.index != index}
        return self._names(gone)

    def _names(self, *links: t.Optional[rtnl.Link]) -> t.Set[str]:
        return {link.name for link in links if link is not None}
