# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many connections the real servers have: counted when somebody asks, one count for all who ask meanwhile.

A count that one turn of the loop has time for is as of now. Through hundreds of thousands of flows it takes a second
and many turns. Who asks then is told what the count before has found, and when it began; one that is too old is not
told.

What was counted of a server before it got weight 0 says nothing about how far it is drained, so it is forgotten with
the edit, and a count that is under way leaves it out.
"""

from __future__ import annotations

import types
import typing as t

from ...lvs.draining import Place
from ...lvs.operations import AddDestination, Operation, SetDestination
from ...model.units import Instant, seconds
from ...net.data_plane import Counters, CountersUnavailable, Counting, DataPlane
from ...net.polling import Poller
from .errand import Errand

KEPT = seconds(60)
"""Older figures are not told."""
UNDER_WAY = "not yet, there are so many that it takes a moment"

_Answer = t.TypeVar("_Answer")
_NOTHING: Counters = types.MappingProxyType({})


class Ask(t.Protocol):
    """Asks the engine; what it says, or `otherwise` when there is none."""

    def __call__(self, question: t.Callable[[DataPlane], _Answer], otherwise: _Answer) -> _Answer: ...


class ConnectionCount:
    """Of whatever engine there is."""

    def __init__(self, poller: Poller, ask: Ask) -> None:
        self.uncounted = ""
        """Why there were no figures when they were asked for last; "" when there were."""
        self._poller = poller
        self._ask = ask
        self._errand = Errand(poller, self._part)
        self._counting: t.Optional[Counting] = None
        self._began: Instant = 0
        self._stale: t.Set[Place] = set()
        """Who got weight 0 since the latest count began."""
        self._known: Counters = _NOTHING
        self._known_of: t.Optional[Instant] = None

    def counters(self) -> Counters:
        """Connections per real server; empty without an engine or figures."""
        if not self._errand.under_way and (self._stale or not self._errand.rests):
            self._begin()
        if self.counted_at is not None:
            self.uncounted = ""
            return self._known
        if self._errand.under_way:
            self.uncounted = UNDER_WAY
        return _NOTHING

    @property
    def counted_at(self) -> t.Optional[Instant]:
        """When the count began whose figures are told; None when none are."""
        known = self._known_of is not None and self._poller.now() <= self._known_of + KEPT
        return self._known_of if known else None

    def edited(self, edits: t.Iterable[Operation]) -> None:
        """The table is about to be edited like this."""
        for edit in edits:
            if isinstance(edit, (AddDestination, SetDestination)) and not edit.destination.weight:
                self._stale.add((edit.service, edit.destination.key))
        self._known = self._fresh(self._known)

    def forget(self) -> None:
        """The engine is about to be closed."""
        self._errand.drop()
        if self._counting is not None:
            self._counting.close()
        self._counting = self._known_of = None
        self._known, self.uncounted = _NOTHING, ""

    def _begin(self) -> None:
        self._stale.clear()
        self._began = self._poller.now()
        nothing: t.Optional[Counting] = None
        self._counting = self._ask(lambda plane: plane.counters(), nothing)
        self._errand.begin_at_once()

    def _part(self) -> bool:
        counting, nothing = self._counting, t.cast(t.Optional[Counters], None)
        if counting is None:
            return False
        try:
            found = self._ask(lambda _plane: next(counting), nothing)
        except CountersUnavailable as unavailable:
            self.uncounted = str(unavailable)
            self._counting = self._known_of = None
            return False
        if found is None:
            return True
        counting.close()
        self._counting, self._known_of = None, self._began
        self._known = self._fresh(found)
        return False

    def _fresh(self, counters: Counters) -> Counters:
        """Without those of whom nothing is known since they got weight 0."""
        if self._stale.isdisjoint(counters):
            return counters
        return {place: one for place, one in counters.items() if place not in self._stale}
