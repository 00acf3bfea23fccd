# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The health worker's section of the status answer.

Pools, weights and connections are those of the kernel, not those hoped for; states and reasons are the daemon's.

Ten thousand servers are asked about as often as somebody looks. What only a decision or an edit of the table changes
is therefore worked out once and kept (_Shown); only ages and connections are new in every answer.
"""

from __future__ import annotations

import os
import typing as t

from ...lvs.keys import ServerId, destination_key
from ...lvs.member import Member, Pool
from ...lvs.overrides import Override
from ...lvs.table import DestinationKey, Service, ServiceKey
from ...model.lvs_defaults import RunningService
from ...model.units import Instant, as_seconds
from ...net.data_plane import Counters, DestinationCounters
from ..wall_clock import wall_clock
from .check_book import CheckBook, Row
from .held_addresses import AddressWatch
from .pool_keeper import PoolKeeper
from .probe_slots import ProbeSlots
from .service_keeper import ServiceKeeper
from .suspension import suspended

Document = t.Dict[str, object]
Place = t.Tuple[ServiceKey, DestinationKey]
Stands = t.Tuple[t.Optional[Service], ...]
"""What the kernel holds of a virtual_server, in the order of its keys."""
SinceTexts = t.Dict[str, t.Tuple[Instant, str]]
"""By server: when it came into its state, and the wall-clock time of that."""


class _ShownServer(t.NamedTuple):
    """What is worked out once of one real server."""

    document: Document
    why: str
    row: Row
    standing: t.Tuple[Place, ...]
    """Where it is in a pool of the kernel."""


class _Shown:
    """What is worked out once of one virtual_server: from these values, and as long as they are the same."""

    def __init__(self, service: RunningService, pool: Pool, stands: Stands, since: SinceTexts) -> None:
        self.service = service
        self.pool = pool
        self.stands = stands
        self.since = since
        self.document: Document = {}
        self.servers: t.List[_ShownServer] = []

    def holds(self, service: RunningService, pool: Pool, stands: Stands) -> bool:
        """Is all of it still so? Values that did not change are the same objects."""
        same = self.service is service and self.pool is pool and len(self.stands) == len(stands)
        return same and all(one is other for one, other in zip(self.stands, stands))


class HealthStatus:
    """Builds the section."""

    def __init__(self, book: CheckBook, pools: PoolKeeper, addresses: AddressWatch, slots: ProbeSlots) -> None:
        self._book = book
        self._slots = slots
        self._pools = pools
        self._addresses = addresses
        self._shown: t.Dict[str, _Shown] = {}

    def section(self, data_plane: str, keepers: t.Iterable[ServiceKeeper], now: Instant) -> Document:
        """JSON-able, in the shape the command line and the modules expect."""
        counters = self._pools.connections.counters()
        listed = sorted(keepers, key=lambda keeper: keeper.service.name)
        configured, running = self._book.counts
        self._shown = {keeper.service.name: self._still_shown(keeper, now) for keeper in listed}
        return {
            "alive": True,
            "pid": os.getpid(),
            "as_of": now,
            "data_plane": data_plane,
            "serving": self._pools.serving,
            "error": self._pools.error,
            "uncounted": self._pools.connections.uncounted,
            "counted_at": self._pools.connections.counted_at,
            "checks": {"configured": configured, "running": running},
            "probe_slots": self._probe_slots(),
            "virtual_servers": {keeper.service.name: self._service(keeper, counters, now) for keeper in listed},
        }

    def _probe_slots(self) -> Document:
        line = self._slots.waited()
        return {
            "at_once": line.limit,
            "waiting": line.waiting,
            "late": line.late,
            "late_now": line.late_now,
            "longest_wait": round(as_seconds(line.longest), 1),
        }

    # ---- new in every answer

    def _service(self, keeper: ServiceKeeper, counters: Counters, now: Instant) -> Document:
        shown, keys = self._shown[keeper.service.name], keeper.keys
        return {
            **shown.document,
            "suspended": bool(suspended((keeper.service,), self._addresses.holds)),
            "refusals": list(dict.fromkeys(reason for key in keys for reason in self._pools.refusals(key))),
            "repairs": sum(self._pools.repairs(key) for key in keys),
            "leaving": [_leaving(place, one.until, counters, now) for place, one in sorted(keeper.leaving.items())],
            "real_servers": [_server(one, counters, now) for one in shown.servers],
        }

    # ---- worked out once

    def _still_shown(self, keeper: ServiceKeeper, now: Instant) -> _Shown:
        service, pool = keeper.service, keeper.refreshed(now)
        stands = tuple(self._pools.current.get(key) for key in keeper.keys)
        known = self._shown.get(service.name)
        if known is not None and known.holds(service, pool, stands):
            return known
        shown = _Shown(service, pool, stands, _since_texts(keeper, {} if known is None else known.since, now))
        shown.document = {
            "address": service.address,
            "port": service.port,
            "protocol": service.protocol,
            "keys": [str(key) for key in keeper.keys],
            "lb_algo": service.lb_algo,
            "lb_kind": service.lb_kind,
            "installed": None not in stands,
            "quorum_up": pool.quorum_up,
            "live_weight": pool.live_weight,
            "needed": pool.needed,
            "why": pool.why,
            "sorry_in": pool.sorry_in,
            "backup_in": pool.backup_in,
            "floor_holds": list(pool.floor_holds),
        }
        shown.servers = [self._shown_server(keeper, member, shown) for member in keeper.members()]
        return shown

    def _shown_server(self, keeper: ServiceKeeper, member: Member, shown: _Shown) -> _ShownServer:
        server, placed = member.server, shown.pool.placed[member.name]
        places = tuple((key, destination_key(key, server, server.lb_kind)) for key in keeper.keys)
        pools = [(place, one.destinations) for one, place in zip(shown.stands, places) if one is not None]
        standing = {place: pool[place[1]].weight for place, pool in pools if place[1] in pool}
        weight = min(standing.values(), default=None)  # the least of all its services
        document: Document = {
            "address": server.address,
            "port": server.port,
            "weight": server.weight,
            "effective_weight": weight or 0,
            "in_pool": weight is not None,
            "backup": server.backup,
            "state": placed.state,
            "since": shown.since[member.name][1],
            "override": _override(member.override),
            "notes": list(member.health.notes),
        }
        key: ServerId = (keeper.service.name, member.name)
        return _ShownServer(document, placed.why, self._book.row(key), tuple(standing))


def _server(shown: _ShownServer, counters: Counters, now: Instant) -> Document:
    known = _known(shown, counters)
    return {
        **shown.document,
        "reason": _reason(shown),
        "hindrances": _hindrances(shown.row),
        "age": _age(shown.row, now),
        "active_connections": sum(one.active_connections for one in known) if known else None,
        "inactive_connections": sum(one.inactive_connections for one in known) if known else None,
    }


def _known(shown: _ShownServer, counters: Counters) -> t.List[DestinationCounters]:
    """Of every place where it stands; of none when one of them is not told: a part is no sum."""
    found = [counters.get(place) for place in shown.standing]
    return [] if None in found else [one for one in found if one is not None]


def _reason(shown: _ShownServer) -> str:
    return "; ".join([shown.why, *(f"not checked since: {hindrance}" for hindrance in _hindrances(shown.row))])


def _hindrances(row: Row) -> t.List[str]:
    """Why this host cannot check it."""
    return list(dict.fromkeys(check.hindrance for check in row if check.hindrance))


def _age(row: Row, now: Instant) -> t.Optional[float]:
    """Seconds since the latest result."""
    checked = [check.history.checked for check in row]
    latest = max((instant for instant in checked if instant is not None), default=None)
    return None if latest is None else round(as_seconds(max(0, now - latest)), 3)


def _since_texts(keeper: ServiceKeeper, known: SinceTexts, now: Instant) -> SinceTexts:
    """Worked out once for each state, so that they do not move with the clock."""
    texts = {}
    for member in keeper.members():
        since = keeper.since(member.name)
        old = known.get(member.name)
        texts[member.name] = old if old is not None and old[0] == since else (since, wall_clock(now - since))
    return texts


def _override(order: t.Optional[Override]) -> t.Optional[Document]:
    return None if order is None else dict(vars(order))


def _leaving(place: t.Tuple[ServiceKey, DestinationKey], until: Instant, counters: Counters, now: Instant) -> Document:
    count = counters.get(place)
    return {
        "service": str(place[0]),
        "address": place[1].address,
        "port": place[1].port,
        "active_connections": None if count is None else count.active_connections,
        "inactive_connections": None if count is None else count.inactive_connections,
        "seconds_left": round(as_seconds(max(0, until - now)), 1),
    }
