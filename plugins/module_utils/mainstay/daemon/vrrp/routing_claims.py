# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the routes and rules of one worker have in common: the orders, who holds what, when to look again.

Theory of operation. Two instances may want the same route (a default route through either of them, say): it is
removed when the last of them lets go. So every entry that somebody is to hold is claimed here, by the bytes that
would remove it.

Whoever is to hold something is asked to look when it may be gone: a notification says so, a link or an address
changed (with an interface or a source address the kernel drops routes without a word), or an order was refused and
may succeed now. A look takes 20 us for each route and rule, and adverts must not wait for it again and again: however
much comes and goes, looks are 50 ms apart, and where there are hundreds of routes ten times as long as one takes.
"""

from __future__ import annotations

import typing as t

from ...model.units import NANOSECONDS_PER_MILLISECOND, Duration, Instant, seconds
from ...net.polling import READABLE, Poller, Timer
from ...net.routing_socket import Answer, Entry, Outcome, RoutingListener, RoutingOrders

Look = t.Callable[[Instant], None]
"""Ask everybody to look after what they hold."""

_SOON = 50 * NANOSECONDS_PER_MILLISECOND
_RETRY = seconds(1)
_SHARE = 10
"""A tenth of the time at most goes into looks ..."""
_LONGEST = 500 * NANOSECONDS_PER_MILLISECOND
"""... as long as what is missing comes back within a second."""


class SharedRouting:
    """Orders for routes and rules, and the claims of all holders of this worker."""

    def __init__(self, poller: Poller, look: Look) -> None:
        self._poller = poller
        self._look = look
        self._orders: t.Optional[RoutingOrders] = None
        self._listener: t.Optional[RoutingListener] = None
        self._claims: t.Dict[t.Tuple[bytes, ...], t.Set[object]] = {}
        self.holders: t.Set[object] = set()
        """Those that are to hold something, and be it on an interface that does not exist yet."""
        self._timer: t.Optional[Timer] = None
        self._deadline: Instant = 0
        self._rested: Instant = 0

    def claim(self, holder: object, entries: t.Iterable[Entry]) -> None:
        """`holder` is to hold these until it drops them."""
        for entry in entries:
            self._claims.setdefault(entry.remove, set()).add(holder)

    def drop(self, holder: object, entries: t.Iterable[Entry]) -> t.List[Entry]:
        """`holder` is not to hold these any more; those that nobody else claims come back."""
        free = []
        for entry in entries:
            holders = self._claims.get(entry.remove, set())
            holders.discard(holder)
            if not holders:
                self._claims.pop(entry.remove, None)
                free.append(entry)
        return free

    def add(self, entries: t.Sequence[Entry], renew: bool = False) -> Outcome:
        """Install what is missing. `renew`: also what the kernel may have kept in part."""
        try:
            orders = self._open()
        except OSError as error:
            answer = Answer(error.errno or 0, f"no netlink socket ({error.strerror})")
            return Outcome(refused=tuple((entry, answer) for entry in entries))
        if renew:
            orders.renew(entries)
        outcome = orders.add(entries)
        if outcome.refused:
            self._look_at(self._poller.now() + _RETRY)
        return outcome

    def remove(self, entries: t.Sequence[Entry]) -> Outcome:
        """Withdraw what is there."""
        try:
            return self._open().remove(entries) if entries else Outcome()
        except OSError as error:
            answer = Answer(error.errno or 0, f"no netlink socket ({error.strerror})")
            return Outcome(refused=tuple((entry, answer) for entry in entries))

    def look_soon(self, delay: Duration = _SOON) -> None:
        """Something changed that may have taken a route or rule away."""
        if self.holders:
            self._look_at(max(self._poller.now() + delay, self._rested))

    def close(self) -> None:
        """Give the descriptors back."""
        self._cancel()
        if self._listener is not None:
            self._poller.unwatch(self._listener.fileno())
            self._listener.close()
            self._listener = None
        if self._orders is not None:
            self._orders.close()
            self._orders = None

    def _open(self) -> RoutingOrders:
        """The sockets are opened with the first order: most machines have no routes or rules here."""
        if self._listener is None:
            listener = RoutingListener()
            self._poller.watch(listener.fileno(), READABLE, self._heard)
            self._listener = listener
        if self._orders is None:
            self._orders = RoutingOrders()
        return self._orders

    def _heard(self, _ready: int, _now: Instant) -> None:
        if self._listener is not None:
            self._listener.drain()
            self.look_soon()

    def _look_at(self, deadline: Instant) -> None:
        """The earlier of two looks stands for both."""
        if self._timer is None or deadline < self._deadline:
            self._cancel()
            self._deadline = deadline
            self._timer = self._poller.call_at(deadline, self._due)

    def _due(self, now: Instant) -> None:
        self._timer = None
        began = self._poller.now()
        self._look(now)
        ended = self._poller.now()
        self._rested = ended + min(_SHARE * (ended - began), _LONGEST)

    def _cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
