# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which addresses this machine holds now, for services whose checks rest while theirs is elsewhere (ha_suspend)."""

from __future__ import annotations

import typing as t

from ...model.units import Instant
from ...net.links import LinkMirror
from ...net.polling import Poller
from ...net.rtnl_socket import ListenerSocket, OrderSocket

Changed = t.Callable[[Instant], None]


class AddressWatch(t.Protocol):
    """What the worker needs of it; tests bring one that they move."""

    def holds(self, address: str) -> bool:
        """Whether the machine holds the address; yes while nothing is known."""

    def open(self, changed: Changed, now: Instant) -> None:
        """Know the addresses from now on and call `changed` whenever that may matter; harmless when it is open.

        Raises OSError when that cannot be; then it is as before.
        """

    def close(self) -> None:
        """Stop; harmless when it is not open."""


class HeldAddresses:
    """The addresses of all interfaces, as the kernel notifies about them."""

    def __init__(self, poller: Poller) -> None:
        self._poller = poller
        self._orders: t.Optional[OrderSocket] = None
        self._mirror: t.Optional[LinkMirror] = None
        self._held: t.FrozenSet[str] = frozenset()
        self._changed: t.Optional[Changed] = None

    def holds(self, address: str) -> bool:
        """Whether the machine holds the address; yes while nothing is known: better one probe too many."""
        return self._mirror is None or not self._mirror.known or address in self._held

    def open(self, changed: Changed, now: Instant) -> None:
        """Read everything and follow it; `changed` is called after every change. Raises OSError without netlink."""
        if self._mirror is not None:
            return
        self._changed = changed
        try:
            self._orders = OrderSocket()
            self._mirror = LinkMirror(self._poller, self._orders, ListenerSocket(), self._links_changed)
            self._mirror.open(now)
        except OSError:
            self.close()
            raise
        self._held = self._read(self._mirror)

    def close(self) -> None:
        """Give the sockets back."""
        if self._mirror is not None:
            self._mirror.close()
        if self._orders is not None:
            self._orders.close()
        self._mirror = self._orders = self._changed = None

    def _links_changed(self, _names: t.FrozenSet[str], now: Instant) -> None:
        if self._mirror is None or self._changed is None:
            return
        before, self._held = self._held, self._read(self._mirror)
        if self._held != before:
            self._changed(now)

    @staticmethod
    def _read(mirror: LinkMirror) -> t.FrozenSet[str]:
        return frozenset(held.key.address for held in mirror.all_addresses)
