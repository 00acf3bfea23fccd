# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers that leave the pool but keep their connections for a while.

A server that left the configuration, whose identity in the kernel changed (another port), or a backup server that is
not needed any more stays at weight 0 until it has no connections, at most `drain_timeout`. What failed or was put
in maintenance goes at once. A sorry server goes at once too: with persistence its clients would stick to it.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ..model.lvs_defaults import RunningService
from ..model.units import Instant
from .member import Pool
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


def leaving_after(
    book: LeavingBook, service: RunningService, pool: Pool, standing: t.Mapping[ServiceKey, Service], now: Instant
) -> t.Dict[Place, Leaving]:
    """Who leaves after this decision.

    `standing` is what stood in the table until now: what was desired before, or at the start what was found in the
    kernel (then a server that the configuration does not know goes on leaving, or begins to).
    """
    raise NotImplementedError


def still_leaving(book: LeavingBook, connections: t.Mapping[Place, int], now: Instant) -> t.Dict[Place, Leaving]:
    """Those that have connections and time left. A place that `connections` does not name has none."""
    return {place: one for place, one in book.items() if connections.get(place, 0) > 0 and now < one.until}


def next_end(book: LeavingBook) -> t.Optional[Instant]:
    """When the first of them runs out of time."""
    return min((one.until for one in book.values()), default=None)
