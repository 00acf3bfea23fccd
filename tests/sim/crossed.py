# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The worst case of contradictory priorities: two groups, started at once, each the better one on another segment."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from mainstay.vrrp.actions import State
from mainstay.vrrp.settings import RouterSettings

from .run import PRODUCTION, Simulation
from .scenario import Fault, Scenario, scenario

_INTERVALS = 80


def crossed_scenarios(seeds: range) -> Iterator[Scenario]:
    """Of those seeds that have two machines in groups of two, with everything else as the seed has it."""
    for seed in seeds:
        plan = scenario(seed)
        if plan.grouped and plan.segments == 2 and len(plan.machines) == 2:
            starts = (Fault(0, "start", "node1"), Fault(0, "start", "node2"))
            until = _INTERVALS * plan.settings.advert_int
            yield replace(plan, machines=_crossed(plan), faults=starts, until=until, hold=0)


def masters_in_the_end(plan: Scenario) -> list[str]:
    """Which machines' groups are master when the time is over."""
    simulation = Simulation(plan, PRODUCTION)
    simulation.run()
    groups = {name: machine.group for name, machine in simulation.machines.items()}
    return [name for name, group in groups.items() if group is not None and group.state is State.MASTER]


def _crossed(plan: Scenario) -> tuple[tuple[str, tuple[RouterSettings, ...]], ...]:
    priorities = ((150, 100), (100, 150))
    return tuple(
        (
            name,
            tuple(
                replace(settings, priority=priority, nopreempt=False, state="BACKUP")
                for settings, priority in zip(routers, pair)
            ),
        )
        for (name, routers), pair in zip(plan.machines, priorities)
    )
