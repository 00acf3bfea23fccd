# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a seed to a scenario: who takes part, and what breaks when.

Times are multiples of the advertisement interval, so that 10 ms routers live through as much as 2 s routers do.
First everything breaks at random, with repairs among the faults; then the segments are mended and left alone, long
enough for every invariant to be due.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from ipaddress import IPv4Address, IPv6Address
from random import Random
from typing import Any

from mainstay.model.units import Duration, Instant, seconds
from mainstay.vrrp.lease import WITHDRAWAL_SLACK, lease_seconds
from mainstay.vrrp.settings import RouterSettings
from mainstay.vrrp.timers import OWNER_PRIORITY, shortest_down_interval

_FIRST_ADDRESS = {4: int(IPv4Address("192.0.2.1")), 6: int(IPv6Address("fe80::1"))}
_INTERVALS = {2: (1, 1, 2), 3: (0.01, 0.1, 0.5, 1, 1, 1, 2)}
_PRIORITIES = (50, 100, 100, 150, 200, 254)
_TROUBLE = 25
"""Intervals during which things break."""

_CALM = 7
"""Intervals between faults that come one at a time: each strikes segments that are at rest."""

_LONGEST_WAKE_UP = seconds(0.0005)

_MACHINE_FAULTS = ("crash", "freeze", "stop", "link_down")
_OTHER_FAULTS = ("pause", "gate", "weight", "demote", "reload")
_NETWORK_FAULTS = ("cut", "partition", "loss", "heal", "attack", "duplication", "straggling")
_REPAIRS = ("start", "thaw", "start", "thaw", "link_up", "resume", "restore", "gate")


@dataclass(frozen=True)
class Fault:
    """One thing that is done to a machine or a segment."""

    at: Instant
    kind: str
    """A key of faults.FAULTS."""
    machine: str = ""
    segment: int = 0
    detail: Any = None


@dataclass(frozen=True)
class Scenario:
    """All that a seed decides."""

    seed: int
    machines: tuple[tuple[str, tuple[RouterSettings, ...]], ...]
    """Name, and the settings of its router on each segment."""
    grouped: bool
    unicast: bool
    longest_delay: Duration
    hold: Duration
    leased: bool
    faults: tuple[Fault, ...]
    settle: Duration
    """After the last fault everything has come to rest within this."""
    until: Instant

    @cached_property
    def settings(self) -> RouterSettings:
        """Of any router: version, interval and the like are the same for all."""
        return self.machines[0][1][0]

    @property
    def segments(self) -> int:
        return len(self.machines[0][1])

    @cached_property
    def is_consistent(self) -> bool:
        """Every machine has the same priority on each segment, so that groups agree on who is the best."""
        return all(len({settings.priority for settings in routers}) == 1 for _, routers in self.machines)

    @property
    def is_quiet_in_the_end(self) -> bool:
        return self.is_consistent or not self.grouped

    @cached_property
    def loser_speaks(self) -> bool:
        return self.settings.higher_prio_send_advert

    @cached_property
    def overlap_allowed(self) -> Duration | None:
        """How long two machines may hold the addresses after one fault; None where the lease cannot be that short."""
        settings = self.settings
        soonest = shortest_down_interval(settings.advert_int, settings.version, settings.down_timer_adverts)
        lease = seconds(lease_seconds(settings.advert_int, None, settings.version, settings.down_timer_adverts))
        if not self.leased or lease + WITHDRAWAL_SLACK > soonest:
            return None
        return 2 * self.longest_delay + 4 * _LONGEST_WAKE_UP


def scenario(seed: int) -> Scenario:
    """The scenario of `seed`, always the same."""
    random = Random(f"scenario {seed}")
    common = _common(random)
    interval = common.advert_int
    names = [f"node{number}" for number in range(1, random.choice((2, 2, 3, 3, 4)) + 1)]
    segments = random.choice((1, 1, 1, 2, 2, 3))
    grouped = segments > 1 and random.random() < 0.75
    machines = tuple((name, _routers(random, common, number, segments, grouped)) for number, name in enumerate(names))
    longest_delay = int(interval * random.choice((0.001, 0.01, 0.05)))
    hold = random.choice((0, 0, 0, 2 * interval))
    faults = _faults(random, names, segments, common)
    settle = _settle(common, grouped, faults) + hold + 4 * longest_delay
    until = faults[-1].at + 2 * settle + 5 * interval
    everything = tuple(sorted((*faults, *_noise(random, names, segments, until)), key=lambda fault: fault.at))
    unicast, leased = random.random() < 0.2, random.random() < 0.9
    return Scenario(seed, machines, grouped, unicast, longest_delay, hold, leased, everything, settle, until)


def _common(random: Random) -> RouterSettings:
    """What all routers of a group must have in common."""
    version = random.choice((2, 3, 3, 3))
    family = random.choice((4, 6)) if version == 3 else 4
    interval = seconds(random.choice(_INTERVALS[version]))
    return RouterSettings(
        "VI",
        51,
        100,
        interval,
        0,
        version=version,
        family=family,
        preempt_delay=random.choice((0, 0, 0, 2 * interval, 6 * interval)),
        down_timer_adverts=random.choice((3, 3, 3, 2, 5)),
        lower_prio_no_advert=random.random() < 0.2,
        higher_prio_send_advert=random.random() < 0.4,
        learn_interval_max=random.choice((2, 5)) * interval,
    )


