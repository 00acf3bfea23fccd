# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Weights as a row of numbered slots, for an engine that can only count through a row or hash into it."""

from __future__ import annotations

import functools
import math
import typing as t

from .table import Destination, DestinationKey, Service

SLOT_LIMIT = 1024
"""Longest row. Weights that would need more are scaled down, each to at least one slot."""


def slots(service: Service) -> t.List[DestinationKey]:
    """Who takes the n-th connection (or the n-th hash value). Empty when no server takes new ones.

    rr gives every server one slot whatever its weight; a weight of 0 is no slot for any scheduler, as in ip_vs.
    """
    pool = [server for _key, server in sorted(service.destinations.items()) if server.weight > 0]
    shares = [1] * len(pool) if service.lb_algo == "rr" else _shares(pool)
    return _interleaved([server.key for server in pool], shares)


def _shares(pool: t.Sequence[Destination]) -> t.List[int]:
    """Slots per server: the weights in lowest terms, scaled down when the row would be too long."""
    weights = [server.weight for server in pool]
    divisor = functools.reduce(math.gcd, weights, 0) or 1
    shares = [weight // divisor for weight in weights]
    total = sum(shares)
    if total <= SLOT_LIMIT:
        return shares
    return [max(1, share * SLOT_LIMIT // total) for share in shares]


def _interleaved(keys: t.Sequence[DestinationKey], shares: t.Sequence[int]) -> t.List[DestinationKey]:
    """Spread each server's slots evenly over the row, so that a heavy one does not get its share in one burst.

    Each server's slots lie at the middles of equal parts of the row; sorting all middles gives the order.
    """
    middles = [((2 * turn + 1) / (2 * share), index) for index, share in enumerate(shares) for turn in range(share)]
    return [keys[index] for _middle, index in sorted(middles)]
