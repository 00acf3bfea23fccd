# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Live through the scenario of a seed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random

from mainstay.model.units import seconds
from mainstay.vrrp.advert import Advert
from mainstay.vrrp.events import DeadlineReached, LinkChanged, PriorityChanged, Started
from mainstay.vrrp.lease import lease_seconds
from mainstay.vrrp.packet import encode_advert
from mainstay.vrrp.receive import GROUP
from mainstay.vrrp.router import Router

from .audit import Auditor, Breach
from .machine import VIRTUAL_ADDRESSES, LeaseRule, Machine, RouterClass, advert_datagram, datagram
from .network import Network
from .scenario import Fault, Scenario, scenario
from .world import World


@dataclass(frozen=True)
class Outcome:
    """What came of one seed."""

    story: tuple[str, ...]
    breach: str | None
    """The first invariant that did not hold."""

    @property
    def digest(self) -> str:
        """The same for the same seed, always (I12)."""
        return hashlib.sha256("\n".join(self.story).encode()).hexdigest()


def simulate(seed: int, router_class: RouterClass = Router, lease: LeaseRule = lease_seconds) -> Outcome:
    """Run the scenario of `seed` to its end or to the first breach."""
    simulation = Simulation(scenario(seed), router_class, lease)
    try:
        simulation.run()
    except Breach as breach:
        return Outcome(tuple(simulation.world.story), f"seed {seed}: {breach}")
    return Outcome(tuple(simulation.world.story), None)


class Simulation:
    """World, network, machines and auditor of one scenario."""

    def __init__(self, plan: Scenario, router_class: RouterClass, lease: LeaseRule) -> None:
        random = Random(f"world {plan.seed}")
        self.plan = plan
        self.world = World()
        self.network = Network(self.world, random, plan.longest_delay)
        rule = lease if plan.leased else None
        self.machines = {
            settings.name: Machine(settings, self.world, self.network, random, router_class, rule)
            for settings in plan.routers
        }
        self.auditor = Auditor(self.world, self.network, list(self.machines.values()), plan)

    def run(self) -> None:
        for fault in self.plan.faults:
            self.world.at(fault.at, lambda fault=fault: self._apply(fault))
        self.world.run(self.plan.until, self.auditor.look)

    def _apply(self, fault: Fault) -> None:
        if fault.kind in NOISE:
            NOISE[fault.kind](self, fault)
            return
        self.world.tell(fault.machine or "network", f"** {fault.kind} {fault.detail or ''}")
        self.auditor.note_fault(fault.kind not in PROCESS_FAULTS)
        FAULTS[fault.kind](self, fault)

    def machine(self, fault: Fault) -> Machine:
        return self.machines[fault.machine]


Apply = Callable[[Simulation, Fault], None]


def _attack(simulation: Simulation, fault: Fault) -> None:
    """One forged packet: a high priority, and an interval that would silence the segment for minutes (TMR-05)."""
    source = "192.0.2.66"
    advert = Advert(3, 51, 200, seconds(40.95), VIRTUAL_ADDRESSES)
    simulation.network.send("attacker", datagram(encode_advert(advert, source, GROUP), source))


def _cut(simulation: Simulation, fault: Fault) -> None:
    simulation.network.cuts.add((fault.machine, fault.detail))


def _loss(simulation: Simulation, fault: Fault) -> None:
    simulation.network.loss = fault.detail


def _priority(simulation: Simulation, fault: Fault) -> None:
    simulation.machine(fault).feed(PriorityChanged(fault.detail))


PROCESS_FAULTS: Mapping[str, Apply] = {
    "start": lambda simulation, fault: simulation.machine(fault).start(),
    "stop": lambda simulation, fault: simulation.machine(fault).stop(),
    "crash": lambda simulation, fault: simulation.machine(fault).crash(),
    "freeze": lambda simulation, fault: simulation.machine(fault).freeze(),
    "thaw": lambda simulation, fault: simulation.machine(fault).thaw(),
    "priority": _priority,
}

FAULTS: Mapping[str, Apply] = {
    **PROCESS_FAULTS,
    "link_down": lambda simulation, fault: simulation.machine(fault).set_link(False),
    "link_up": lambda simulation, fault: simulation.machine(fault).set_link(True),
    "cut": _cut,
    "partition": lambda simulation, fault: simulation.network.partition(fault.detail),
    "loss": _loss,
    "heal": lambda simulation, fault: simulation.network.heal(),
    "attack": _attack,
}


def _bad_packet(simulation: Simulation, fault: Fault) -> None:
    """An advert of the highest priority with one byte of its message changed."""
    receiver = simulation.machine(fault)
    good = advert_datagram(receiver.settings, 255)
    position, mask = 20 + fault.detail % (len(good) - 20), 1 + fault.detail % 255
    simulation.network.send("attacker", good[:position] + bytes([good[position] ^ mask]) + good[position + 1 :])


def _link_still_up(simulation: Simulation, fault: Fault) -> None:
    machine = simulation.machine(fault)
    if machine.link_up:
        machine.feed(LinkChanged(True))


NOISE: Mapping[str, Apply] = {
    "stale_deadline": lambda simulation, fault: simulation.machine(fault).feed(DeadlineReached()),
    "started_again": lambda simulation, fault: simulation.machine(fault).feed(Started()),
    "bad_packet": _bad_packet,
    "link_still_up": _link_still_up,
}
