# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The invariants. I1 I2 I3 I4 I6 I9 are those of the failure catalogue; I4 and I9 are looked at in node.py.

What one machine does is looked at after each of its events. Who is master is looked at when the last fault is long
enough past, and from then on nobody may move any more.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mainstay.model.units import Duration, Instant, as_seconds
from mainstay.vrrp.actions import Action, State, Transition
from mainstay.vrrp.sync_group import GroupTransition

if TYPE_CHECKING:
    from .machine import Machine
    from .network import Segment
    from .node import Node
    from .scenario import Scenario
    from .world import World


class Breach(AssertionError):
    """An invariant does not hold."""


class Auditor:
    """Knows when something broke last, and what must hold by now."""

    def __init__(self, world: World, plan: Scenario) -> None:
        self.machines: list[Machine] = []
        self.segments: list[Segment] = []
        self._world, self._plan = world, plan
        self._fault_at: Instant = 0
        self._faults = 0
        self._out_of_the_calm = False
        """The last fault was of one machine's daemon, and before it all was at rest on a sound network."""
        self._both_since: dict[Segment, Instant] = {}
        self._group_states: dict[str, State] = {}

    # ---- what others report

    def note_fault(self, of_the_network: bool) -> None:
        """Something is about to break or to be mended."""
        everybody = [machine.name for machine in self.machines]
        whole = all(segment.parts(everybody) == [frozenset(everybody)] for segment in self.segments)
        self._out_of_the_calm = whole and self._calm_for() > self._plan.settle and not of_the_network
        self._fault_at = self._world.now
        self._faults += 1
        for settled in (self._plan.settle, 2 * self._plan.settle):
            self._world.at(self._world.now + settled + 1, self._settled, self._faults, settled > self._plan.settle)

    def touched(self, machine: Machine) -> None:
        """A machine has done all that one wake-up asked of it."""
        for node in machine.nodes:
            self._addresses(machine, node)
        if machine.group is not None and machine.awake:
            self._together(machine)

    def moved(self, machine: Machine, actions: Sequence[Action]) -> None:
        """A router has acted; long after the last fault none may change its state."""
        if self._calm_for() > 2 * self._plan.settle and self._plan.is_quiet_in_the_end:
            moved = any(isinstance(action, Transition) for action in actions)
            sound = all(segment.is_sound for segment in self.segments)
            self._require(not (moved and sound), f"{machine.name} does not rest")

    def group_moved(self, machine: Machine, moved: GroupTransition) -> None:
        """I9: one notification for each change, in order."""
        before = self._group_states.get(machine.name, State.INIT)
        before = State.INIT if moved.before is State.INIT else before
        self._require(before is moved.before is not moved.after, f"I9: {machine.name}: {moved} after {before.value}")
        self._group_states[machine.name] = moved.after

    def held(self, node: Node) -> None:
        """A machine took or refreshed its addresses: no other may hold them for longer than an advert travels.

        That can be promised for one fault at a time: a dead master's lease does not hold up a better router that
        was about to preempt it.
        """
        allowed, segment = self._plan.overlap_allowed, node.segment
        if allowed is None or segment in self._both_since or len(self._holders(segment)) < 2:
            return
        self._both_since[segment] = self._world.now
        self._world.at(self._world.now + allowed + 1, self._never_two_holders, segment, self._world.now, self._faults)

    def let_go(self, node: Node) -> None:
        if node.segment in self._both_since and len(self._holders(node.segment)) < 2:
            del self._both_since[node.segment]

    # ---- the invariants

    def _addresses(self, machine: Machine, node: Node) -> None:
        """I3: a running daemon holds the addresses exactly while it is master; a stopped one never does."""
        if machine.awake:
            if node.holds() is not node.is_master:
                state, does = ("MASTER", "does not hold") if node.is_master else ("not MASTER", "holds")
                self._require(False, f"I3: {node.name} {does} the addresses and is {state}")
            self._require(node.link_up or not node.is_master, f"{node.name} is MASTER without a link")
        elif not machine.runs and not machine.crashed:
            self._require(not node.holds(), f"I3: {node.name} is stopped and still holds the addresses")

    def _together(self, machine: Machine) -> None:
        """A sync group's members are MASTER together, and in FAULT together."""
        states = [node.router.state for node in machine.nodes if node.router is not None]
        for state in (State.MASTER, State.FAULT):
            self._require(
                states.count(state) in (0, len(states)), f"{machine.name}: not all of the group are {state.value}"
            )
        if State.INIT in states:
            return
        faulty = any(node.router is not None and node.router.own_faults for node in machine.nodes)
        self._require(
            faulty is (State.FAULT in states), f"{machine.name}: the group has {'a' if faulty else 'no'} fault"
        )

    def _never_two_holders(self, segment: Segment, since: Instant, faults: int) -> None:
        """I3 with leases: killed or frozen, a master has lost the addresses before another takes them."""
        if self._both_since.get(segment) != since:
            return
        del self._both_since[segment]
        holders = self._holders(segment)
        if len(holders) > 1 and self._out_of_the_calm and faults == self._faults:
            names = " and ".join(node.name for node in holders)
            self._require(False, f"I3: two machines held the addresses for longer than an advert travels: {names}")

    def _settled(self, faults: int, long: bool) -> None:
        if faults == self._faults:
            for number, segment in enumerate(self.segments):
                self._one_master_each(number, segment, long)

    def _one_master_each(self, number: int, segment: Segment, long: bool) -> None:
        """I1 and I2 for every part of a segment whose machines all hear each other; later the best one is it."""
        parts = self._parts(segment)
        for names in parts or ():
            nodes = [machine.nodes[number] for machine in self.machines if machine.name in names]
            masters = [node for node in nodes if node.is_master]
            who = ", ".join(node.name for node in masters) or "nobody"
            self._require(len(masters) == 1, f"I1 I2: {who} is master among {', '.join(sorted(names))}")
            self._last_announcement(masters[0], nodes)
            self._priorities(nodes)
            if long:
                self._best_is_master(masters[0], nodes)

    def _parts(self, segment: Segment) -> list[frozenset[str]] | None:
        """Of a grouped segment only where the other segments are divided alike: elsewhere a group may find no place."""
        number = self.segments.index(segment)
        if not self._plan.grouped:
            return segment.parts([machine.name for machine in self.machines if self._is_healthy(machine, [number])])
        every = range(len(self.segments))
        healthy = [machine.name for machine in self.machines if self._is_healthy(machine, every)]
        divided = [each.parts(healthy) for each in self.segments]
        return divided[0] if self._plan.is_consistent and all(parts == divided[0] for parts in divided) else None

    def _is_healthy(self, machine: Machine, numbers: Sequence[int]) -> bool:
        nodes = [machine.nodes[number] for number in numbers]
        return machine.awake and all(node.router is not None and not node.router.own_faults for node in nodes)

    def _last_announcement(self, master: Node, nodes: Sequence[Node]) -> None:
        """I6: neighbours believe whom they heard last. A loser that could speak once more must have been heard."""
        if self._plan.loser_speaks:
            last = max((node for node in nodes if node.was_heard or node is master), key=lambda node: node.announced_at)
            self._require(last is master, f"I6: {last.name} announced last, {master.name} is master")

    def _priorities(self, nodes: Sequence[Node]) -> None:
        """FSM-25: what trackers and operators asked for is what counts."""
        for node in nodes:
            if node.router is not None and not node.router.priority.usurped:
                due, counts = node.machine.priority_of(node), node.router.effective_priority
                self._require(counts == due, f"{node.name} counts as {counts} and should as {due}")

    def _best_is_master(self, master: Node, nodes: Sequence[Node]) -> None:
        if master.router is None:
            return
        for node in nodes:
            if node.router is None or not node.router.preempts or (self._plan.grouped and not self._all_preempt(node)):
                continue
            ours, theirs = node.router.effective_priority, master.router.effective_priority
            self._require(
                ours <= theirs, f"{node.name} ({ours}) preempts, and {master.name} ({theirs}) is still master"
            )

    def _all_preempt(self, node: Node) -> bool:
        return all(other.router is not None and other.router.preempts for other in node.machine.nodes)

    # ---- helpers

    def _calm_for(self) -> Duration:
        return self._world.now - self._fault_at

    def _holders(self, segment: Segment) -> list[Node]:
        nodes = [node for machine in self.machines if machine.paused_since is None for node in machine.nodes]
        return [node for node in nodes if node.segment is segment and node.holds()]

    def _require(self, holds: bool, text: str) -> None:
        if not holds:
            raise Breach(text)

    def states(self) -> str:
        """For the report of a breach."""
        return f"at {as_seconds(self._world.now):.6f} s, {'; '.join(machine.states() for machine in self.machines)}"
