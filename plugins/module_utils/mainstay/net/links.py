# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A mirror of the kernel's links and addresses, kept by its notifications.

Theory of operation. The listener is opened before the first dump, so nothing is missed between them; what it
had queued is then applied on top, which is harmless because every notification carries the whole of its
object. The owner is told once per wake-up, after all that waited has been applied: what it then sees is the
present, never a state half way through somebody's batch, and its own orders are in it, because the kernel queues
a notification before the order that caused it returns. `caught_up` counts these moments: it has moved on since
an order when that order is in the picture.

On an overrun everything is read anew, once the queue is empty: what was queued before the loss is older than the
dump, and what would have set it right is lost. Where links come and go without end, neither may stop the owner's
adverts: a wake-up applies what it can in 5 ms and tells that much, and a table that will not hold still is read
again a little later, while the last picture stays in use.
"""

from __future__ import annotations

import os
import typing as t
from dataclasses import replace

from ..model.units import NANOSECONDS_PER_MILLISECOND, Duration, Instant
from . import rtnl
from .polling import READABLE, Poller, Timer
from .rtnl_socket import ListenerOverrun, ListenerSocket, OrderSocket

Changed = t.Callable[[t.FrozenSet[str], Instant], None]
"""Called with the names of the links that changed, or whose set of addresses did, and the instant of the wake-up.

A renamed link comes under both its names; none at all mean that only `overruns` or `problem` changed.
"""

_PATIENCE = 5 * NANOSECONDS_PER_MILLISECOND
_RETRY = 100 * NANOSECONDS_PER_MILLISECOND


class LinkMirror:
    """Links and addresses of both families as the kernel has them."""

    def __init__(self, poller: Poller, orders: OrderSocket, listener: ListenerSocket, changed: Changed) -> None:
        self._poller = poller
        self._orders = orders
        self._changed = changed
        self._listener = listener
        self._links: t.Dict[int, rtnl.Link] = {}
        self._addresses: t.Dict[rtnl.AddressKey, rtnl.HeldAddress] = {}
        self._owed: t.Set[str] = set()
        self._lost = True
        self._retry: t.Optional[Timer] = None
        self.known = False
        """Everything has been read at least once."""
        self.problem = ""
        """Why the picture may be an old one; empty when it is not."""
        self.overruns = 0
        """How often notifications were lost."""
        self.caught_up = 0
        """How often everything that waited has been applied."""

    def open(self, now: Instant) -> None:
        """Read everything and follow it from now on; when that fails it is tried again, and told when it is `known`."""
        self._poller.watch(self._listener.fileno(), READABLE, lambda _ready, now: self.catch_up(now))
        self._read_anew(now)

    def close(self) -> None:
        """Stop following."""
        if self._retry is not None:
            self._retry.cancel()
            self._retry = None
        self._poller.unwatch(self._listener.fileno())
        self._listener.close()

    def named(self, name: str) -> t.Optional[rtnl.Link]:
        """The link of this name, or None."""
        return next((link for link in self._links.values() if link.name == name), None)

    @property
    def links(self) -> t.List[rtnl.Link]:
        """All of them."""
        return list(self._links.values())

    @property
    def all_addresses(self) -> t.Iterator[rtnl.HeldAddress]:
        """Those of all links."""
        return iter(self._addresses.values())

    def addresses(self, index: int) -> t.List[rtnl.HeldAddress]:
        """Addresses of one link, in the kernel's order: the primary of a network before its secondaries."""
        return [held for key, held in self._addresses.items() if key.index == index]

    def held(self, key: rtnl.AddressKey) -> t.Optional[rtnl.HeldAddress]:
        """The address as last reported, or None when the kernel does not hold it."""
        return self._addresses.get(key)

    def catch_up(self, now: Instant, patience: Duration = _PATIENCE) -> None:
        """Apply the notifications that wait, for as long as `patience`, then tell the owner what changed."""
        before = self.overruns, self.problem
        touched, complete = self._drain(self._poller.now() + patience)
        if complete and self._lost and self._retry is None:
            touched |= self._read_anew(now)
        self._owed |= touched
        if complete and not self._lost:
            self.caught_up += 1
            touched, self._owed = self._owed, set()
        if touched or before != (self.overruns, self.problem):
            self._changed(frozenset(touched), now)

    def _drain(self, until: Instant) -> t.Tuple[t.Set[str], bool]:
        """The names of the links that changed, and whether nothing waits any more."""
        touched: t.Set[str] = set()
        while self._poller.now() < until:
            try:
                waiting = self._listener.receive()
            except ListenerOverrun:
                self.overruns += 1
                self._lost = True
                continue
            if waiting is None:
                return touched, True
            for notice in waiting:
                touched |= self._apply(notice)
        return touched, False

    def _read_anew(self, now: Instant) -> t.Set[str]:
        """Replace the picture by a fresh one, or keep it and try again soon; the names of all links."""
        try:
            touched = self._read_all()
        except OSError as error:
            self.problem = error.strerror or os.strerror(error.errno or 0)
            self._retry = self._poller.call_at(now + _RETRY, self._retried)
            return set()
        self.known, self._lost, self.problem = True, False, ""
        return touched

    def _retried(self, now: Instant) -> None:
        self._retry = None
        self.catch_up(now)

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
            before_it = self._addresses.get(notice.key)
            self._addresses[notice.key] = notice
            return set() if _same(before_it, notice) else self._names(self._links.get(notice.key.index))
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


def _same(known: t.Optional[rtnl.HeldAddress], notice: rtnl.HeldAddress) -> bool:
    """Nothing but the lifetime is new. An IPv6 address is reported again when it has become usable, or failed to."""
    if known is None:
        return False
    return replace(known, valid_seconds=notice.valid_seconds) == notice
