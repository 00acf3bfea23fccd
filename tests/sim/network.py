# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Segments that carry adverts between machines, badly when told so."""

from __future__ import annotations

from collections.abc import Callable, Collection
from random import Random

from mainstay.model.units import Duration, Instant
from mainstay.vrrp.advert import Advert

Deliver = Callable[[Instant, Advert, int], None]
"""(arrival, advert, source): the receiver's inbox."""


class Segment:
    """Every advert reaches every other machine, each after a delay of its own, unless lost or cut off."""

    def __init__(self, random: Random, longest_delay: Duration, straggle: Duration, unicast: bool) -> None:
        self.loss = 0.0
        """Chance of each delivery to fail."""
        self.duplication = 0.0
        """Chance of each delivery to happen twice."""
        self.straggling = 0.0
        """Chance of each delivery to be overtaken by the next advert."""
        self.cuts: set[tuple[str, str]] = set()
        """(sender, receiver) pairs between which nothing arrives."""
        self._random, self._longest_delay, self._straggle = random, longest_delay, straggle
        self._unicast = unicast
        self._receivers: dict[str, Deliver] = {}

    @property
    def names(self) -> Collection[str]:
        return self._receivers

    @property
    def is_sound(self) -> bool:
        """Everybody hears everybody, in order."""
        return not (self.cuts or self.loss or self.straggling)

    def attach(self, name: str, deliver: Deliver) -> None:
        self._receivers[name] = deliver

    def send(self, now: Instant, sender: str, advert: Advert, source: int) -> None:
        """To all others; a stranger is no unicast peer of anybody, and not heard (RX-18)."""
        if self._unicast and sender not in self._receivers:
            return
        for receiver, deliver in self._receivers.items():
            if receiver != sender and (sender, receiver) not in self.cuts:
                self._deliver(now, deliver, advert, source)

    def _deliver(self, now: Instant, deliver: Deliver, advert: Advert, source: int) -> None:
        chance = self._random.random
        if self.loss and chance() < self.loss:
            return
        delay = int(chance() * self._longest_delay)
        if self.straggling and chance() < self.straggling:
            delay += int(chance() * self._straggle)
        deliver(now + delay, advert, source)
        if self.duplication and chance() < self.duplication:
            deliver(now + delay + int(chance() * self._longest_delay), advert, source)

    def partition(self, side: Collection[str]) -> None:
        """Nothing passes between `side` and the others."""
        others = [name for name in self._receivers if name not in side]
        self.cuts |= {pair for one in side for other in others for pair in ((one, other), (other, one))}

    def heal(self) -> None:
        self.cuts.clear()
        self.loss = self.duplication = self.straggling = 0.0

    def parts(self, names: Collection[str]) -> list[frozenset[str]] | None:
        """The groups among `names` in which everybody hears everybody; None when there are no such groups."""
        if self.loss or self.straggling:
            return None
        if not self.cuts:
            return [frozenset(names)] if names else []
        hears = {one: frozenset(other for other in names if (other, one) not in self.cuts) for one in names}
        if any(hears[other] != hears[one] for one in names for other in hears[one]):
            return None
        return sorted(set(hears.values()), key=sorted)
