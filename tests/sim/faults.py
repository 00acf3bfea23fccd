# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each kind of fault does to the world."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from ipaddress import ip_address
from typing import TYPE_CHECKING

from mainstay.model.units import seconds
from mainstay.vrrp.advert import Advert
from mainstay.vrrp.events import (
    DeadlineReached,
    DemotionChanged,
    GroupFaultChanged,
    GroupPromotes,
    LinkChanged,
    Reconfigured,
    Started,
)
from mainstay.vrrp.expectations import GROUP, GROUP_V6
from mainstay.vrrp.packet import encode_advert
from mainstay.vrrp.receive import Envelope

from .machine import Machine
from .node import LISTS, VIRTUAL_ADDRESSES, Node
from .scenario import Fault

if TYPE_CHECKING:
    from .run import Simulation

Apply = Callable[["Simulation", Fault], None]

STRANGERS = {4: "192.0.2.250", 6: "fe80::ffff"}
GROUPS = {4: GROUP, 6: GROUP_V6}


def _machine(act: Callable[[Machine], None]) -> Apply:
    return lambda simulation, fault: act(simulation.machines[fault.machine])


def _node(simulation: Simulation, fault: Fault) -> Node:
    return simulation.machines[fault.machine].nodes[fault.segment]


def _link(up: bool) -> Apply:
    return lambda simulation, fault: simulation.machines[fault.machine].set_link(_node(simulation, fault), up)


def _demotion(demoted: bool) -> Apply:
    def apply(simulation: Simulation, fault: Fault) -> None:
        machine = simulation.machines[fault.machine]
        machine.demoted = demoted
        if machine.awake:
            machine.to_all(DemotionChanged(demoted))

    return apply


def _gate(simulation: Simulation, fault: Fault) -> None:
    machine, node = simulation.machines[fault.machine], _node(simulation, fault)
    machine.gates["G1" if machine.is_grouped else node.settings.name] = bool(fault.detail)
    machine.track(node)


def _weight(simulation: Simulation, fault: Fault) -> None:
    machine, node = simulation.machines[fault.machine], _node(simulation, fault)
    machine.weights["G1" if machine.is_grouped else node.settings.name] = fault.detail
    machine.track(node)


def _reload(simulation: Simulation, fault: Fault) -> None:
    """Another priority (in a group for all members, an owner stays one), nopreempt and preempt_delay."""
    machine = simulation.machines[fault.machine]
    if not machine.awake:
        return
    priority, nopreempt, delayed = fault.detail
    for node in machine.nodes if machine.is_grouped else [_node(simulation, fault)]:
        delay = simulation.plan.settings.preempt_delay if delayed else 0
        kept = node.settings.priority if node.settings.priority == 255 else priority
        node.configure(replace(node.settings, priority=kept, nopreempt=nopreempt, preempt_delay=delay))
        node.feed(Reconfigured(node.settings))
    for node in machine.nodes:
        machine.track(node)


def _attack(simulation: Simulation, fault: Fault) -> None:
    """One forged packet: a high priority, and an interval that would silence the segment for minutes (TMR-05).

    Version 2 discards what has another interval than its own.
    """
    settings = simulation.plan.settings
    interval = seconds(40.95) if settings.version == 3 else settings.advert_int
    advert = Advert(settings.version, 51 + fault.segment, 200, interval, VIRTUAL_ADDRESSES)
    simulation.segments[fault.segment].send(simulation.world.now, "attacker", advert, settings.local_address + 99)


def _segment(name: str) -> Apply:
    return lambda simulation, fault: setattr(simulation.segments[fault.segment], name, fault.detail)


PROCESS_FAULTS: Mapping[str, Apply] = {
    "start": _machine(Machine.start),
    "crash": _machine(Machine.crash),
    "freeze": _machine(Machine.freeze),
    "thaw": _machine(Machine.thaw),
}
"""Faults of one daemon, after which the lease must have fenced it.

Not an orderly stop: the successor's first advert may overtake the priority 0, which then ends its followers' patience
(FSM-07 does not ask who says 0), and for less than an interval there are two.
"""

FAULTS: Mapping[str, Apply] = {
    **PROCESS_FAULTS,
    "stop": _machine(Machine.stop),
    "pause": _machine(Machine.pause),
    "resume": _machine(Machine.resume),
    "gate": _gate,
    "weight": _weight,
    "demote": _demotion(True),
    "restore": _demotion(False),
    "reload": _reload,
    "link_down": _link(False),
    "link_up": _link(True),
    "cut": lambda simulation, fault: simulation.segments[fault.segment].cuts.add((fault.machine, fault.detail)),
    "partition": lambda simulation, fault: simulation.segments[fault.segment].partition(fault.detail),
    "loss": _segment("loss"),
    "duplication": _segment("duplication"),
    "straggling": _segment("straggling"),
    "heal": lambda simulation, fault: simulation.segments[fault.segment].heal(),
    "attack": _attack,
}


def _same_news(simulation: Simulation, fault: Fault) -> None:
    node = _node(simulation, fault)
    if node.link_up and node.router is not None and not node.router.own_faults:
        node.feed(LinkChanged(True))


def _nothing_from_the_group(simulation: Simulation, fault: Fault) -> None:
    """An order of a group that is not due: nobody wants to be master, and nobody has a fault."""
    node = _node(simulation, fault)
    if not node.settings.in_group:
        node.feed(GroupPromotes())
        node.feed(GroupFaultChanged(""))


def _damaged(simulation: Simulation, fault: Fault) -> None:
    """I5: an advert of the highest priority, from the best address, with one byte of it changed on the way."""
    node = _node(simulation, fault)
    settings, priority = node.settings, 255
    advert = Advert(settings.version, settings.virtual_router_id, priority, settings.advert_int, LISTS[settings.family])
    source, group = STRANGERS[settings.family], GROUPS[settings.family]
    good = encode_advert(advert, source, group)
    position, mask = fault.detail % len(good), 1 + fault.detail % 255
    damaged = good[:position] + bytes([good[position] ^ mask]) + good[position + 1 :]
    node.receive(damaged, Envelope(int(ip_address(source)), int(ip_address(group)), 255))


def _unless_asleep(act: Callable[[Node], None]) -> Apply:
    def apply(simulation: Simulation, fault: Fault) -> None:
        if simulation.machines[fault.machine].awake:
            act(_node(simulation, fault))

    return apply


NOISE: Mapping[str, Apply] = {
    "stale_deadline": _unless_asleep(lambda node: node.feed(DeadlineReached())),
    "started_again": _unless_asleep(lambda node: node.feed(Started())),
    "same_news": _same_news,
    "damaged": _damaged,
    "nothing_from_the_group": _nothing_from_the_group,
}
