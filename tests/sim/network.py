# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One segment that carries multicast datagrams between machines, badly when told so."""

from __future__ import annotations

from collections.abc import Callable, Collection
from random import Random

from mainstay.model.units import Duration

from .world import World

Deliver = Callable[[bytes], None]


class Network:
    """Every datagram reaches every other machine, each after a delay of its own, unless lost or cut off."""

    def __init__(self, world: World, random: Random, longest_delay: Duration) -> None:
        self.longest_delay = longest_delay
        self.loss = 0.0
        """Chance of each delivery to fail."""
        self.cuts: set[tuple[str, str]] = set()
        """(sender, receiver) pairs between which nothing arrives."""
        self._world = world
        self._random = random
        self._receivers: dict[str, Deliver] = {}

    def attach(self, name: str, deliver: Deliver) -> None:
        self._receivers[name] = deliver

    def send(self, sender: str, datagram: bytes) -> None:
        for receiver, deliver in self._receivers.items():
            delay = self._random.randint(0, self.longest_delay)
            lost = self._random.random() < self.loss
            if receiver != sender and not lost and (sender, receiver) not in self.cuts:
                self._world.at(self._world.now + delay, lambda deliver=deliver: deliver(datagram))

    def partition(self, side: Collection[str]) -> None:
        """Nothing passes between `side` and the others."""
        others = [name for name in self._receivers if name not in side]
        self.cuts |= {pair for one in side for other in others for pair in ((one, other), (other, one))}

    def heal(self) -> None:
        self.cuts.clear()
        self.loss = 0.0

    def segments(self, names: Collection[str]) -> list[set[str]] | None:
        """The groups among `names` in which everybody hears everybody; None when there are no such groups."""
        hears = {one: {other for other in names if (other, one) not in self.cuts} for one in names}
        clean = all(hears[other] == hears[one] for one in names for other in hears[one])
        if self.loss or not clean:
            return None
        return [set(group) for group in {frozenset(heard) for heard in hears.values()}]
