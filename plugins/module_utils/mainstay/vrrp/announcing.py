# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When to send gratuitous ARP, and how often: a schedule without a clock or a frame.

As keepalived does it: a burst at once, a second burst `garp_master_delay` later for neighbours that were not yet
listening, then, when `garp_master_refresh` asks for it, a smaller burst each period so that switch tables do not
age out. A round is one frame for every virtual address.
"""

from __future__ import annotations

import typing as t

from ..model.config import VrrpInstance
from ..model.units import Instant


class Announcing:
    """The bursts of one mastership. `start` on Announce, `stop` on ReleaseAddresses; both are idempotent."""

    def __init__(self, instance: VrrpInstance) -> None:
        self._delay = instance.garp_master_delay
        self._repeat = instance.garp_master_repeat
        self._refresh = instance.garp_master_refresh
        self._refresh_repeat = instance.garp_master_refresh_repeat
        self._first: t.Optional[Instant] = None
        self._second: t.Optional[Instant] = None
        self._next_refresh: t.Optional[Instant] = None

    def start(self, now: Instant) -> None:
        """Begin: the first burst is due at once. Starting again begins anew."""
        self._first = now
        self._second = now + self._delay  # without a delay it is one with the first
        self._next_refresh = now + self._refresh if self._refresh else None

    def stop(self) -> None:
        """No more bursts: an address that is not ours any more must not be announced (NDP-04)."""
        self._first = self._second = self._next_refresh = None

    def deadline(self) -> t.Optional[Instant]:
        """When `due` has something next; None for never."""
        pending = [at for at in (self._first, self._second, self._next_refresh) if at is not None]
        return min(pending, default=None)

    def due(self, now: Instant) -> int:
        """Rounds to send now; 0 when it is too early. Bursts that a stall brought together are sent as one."""
        rounds = 0
        if self._first is not None and self._first <= now:
            self._first, rounds = None, self._repeat
        if self._second is not None and self._second <= now:
            self._second, rounds = None, self._repeat
        if self._next_refresh is not None and self._next_refresh <= now:
            self._next_refresh = now + self._refresh
            rounds = max(rounds, self._refresh_repeat)
        return rounds
