# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many events of one object are written down: one that flaps must not push the history of all others out.

An object may have 20 events at once, and gets one more every ten minutes: 144 a day, of the 8,000 or so that the
journal holds. The last one that fits says that others may be missing from here on, the next one says how many are.
"""

from __future__ import annotations

import typing as t

from ..model.units import Instant, seconds

BURST = 20
REFILL = seconds(600)
"""Until one more event may be written."""

_SCARCE = "it flaps: from here on one of its events in ten minutes is written down"


class _Object:
    """What one object has left."""

    def __init__(self, now: Instant) -> None:
        self.left = BURST
        self.counted_at = now
        self.omitted = 0


class EventBudget:
    """One budget per key."""

    def __init__(self) -> None:
        self._objects: t.Dict[str, _Object] = {}

    def takes(self, key: str, now: Instant) -> t.Optional[str]:
        """What to add to the event, mostly nothing; None: it is not to be written down."""
        one = self._objects.setdefault(key, _Object(now))
        earned = (now - one.counted_at) // REFILL
        one.counted_at = now if one.left + earned >= BURST else one.counted_at + earned * REFILL
        one.left = min(BURST, one.left + earned)
        if not one.left:
            one.omitted += 1
            return None
        one.left -= 1
        told = [f"{one.omitted} events before this one were not written down"] if one.omitted else []
        told += [_SCARCE] if not one.left and not one.omitted else []
        one.omitted = 0
        return "; ".join(told)
