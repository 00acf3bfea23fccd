# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The invariants, looked at after every event. I1 I2 I3 I4 are those of the failure catalogue."""

from __future__ import annotations

from collections.abc import Sequence

from mainstay.model.units import Duration, Instant, as_seconds, seconds
from mainstay.vrrp.actions import State

from .machine import LONGEST_WAKE_UP, Machine
from .network import Network
from .scenario import Scenario
from .world import World

SHORTEST_FENCED_INTERVAL = seconds(0.44)
"""Below this a whole second of lease is longer than a takeover takes; see vrrp/lease.py."""


class Breach(AssertionError):
    """An invariant does not hold."""


class Auditor:
    """Knows when something broke last, and what must hold by now."""

    def __init__(self, world: World, network: Network, machines: Sequence[Machine], plan: Scenario) -> None:
        self._world, self._network, self._machines, self._plan = world, network, machines, plan
        self._fault_at: Instant = 0
        self._out_of_the_calm = False
        """The last fault was of a machine, and before it all was at rest on a sound network."""
        self._both_since: Instant | None = None
        fenced = plan.leased and plan.advert_int >= SHORTEST_FENCED_INTERVAL
        self._overlap_allowed: Duration | None = 2 * plan.longest_delay + 4 * LONGEST_WAKE_UP if fenced else None

    def note_fault(self, of_the_network: bool) -> None:
        """Something is about to break or to be mended."""
        parts = self._network.segments([machine.name for machine in self._machines]) or ()
        self._out_of_the_calm = len(parts) == 1 and self._calm_for() > self._plan.settle and not of_the_network
        self._fault_at = self._world.now

    def look(self) -> None:
        """Raise Breach when anything is not as it must be now."""
        self._conduct()
        self._addresses()
        self._never_two_holders()
        if self._calm_for() > self._plan.settle:
            self._one_master_each(self._calm_for() > 2 * self._plan.settle)

    def _calm_for(self) -> Duration:
        return self._world.now - self._fault_at

    def _conduct(self) -> None:
        """I4, and no announcement by anyone but a master."""
        for machine in self._machines:
            self._require(not machine.faults, f"{machine.name}: {', '.join(machine.faults)}")

    def _addresses(self) -> None:
        """I3: a running daemon holds the addresses exactly while it is master; a stopped one never does."""
        for machine in self._machines:
            if machine.runs:
                does = "holds" if machine.holds() else "does not hold"
                state = "MASTER" if machine.is_master else "not MASTER"
                self._require(machine.holds() is machine.is_master, f"I3: {machine.name} {does} and is {state}")
                self._require(machine.link_up or not machine.is_master, f"{machine.name} is MASTER without a link")
            elif not machine.frozen and not machine.crashed:
                self._require(not machine.holds(), f"I3: {machine.name} is stopped and still holds the addresses")

    def _never_two_holders(self) -> None:
        """I3 with leases: killed or frozen, a master has lost the addresses before another takes them.

        Two machines hold them only while an advert travels. That can be promised for one fault at a time: a dead
        master's lease does not hold up a better router that was about to preempt it.
        """
        holders = [machine.name for machine in self._machines if machine.holds()]
        began, self._both_since = self._both_since, None
        if self._overlap_allowed is None or not self._out_of_the_calm:
            return
        if began is not None:
            overlap = self._world.now - began
            text = f"I3: two machines held the addresses for {as_seconds(overlap):.3f} s"
            self._require(overlap <= self._overlap_allowed, text)
        if len(holders) > 1:
            self._both_since = self._world.now if began is None else began

    def _one_master_each(self, long_calm: bool) -> None:
        """I1 and I2 for every part of the segment whose machines all hear each other; later the best one is it."""
        healthy = {machine.name: machine for machine in self._machines if machine.is_healthy}
        for names in self._network.segments(healthy) or ():
            masters = [healthy[name] for name in sorted(names) if healthy[name].is_master]
            who = ", ".join(machine.name for machine in masters) or "nobody"
            text = f"I1 I2: {who} is master among {', '.join(sorted(names))}"
            self._require(len(masters) == 1, text)
            if long_calm:
                self._best_is_master(masters[0], [healthy[name] for name in names])

    def _best_is_master(self, master: Machine, group: Sequence[Machine]) -> None:
        for machine in group:
            if machine.router is None or master.router is None or not machine.router.preempts:
                continue
            ours, theirs = machine.router.effective_priority, master.router.effective_priority
            text = f"{machine.name} ({ours}) preempts, and {master.name} ({theirs}) is still master"
            self._require(ours <= theirs, text)

    def _require(self, holds: bool, text: str) -> None:
        if not holds:
            states = ", ".join(f"{machine.name} {_state(machine)}" for machine in self._machines)
            raise Breach(f"at {as_seconds(self._world.now):.6f} s: {text} ({states})")


def _state(machine: Machine) -> str:
    state = machine.router.state if machine.router else State.INIT
    marks = {"frozen": machine.frozen, "crashed": machine.crashed, "no link": not machine.link_up}
    return " ".join([state.value, *(mark for mark, applies in marks.items() if applies)])
