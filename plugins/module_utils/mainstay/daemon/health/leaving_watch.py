# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks how many connections the servers that leave still have: once a second, and only while somebody leaves."""

from __future__ import annotations

import typing as t

from ...lvs.draining import Place
from ...model.units import Instant, seconds
from ...net.polling import Poller, Timer
from .pool_keeper import PoolKeeper
from .service_keeper import ServiceKeeper

PERIOD = seconds(1)


class LeavingWatch:
    """One question to the engine for all services."""

    def __init__(self, poller: Poller, pools: PoolKeeper, keepers: t.Callable[[], t.Iterable[ServiceKeeper]]) -> None:
        self._poller = poller
        self._pools = pools
        self._keepers = keepers
        self._timer: t.Optional[Timer] = None

    def begin(self) -> None:
        """Somebody leaves, or may; harmless while it asks already."""
        if self._timer is None:
            self._timer = self._poller.call_at(self._poller.now() + PERIOD, self._ask)

    def end(self) -> None:
        """Ask no more."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None

    def _ask(self, now: Instant) -> None:
        self._timer = None
        leaving = [keeper for keeper in self._keepers() if keeper.leaving]
        if not leaving:
            return
        connections = self._connections([place for keeper in leaving for place in keeper.leaving])
        for keeper in leaving:
            keeper.count(connections, now)
        self.begin()

    def _connections(self, places: t.Collection[Place]) -> t.Dict[Place, int]:
        """Whom the engine does not tell about, though he stands in its table, may have some."""
        counters = self._pools.connections.counters()
        counted = {place: one.active_connections + one.inactive_connections for place, one in counters.items()}
        unknown = [place for place in places if place not in counted and self._stands(place)]
        return {**counted, **dict.fromkeys(unknown, 1)}

    def _stands(self, place: Place) -> bool:
        """The table of an engine that is away is taken for what it was."""
        service = self._pools.current.get(place[0])
        return self._pools.away or (service is not None and place[1] in service.destinations)