def _routers(
    random: Random, common: RouterSettings, number: int, segments: int, grouped: bool
) -> tuple[RouterSettings, ...]:
    """One machine's routers: in a group mostly of one priority, otherwise crossed at will (INT-04)."""
    mixed = not grouped or random.random() < 0.15
    first = _priority(random)
    nopreempt = random.random() < 0.25
    state = "MASTER" if random.random() < 0.2 and not nopreempt else "BACKUP"
    return tuple(
        replace(
            common,
            name=f"VI_{segment + 1}",
            virtual_router_id=51 + segment,
            priority=_priority(random) if mixed else first,
            local_address=_FIRST_ADDRESS[common.family] + number,
            nopreempt=nopreempt,
            state=state,
            in_group=grouped,
        )
        for segment in range(segments)
    )


def _priority(random: Random) -> int:
    return OWNER_PRIORITY if random.random() < 0.06 else random.choice(_PRIORITIES)


def _settle(common: RouterSettings, grouped: bool, faults: Sequence[Fault]) -> Duration:
    """Down_Interval of the slowest, and what is configured or broken to take longer."""
    kinds = {fault.kind for fault in faults}
    interval = common.learn_interval_max if "attack" in kinds and common.version == 3 else common.advert_int
    skew = seconds(1) if common.version == 2 else interval
    down = common.down_timer_adverts * interval + skew
    straggling = straggle(common.advert_int) if "straggling" in kinds else 0
    return (2 if grouped else 1) * down + common.preempt_delay + straggling + 10 * _LONGEST_WAKE_UP


def straggle(interval: Duration) -> Duration:
    """How far a straggler may fall behind: the next advert overtakes it."""
    return 3 * interval // 2


# ---- faults


def _faults(random: Random, names: list[str], segments: int, common: RouterSettings) -> list[Fault]:
    """Starts, troubles in random order, and the repair of everything that can be repaired."""
    interval = common.advert_int
    starts = [Fault(random.randint(0, 2 * interval), "start", name) for name in names]
    kinds = random.choice(
        (_MACHINE_FAULTS, _MACHINE_FAULTS + _OTHER_FAULTS, _MACHINE_FAULTS + _OTHER_FAULTS + _NETWORK_FAULTS)
    )
    times = random.choice((_crowded, _spaced))(random, common)
    every = kinds + _REPAIRS + ("weight",)
    troubles = [_trouble(random, at, random.choice(every), names, segments) for at in times]
    end = max(_TROUBLE * interval, *times)
    return sorted(starts, key=lambda fault: fault.at) + troubles + _repairs(random, end, names, segments)


def _repairs(random: Random, end: Instant, names: list[str], segments: int) -> list[Fault]:
    repairs = [Fault(end, "heal", segment=segment) for segment in range(segments)]
    repairs += [Fault(end, kind, name) for kind in ("resume", "thaw") for name in names]
    repairs += [
        Fault(end, "link_up", name, segment) for name in names if random.random() < 0.8 for segment in range(segments)
    ]
    return repairs + [Fault(end, "start", name) for name in names if random.random() < 0.5]


def _crowded(random: Random, common: RouterSettings) -> list[Instant]:
    interval = common.advert_int
    return sorted(random.randint(3 * interval, _TROUBLE * interval) for _ in range(random.randint(2, 12)))


def _spaced(random: Random, common: RouterSettings) -> list[Instant]:
    """Three of them, each at any point of an interval between two adverts."""
    interval, gap = common.advert_int, _CALM * common.advert_int + common.preempt_delay
    return [2 * interval + number * gap + random.randint(0, interval) for number in (1, 2, 3)]


def _trouble(random: Random, at: Instant, kind: str, names: list[str], segments: int) -> Fault:
    name = random.choice(names)
    segment = random.randrange(segments)
    details = {
        "cut": lambda: random.choice([other for other in names if other != name]),
        "partition": lambda: random.sample(names, random.randint(1, len(names) - 1)),
        "loss": lambda: random.choice((0.1, 0.3, 0.5)),
        "duplication": lambda: random.choice((0.2, 1.0)),
        "straggling": lambda: random.choice((0.1, 0.5)),
        "gate": lambda: random.random() < 0.5,
        "weight": lambda: random.choice((0, 0, -200, -60, -30, 20, 120)),
        "reload": lambda: (random.choice(_PRIORITIES), random.random() < 0.3, random.random() < 0.3),
    }
    return Fault(at, kind, name, segment, details.get(kind, lambda: None)())


def _noise(random: Random, names: list[str], segments: int, until: Instant) -> list[Fault]:
    """What must change nothing at all, and is no reason to wait for anything to settle."""
    kinds = ("stale_deadline", "started_again", "same_news", "damaged", "nothing_from_the_group")
    times = (random.randint(0, until) for _ in range(12))
    return [
        Fault(at, random.choice(kinds), random.choice(names), random.randrange(segments), random.randrange(1 << 30))
        for at in times
    ]
