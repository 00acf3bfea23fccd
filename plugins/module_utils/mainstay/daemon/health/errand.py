# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Work that may take seconds, done in parts of some milliseconds with turns of the loop in between.

Health checks come first: an errand that took several turns rests before it begins again, twice as long as it took. So
it has at most a third of the loop.
"""

from __future__ import annotations

import typing as t

from ...model.units import Duration, Instant, seconds
from ...net.polling import Poller, Timer

TURN = seconds(0.01)
"""The loop is given back after this time."""
PARTS = 10
"""But not before so many parts: what is small is done in one turn on a busy machine, too."""
REST = 2
"""Times what it took."""


class Errand:
    """One piece of work, begun as often as there is something to do."""

    def __init__(self, poller: Poller, part: t.Callable[[], bool]) -> None:
        """`part` does the next one, and says whether there may be more."""
        self._poller = poller
        self._part = part
        self._timer: t.Optional[Timer] = None
        self._turns = 0
        self._took: Duration = 0
        self._rested: Instant = 0

    @property
    def under_way(self) -> bool:
        """Begun and not at its end."""
        return self._timer is not None

    @property
    def rests(self) -> bool:
        """Must it not begin now?"""
        return self._poller.now() < self._rested

    def begin(self) -> None:
        """In a turn of its own, as soon as it has rested; harmless while it is under way."""
        if self._timer is None:
            self._timer = self._poller.call_at(max(self._poller.now(), self._rested), self._first_turn)

    def begin_at_once(self) -> None:
        """In this turn; it may be at its end then."""
        self.drop()
        self._first_turn(self._poller.now())

    def drop(self) -> None:
        """Do no more of it; the next beginning needs no rest."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None
        self._rested = 0

    def _first_turn(self, now: Instant) -> None:
        self._turns, self._took = 0, 0
        self._turn(now)

    def _turn(self, _now: Instant) -> None:
        began, parts, more = self._poller.now(), 0, True
        self._timer = None
        while more and (parts < PARTS or self._poller.now() < began + TURN):
            more = self._part()
            parts += 1
        self._turns += 1
        self._took += self._poller.now() - began
        if more:
            self._timer = self._poller.call_at(self._poller.now(), self._turn)
        elif self._turns > 1:
            self._rested = self._poller.now() + REST * self._took
