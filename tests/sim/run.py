# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Live through the scenario of a seed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from mainstay.vrrp.lease import lease_seconds
from mainstay.vrrp.router import Router
from mainstay.vrrp.settings import RouterSettings
from mainstay.vrrp.sync_group import SyncGroup

from .audit import Auditor, Breach
from .faults import FAULTS, NOISE, PROCESS_FAULTS
from .machine import GroupClass, Machine, RouterClass
from .network import Segment
from .scenario import Fault, Scenario, scenario, straggle
from .world import World

LeaseRule = Callable[[RouterSettings], int]


def default_lease(settings: RouterSettings) -> int:
    """What the daemon gives the addresses, in seconds."""
    return lease_seconds(settings.advert_int, None, settings.version, settings.down_timer_adverts)


@dataclass(frozen=True)
class Parts:
    """What is under test."""

    router: RouterClass = Router
    group: GroupClass = SyncGroup
    lease: LeaseRule = default_lease


@dataclass(frozen=True)
class Outcome:
    """What came of one seed."""

    world: World
    breach: str | None
    """The first invariant that did not hold."""

    @property
    def story(self) -> tuple[str, ...]:
        return self.world.story()

    @property
    def digest(self) -> str:
        """The same for the same seed, always (I12)."""
        return hashlib.sha256("\n".join(self.story).encode()).hexdigest()


PRODUCTION = Parts()


def simulate(seed: int, parts: Parts = PRODUCTION) -> Outcome:
    """Run the scenario of `seed` to its end or to the first breach."""
    simulation = Simulation(scenario(seed), parts)
    try:
        simulation.run()
    except Breach as breach:
        return Outcome(simulation.world, f"seed {seed}: {breach} ({simulation.auditor.states()})")
    return Outcome(simulation.world, None)


class Simulation:
    """World, segments, machines and auditor of one scenario."""

    def __init__(self, plan: Scenario, parts: Parts) -> None:
        random = Random(f"world {plan.seed}")
        self.plan = plan
        self.world = World()
        late = straggle(plan.settings.advert_int)
        self.segments = [Segment(random, plan.longest_delay, late, plan.unicast) for _ in range(plan.segments)]
        self.auditor = Auditor(self.world, plan)
        group = parts.group if plan.grouped else None
        self.machines = {
            name: Machine(name, self.world, random, self.auditor, parts.router, group) for name, _ in plan.machines
        }
        for name, routers in plan.machines:
            for settings, segment in zip(routers, self.segments):
                self.machines[name].add(settings, segment, parts.lease(settings) if plan.leased else None, plan.hold)
        self.auditor.machines, self.auditor.segments = list(self.machines.values()), self.segments

    def run(self) -> None:
        for fault in self.plan.faults:
            self.world.at(fault.at, self._apply, fault)
        self.world.run(self.plan.until)

    def _apply(self, fault: Fault) -> None:
        if fault.kind in NOISE:
            NOISE[fault.kind](self, fault)
            return
        self.world.tell(fault.machine or "network", f"** {fault.kind} {'' if fault.detail is None else fault.detail}")
        self.auditor.note_fault(fault.kind not in PROCESS_FAULTS)
        FAULTS[fault.kind](self, fault)
