# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Weights as a row of numbered slots, for an engine that can only count through a row or hash into it.

rr, wrr and sh: each server's slots spread evenly over a row as short as the weights allow. Taking a server out moves
nearly every client of sh to another server, as it does in ip_vs.

mh: Maglev hashing (Eisenbud and others, NSDI 2016), as ip_vs has it. The row is long and each server fills it in an
order of its own, which depends on nothing but its name; when a server goes, the clients of the others stay.
"""

from __future__ import annotations

import functools
import math
import typing as t

from .table import Destination, DestinationKey, Service

SLOT_LIMIT = 1024
"""Longest row. Weights that would need more are scaled down, each to at least one slot."""

MAGLEV_ROWS = (251, 1021)
"""Primes, so that every step leads through the whole row. The first that gives each part ten slots, else the last."""


def slots(service: Service) -> t.List[DestinationKey]:
    """Who takes the n-th connection (or the n-th hash value). Empty when no server takes new ones.

    rr gives every server one slot whatever its weight; a weight of 0 is no slot for any scheduler, as in ip_vs.
    """
    pool = [server for _key, server in sorted(service.destinations.items()) if server.weight > 0]
    keys = [server.key for server in pool]
    if service.lb_algo == "mh":
        return _maglev(keys, _shares(pool, MAGLEV_ROWS[-1])) if pool else []
    shares = [1] * len(pool) if service.lb_algo == "rr" else _shares(pool, SLOT_LIMIT)
    return _interleaved(keys, shares)


def _shares(pool: t.Sequence[Destination], limit: int) -> t.List[int]:
    """Slots per server: the weights in lowest terms, scaled down when the row would be too long."""
    weights = [server.weight for server in pool]
    divisor = functools.reduce(math.gcd, weights, 0) or 1
    shares = [weight // divisor for weight in weights]
    total = sum(shares)
    if total <= limit:
        return shares
    return [max(1, share * limit // total) for share in shares]


def _interleaved(keys: t.Sequence[DestinationKey], shares: t.Sequence[int]) -> t.List[DestinationKey]:
    """Spread each server's slots evenly over the row, so that a heavy one does not get its share in one burst.

    Each server's slots lie at the middles of equal parts of the row; sorting all middles gives the order.
    """
    middles = [((2 * turn + 1) / (2 * share), index) for index, share in enumerate(shares) for turn in range(share)]
    return [keys[index] for _middle, index in sorted(middles)]


def _maglev(keys: t.Sequence[DestinationKey], shares: t.Sequence[int]) -> t.List[DestinationKey]:
    """Servers take turns, `share` slots a turn: each the next free one on its own way through the row."""
    length = next((prime for prime in MAGLEV_ROWS if prime >= 10 * sum(shares)), MAGLEV_ROWS[-1])
    ways = [_way(key, length) for key in keys]
    row: t.List[t.Optional[DestinationKey]] = [None] * length
    free = length
    while free:
        for key, share, way in zip(keys, shares, ways):
            for _slot in range(min(share, free)):
                row[next(place for place in way if row[place] is None)] = key
                free -= 1
    return [key for key in row if key is not None]


def _way(key: DestinationKey, length: int) -> t.Iterator[int]:
    """Every place of the row once, in an order that the server's name gives."""
    # Loaded by who needs it: it brings OpenSSL along.
    import hashlib

    digest = hashlib.blake2b(str(key).encode(), digest_size=16).digest()
    start = int.from_bytes(digest[:8], "big") % length
    step = int.from_bytes(digest[8:], "big") % (length - 1) + 1
    return ((start + turn * step) % length for turn in range(length))
