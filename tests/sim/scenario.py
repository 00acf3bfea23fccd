# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a seed to a scenario: who takes part, and what breaks when.

Times are multiples of the advertisement interval, so that 10 ms routers live through as much as 2 s routers do.
First everything breaks at random, with repairs among the faults; then the segment is mended and left alone, long
enough for every invariant to be due.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address
from random import Random
from typing import Any

from mainstay.model.units import Duration, Instant, seconds
from mainstay.vrrp.settings import RouterSettings
from mainstay.vrrp.timers import OWNER_PRIORITY, longest_learnt_interval

from .machine import LONGEST_WAKE_UP

_FIRST_ADDRESS = int(IPv4Address("192.0.2.1"))
_INTERVALS = (0.01, 0.1, 0.5, 1, 1, 1, 2)
_PRIORITIES = (50, 100, 100, 150, 200, 254)
_TROUBLE = 25
"""Intervals during which things break."""

_CALM = 6
"""Intervals between faults that come one at a time: each strikes a segment that is at rest."""

_MACHINE_FAULTS = ("crash", "freeze", "stop", "link_down")
_NETWORK_FAULTS = ("cut", "partition", "loss", "heal", "attack")
_REPAIRS = ("start", "thaw", "start", "thaw", "link_up")


@dataclass(frozen=True)
class Fault:
    """One thing that is done to the segment."""

    at: Instant
    kind: str
    """A key of run.FAULTS."""
    machine: str = ""
    detail: Any = None


@dataclass(frozen=True)
class Scenario:
    """All that a seed decides."""

    seed: int
    routers: tuple[RouterSettings, ...]
    longest_delay: Duration
    leased: bool
    faults: tuple[Fault, ...]
    settle: Duration
    """After the last fault everything has come to rest within this."""
    until: Instant

    @property
    def advert_int(self) -> Duration:
        return self.routers[0].advert_int


def scenario(seed: int) -> Scenario:
    """The scenario of `seed`, always the same."""
    random = Random(f"scenario {seed}")
    interval = seconds(random.choice(_INTERVALS))
    names = [f"node{number}" for number in range(1, random.randint(2, 4) + 1)]
    routers = tuple(_router(random, name, number, interval) for number, name in enumerate(names))
    longest_delay = int(interval * random.choice((0.001, 0.01, 0.05)))
    faults = _faults(random, names, interval)
    longest_interval = interval
    if any(fault.kind == "attack" for fault in faults):
        longest_interval = longest_learnt_interval(interval)
    settle = 4 * longest_interval + 4 * longest_delay + 10 * LONGEST_WAKE_UP
    until = faults[-1].at + 2 * settle + 3 * interval
    noise = tuple(_noise(random, names, until))
    everything = tuple(sorted((*faults, *noise), key=lambda fault: fault.at))
    return Scenario(seed, routers, longest_delay, random.random() < 0.9, everything, settle, until)


def _router(random: Random, name: str, number: int, interval: Duration) -> RouterSettings:
    priority = OWNER_PRIORITY if random.random() < 0.05 else random.choice(_PRIORITIES)
    address = _FIRST_ADDRESS + number
    return RouterSettings(name, 51, priority, interval, address, nopreempt=random.random() < 0.25)


def _faults(random: Random, names: list[str], interval: Duration) -> list[Fault]:
    """Starts, troubles in random order, and the repair of everything that can be repaired."""
    starts = [Fault(random.randint(0, 2 * interval), "start", name) for name in names]
    kinds = random.choice((_MACHINE_FAULTS, _MACHINE_FAULTS, _MACHINE_FAULTS + _NETWORK_FAULTS))
    times = random.choice((_crowded, _spaced))(random, interval)
    troubles = [_trouble(random, at, random.choice(kinds + _REPAIRS + ("priority",)), names, interval) for at in times]
    end = _TROUBLE * interval
    repairs = [Fault(end, "heal"), *(Fault(end, "thaw", name) for name in names)]
    repairs += [Fault(end, "link_up", name) for name in names if random.random() < 0.8]
    repairs += [Fault(end, "start", name) for name in names if random.random() < 0.5]
    return sorted(starts, key=lambda fault: fault.at) + troubles + repairs


def _crowded(random: Random, interval: Duration) -> list[Instant]:
    return sorted(random.randint(3 * interval, _TROUBLE * interval) for _ in range(random.randint(2, 10)))


def _spaced(random: Random, interval: Duration) -> list[Instant]:
    """Three of them, each at any point of an interval between two adverts."""
    return [after * interval + random.randint(0, interval) for after in range(2 + _CALM, _TROUBLE, _CALM)]


def _trouble(random: Random, at: Instant, kind: str, names: list[str], interval: Duration) -> Fault:
    name = random.choice(names)
    details = {
        "cut": lambda: random.choice([other for other in names if other != name]),
        "partition": lambda: random.sample(names, random.randint(1, len(names) - 1)),
        "loss": lambda: random.choice((0.1, 0.3, 0.5)),
        "priority": lambda: random.choice(_PRIORITIES),
    }
    if kind == "attack" and interval < seconds(0.5):
        kind = "heal"  # fast routers would live for an hour of their time under a learnt interval of 10 s
    return Fault(at, kind, name, details.get(kind, lambda: None)())


def _noise(random: Random, names: list[str], until: Instant) -> list[Fault]:
    """What must change nothing at all, and is no reason to wait for anything to settle."""
    kinds = ("stale_deadline", "started_again", "bad_packet", "link_still_up")
    times = (random.randint(0, until) for _ in range(20))
    return [Fault(at, random.choice(kinds), random.choice(names), random.randrange(1 << 30)) for at in times]
