# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When to send gratuitous ARP or neighbour advertisements, and how often: a schedule without a clock or a frame.

As keepalived does it: a burst at once, a second burst `garp_master_delay` later for neighbours that were not yet
listening, then, when `garp_master_refresh` asks for it, a smaller burst each period so that switch tables do not
age out. Hearing a lesser master starts the two bursts again, with the numbers of garp_lower_prio_*: the neighbours may
believe it. A round is one frame for every virtual address.
"""

from __future__ import annotations

import typing as t

from ..model.defaults import RunningInstance
from ..model.units import Duration, Instant


class Announcing:
    """The bursts of one mastership. `start` on Announce, `stop` on ReleaseAddresses; both are idempotent."""

    def __init__(self, instance: RunningInstance) -> None:
        self._as_master = (instance.garp_master_delay, instance.garp_master_repeat)
        self._against_lesser = (instance.garp_lower_prio_delay, instance.garp_lower_prio_repeat)
        self._repeat = 0
        self._refresh = instance.garp_master_refresh
        self._refresh_repeat = instance.garp_master_refresh_repeat
        self._first: t.Optional[Instant] = None
        self._second: t.Optional[Instant] = None
        self._next_refresh: t.Optional[Instant] = None

    def start(self, now: Instant) -> None:
        """Begin: the first burst is due at once. Starting again begins anew."""
        self._start_bursts(self._as_master, now)
        self._next_refresh = now + self._refresh if self._refresh else None

    def start_against_lesser(self, now: Instant) -> None:
        """A lesser master was heard; what is still to come of larger bursts is not cut short by smaller ones."""
        pending = self._first is not None or self._second is not None
        if not pending or self._against_lesser[1] >= self._repeat:
            self._start_bursts(self._against_lesser, now)

    def _start_bursts(self, bursts: t.Tuple[Duration, int], now: Instant) -> None:
        delay, self._repeat = bursts
        self._first = now
        self._second = now + delay  # without a delay it is one with the first

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
