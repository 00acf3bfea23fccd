# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The health worker's section of the status answer.

Pools, weights and connections are those of the kernel, not those hoped for; states and reasons are the daemon's.
"""

from __future__ import annotations

import os
import typing as t

from ...lvs.keys import ServerId, destination_key
from ...lvs.member import Member, Placed, Pool
from ...lvs.overrides import Override
from ...lvs.table import DestinationKey, ServiceKey
from ...model.units import Instant, as_seconds
from ...net.data_plane import Counters
from ..wall_clock import wall_clock
from .check_book import CheckBook
from .held_addresses import AddressWatch
from .pool_keeper import PoolKeeper
from .service_keeper import ServiceKeeper
from .suspension import suspended

Document = t.Dict[str, object]


class HealthStatus:
    """Builds the section."""

    def __init__(self, book: CheckBook, pools: PoolKeeper, addresses: AddressWatch) -> None:
        self._book = book
        self._pools = pools
        self._addresses = addresses
        self._since: t.Dict[ServerId, t.Tuple[Instant, str]] = {}

    def section(self, data_plane: str, keepers: t.Iterable[ServiceKeeper], now: Instant) -> Document:
        """JSON-able, in the shape the command line and the modules expect."""
        counters = self._pools.counters()
        listed = sorted(keepers, key=lambda keeper: keeper.service.name)
        known = {(keeper.service.name, member.name) for keeper in listed for member in keeper.members()}
        self._since = {key: since for key, since in self._since.items() if key in known}
        configured, running = self._book.counts
        return {
            "alive": True,
            "pid": os.getpid(),
            "as_of": now,
            "data_plane": data_plane,
            "error": self._pools.error,
            "checks": {"configured": configured, "running": running},
            "virtual_servers": {keeper.service.name: self._service(keeper, counters, now) for keeper in listed},
        }

    def _service(self, keeper: ServiceKeeper, counters: Counters, now: Instant) -> Document:
        service, pool, keys = keeper.service, keeper.refreshed(now), keeper.keys
        resting = bool(suspended((service,), self._addresses.holds))
        return {
            "address": service.address,
            "port": service.port,
            "protocol": service.protocol,
            "keys": [str(key) for key in keys],
            "lb_algo": service.lb_algo,
            "lb_kind": service.lb_kind,
            "installed": all(key in self._pools.current for key in keys),
            "suspended": resting,
            "quorum_up": pool.quorum_up,
            "live_weight": pool.live_weight,
            "needed": pool.needed,
            "why": pool.why,
            "sorry_in": pool.sorry_in,
            "backup_in": pool.backup_in,
            "floor_holds": list(pool.floor_holds),
            "refusals": list(dict.fromkeys(reason for key in keys for reason in self._pools.refusals(key))),
            "repairs": sum(self._pools.repairs(key) for key in keys),
            "leaving": [_leaving(place, one.until, counters, now) for place, one in sorted(keeper.leaving.items())],
            "real_servers": [self._server(keeper, member, pool, counters, now) for member in keeper.members()],
        }

    def _server(
        self, keeper: ServiceKeeper, member: Member, pool: Pool, counters: Counters, now: Instant
    ) -> Document:
        server, placed = member.server, pool.placed[member.name]
        places = [(key, destination_key(key, server, server.lb_kind)) for key in keeper.keys]
        weight = self._weight(places)
        known = [counters[place] for place in places if place in counters]
        key = (keeper.service.name, member.name)
        return {
            "address": server.address,
            "port": server.port,
            "weight": server.weight,
            "effective_weight": weight or 0,
            "in_pool": weight is not None,
            "backup": server.backup,
            "state": placed.state,
            "since": self._since_text(key, keeper.since(member.name), now),
            "reason": self._reason(key, placed),
            "age": self._age(key, now),
            "active_connections": sum(one.active_connections for one in known) if known else None,
            "inactive_connections": sum(one.inactive_connections for one in known) if known else None,
            "override": _override(member.override),
            "notes": list(member.health.notes),
        }

    def _weight(self, places: t.Iterable[t.Tuple[ServiceKey, DestinationKey]]) -> t.Optional[int]:
        """The weight in the kernel, the least of all its services; None when the server is in none of their pools."""
        current = self._pools.current
        pools = ((current[key].destinations, place) for key, place in places if key in current)
        return min((pool[place].weight for pool, place in pools if place in pool), default=None)

    def _reason(self, key: ServerId, placed: Placed) -> str:
        hindrances = dict.fromkeys(check.hindrance for check in self._book.row(key) if check.hindrance)
        return "; ".join([placed.why, *(f"not checked since: {hindrance}" for hindrance in hindrances)])

    def _age(self, key: ServerId, now: Instant) -> t.Optional[float]:
        """Seconds since the latest result."""
        checked = [check.history.checked for check in self._book.row(key)]
        latest = max((instant for instant in checked if instant is not None), default=None)
        return None if latest is None else round(as_seconds(now - latest), 3)

    def _since_text(self, key: ServerId, since: Instant, now: Instant) -> str:
        """Wall-clock time of `since`, worked out once, so that it does not move with the clock."""
        known = self._since.get(key)
        if known is None or known[0] != since:
            known = (since, wall_clock(now - since))
            self._since[key] = known
        return known[1]


def _override(order: t.Optional[Override]) -> t.Optional[Document]:
    return None if order is None else dict(vars(order))


def _leaving(
    place: t.Tuple[ServiceKey, DestinationKey], until: Instant, counters: Counters, now: Instant
) -> Document:
    count = counters.get(place)
    return {
        "service": str(place[0]),
        "address": place[1].address,
        "port": place[1].port,
        "active_connections": None if count is None else count.active_connections,
        "inactive_connections": None if count is None else count.inactive_connections,
        "seconds_left": round(as_seconds(max(0, until - now)), 1),
    }
