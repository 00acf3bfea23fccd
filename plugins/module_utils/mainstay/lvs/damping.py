# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server that flaps stays out for a while.

Every time its checks take it down costs a penalty, which halves every `flap_damping`. Above the suppress limit the
server stays out although its checks pass, until the penalty has fallen below the reuse limit. The figures are of the
kind that RFC 2439 (4.2) gives: three downs in a short time suppress, one or two never do.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..model.units import Duration, Instant

PENALTY = 1000.0
SUPPRESS_ABOVE = 2000.0
REUSE_BELOW = 750.0
CEILING = 4000.0


@dataclass(frozen=True)
class Penalty:
    """What a server's downs have cost, as of `at`."""

    value: float = 0.0
    at: Instant = 0
    suppressed: bool = False
    """It went above the limit; over at reuse_at()."""


NO_PENALTY = Penalty()


def decayed(penalty: Penalty, half_life: Duration, now: Instant) -> float:
    """What is left of it."""
    return penalty.value * math.pow(2.0, -(now - penalty.at) / half_life)


def punished(penalty: Penalty, half_life: Duration, now: Instant) -> Penalty:
    """The server went down once more. A half-life of 0 is no damping."""
    if not half_life:
        return NO_PENALTY
    value = min(CEILING, decayed(penalty, half_life, now) + PENALTY)
    return Penalty(value, now, value > SUPPRESS_ABOVE or suppressed(penalty, half_life, now))


def suppressed(penalty: Penalty, half_life: Duration, now: Instant) -> bool:
    """Has the server to stay out?"""
    return penalty.suppressed and bool(half_life) and now < reuse_at(penalty, half_life)


def reuse_at(penalty: Penalty, half_life: Duration) -> Instant:
    """When the penalty has fallen to the reuse limit.

    An instant, not a comparison of decayed values: a timer set for it finds the server free, whatever rounding does.
    """
    halvings = max(0.0, math.log2(max(penalty.value, 1.0) / REUSE_BELOW))
    return penalty.at + math.ceil(half_life * halvings)
