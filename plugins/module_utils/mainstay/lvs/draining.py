# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers that leave the pool but keep their connections for a while.

A server that left the configuration, whose identity in the kernel changed (another port), or a backup server that is
not needed any more stays at weight 0 until it has no connections, at most `drain_timeout`. What failed or was put
in maintenance goes at once. A sorry server goes at once too: with persistence its clients would stick to it.
"""

from __future__ import annotations

import types
import typing as t
from dataclasses import dataclass, replace

from ..model.lvs_defaults import RunningService
from ..model.units import Instant
from .keys import destination_key, service_keys, sorry_lb_kind
from .member import BACKUP, DRAINING, Placed, Pool
from .table import Destination, DestinationKey, Service, ServiceKey

Place = t.Tuple[ServiceKey, DestinationKey]


@dataclass(frozen=True)
class Leaving:
    """One server that is on its way out of one service."""

    destination: Destination
    """At weight 0."""
    until: Instant
    """Removed then at the latest, whatever connections it has."""


LeavingBook = t.Mapping[Place, Leaving]
"""Of one virtual_server."""


_NO_DEADLINES: t.Mapping[Place, Instant] = types.MappingProxyType({})


def leaving_after(
    book: LeavingBook,
    service: RunningService,
    pool: Pool,
    standing: t.Mapping[ServiceKey, Service],
    now: Instant,
    deadlines: t.Mapping[Place, Instant] = _NO_DEADLINES,
) -> t.Dict[Place, Leaving]:
    """Who leaves after this decision.

    `standing` is what stood in the table until now: what was desired before, or at the start what was found in the
    kernel (then a server that the configuration does not know goes on leaving, or begins to). After still_leaving()
    has let somebody go it has to be what was desired without him, else he begins to leave once again. `deadlines` are
    those of a drain that had begun before `book` did: it goes on.
    """
    after = {}
    books = by_service(book)
    for key in service_keys(service):
        stands = standing[key].destinations if key in standing else {}
        here = books.get(key, {})
        if not stands and not here:
            continue
        settled = _settled(key, service, pool)
        if service.drain_timeout:
            latest = now + service.drain_timeout
            begun = {
                server: _begun(one, min(latest, deadlines.get((key, server), latest)))
                for server, one in stands.items()
                if server not in settled
            }
            here = {**begun, **here}
        after.update({(key, server): one for server, one in here.items() if server not in settled})
    return after


def still_leaving(book: LeavingBook, connections: t.Mapping[Place, int], now: Instant) -> t.Dict[Place, Leaving]:
    """Those that have connections and time left. A place that `connections` does not name has none."""
    return {place: one for place, one in book.items() if connections.get(place, 0) > 0 and now < one.until}


def next_end(book: LeavingBook) -> t.Optional[Instant]:
    """When the first of them runs out of time."""
    return min((one.until for one in book.values()), default=None)


def by_service(book: LeavingBook) -> t.Dict[ServiceKey, t.Dict[DestinationKey, Leaving]]:
    """The same, service by service."""
    books: t.Dict[ServiceKey, t.Dict[DestinationKey, Leaving]] = {}
    for (key, server), one in book.items():
        books.setdefault(key, {})[server] = one
    return books


def _begun(destination: Destination, until: Instant) -> Leaving:
    return Leaving(replace(destination, weight=0), until)


def _settled(key: ServiceKey, service: RunningService, pool: Pool) -> t.Set[DestinationKey]:
    """Servers of which the decision says all: they are in the table, or go at once."""
    every_one = zip(service.real_servers, pool.placed.values())
    settled = {destination_key(key, server, server.lb_kind) for server, placed in every_one if _decided(placed)}
    if service.sorry_server is not None:
        settled.add(destination_key(key, service.sorry_server, sorry_lb_kind(service)))
    return settled


def _decided(placed: Placed) -> bool:
    return placed.weight is not None or placed.state not in (BACKUP, DRAINING)
