# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One machine: a kernel and a clock of its own, a daemon around its routers, and what the daemon tracks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import TYPE_CHECKING

from mainstay.model.units import Duration, Instant
from mainstay.vrrp.actions import Action, LesserMasterHeard, State
from mainstay.vrrp.events import DemotionChanged, Event, FaultsChanged, LinkChanged, PriorityChanged, Started, Stopped
from mainstay.vrrp.router import Router
from mainstay.vrrp.settings import RouterSettings
from mainstay.vrrp.sync_group import GroupOrder, MemberOrder, SyncGroup, report_of
from mainstay.vrrp.timers import DEMOTED_PRIORITY
from mainstay.vrrp.tracking import Assessment, Tracked, assess

from .network import Segment
from .node import FOR_EVER, Node
from .world import World

if TYPE_CHECKING:
    from .audit import Auditor

RouterClass = Callable[[RouterSettings], Router]
GroupClass = Callable[[str, Sequence[str]], SyncGroup]


class Machine:
    """A host whose daemon runs, is frozen, is dead or was stopped in order, or which is paused as a whole."""

    def __init__(
        self,
        name: str,
        world: World,
        random: Random,
        audit: Auditor,
        router_class: RouterClass,
        group_class: GroupClass | None,
    ) -> None:
        self.name, self.world, self.random, self.audit = name, world, random, audit
        self.nodes: list[Node] = []
        self.group: SyncGroup | None = None
        self.runs = self.frozen = self.crashed = self.demoted = False
        self.paused_since: Instant | None = None
        self.clock_lag: Duration = 0
        """How long the whole machine has stood still, its monotonic clock included."""
        self.gates: dict[str, bool] = {}
        self.weights: dict[str, int] = {}
        self.acted = False
        """Something came of this wake-up, so it is worth looking at."""
        self._router_class, self._group_class = router_class, group_class
        self._hold: Duration = 0

    def add(self, settings: RouterSettings, segment: Segment, lease: int | None, hold: Duration) -> None:
        self._hold = hold
        self.nodes.append(Node(self, settings, segment, lease))

    # ---- what an auditor may ask

    @property
    def now(self) -> Instant:
        """Its own monotonic clock."""
        return self.world.now - self.clock_lag

    @property
    def awake(self) -> bool:
        return self.runs and not self.frozen and self.paused_since is None

    @property
    def is_grouped(self) -> bool:
        return self._group_class is not None

    # ---- what may happen to it

    def start(self) -> None:
        if self.runs or self.paused_since is not None:
            return
        self.runs, self.crashed = True, False
        if self._group_class is not None:
            self.group = self._group_class("G1", [node.settings.name for node in self.nodes])
        adoptable = [node.may_adopt() for node in self.nodes]
        hold_until = self.now + self._hold if self._hold else None
        for node in self.nodes:
            node.create(self._router_class(node.settings))
        for node, alone in zip(self.nodes, adoptable):
            self._introduce(node)
            node.feed(Started(all(adoptable) if self.is_grouped else alone, hold_until))
        self.audit.touched(self)

    def _introduce(self, node: Node) -> None:
        """What the daemon knows before it starts a router."""
        node.feed(LinkChanged(node.link_up, "" if node.link_up else "carrier lost"))
        self._assess(node)
        node.feed(DemotionChanged(self.demoted))

    def stop(self) -> None:
        if self.awake:
            self.to_all(Stopped())
            self._die()

    def crash(self) -> None:
        """SIGKILL: not a word, and the kernel keeps what it has."""
        if self.runs and self.paused_since is None:
            self.crashed = True
            self._die()

    def freeze(self) -> None:
        """SIGSTOP of the daemon; the kernel and its clock go on."""
        self.frozen = self.runs

    def thaw(self) -> None:
        self.frozen = False
        self.look()

    def pause(self) -> None:
        """The whole virtual machine stands still: its leases and its clock too."""
        if self.paused_since is None:
            self.paused_since = self.world.now

    def resume(self) -> None:
        if self.paused_since is None:
            return
        lag, self.paused_since = self.world.now - self.paused_since, None
        self.clock_lag += lag
        for node in self.nodes:
            if self.world.now - lag < node.held_until < FOR_EVER:
                node.held_until += lag
                node.refreshed_at += lag
        self.look()

    def set_link(self, node: Node, up: bool) -> None:
        node.set_link(up)
        self.look()

    def to_all(self, event: Event) -> None:
        for node in self.nodes:
            node.feed(event)
        self.audit.touched(self)

    def look(self) -> None:
        """Everything that happened meanwhile: all that was received first, then links, then deadlines (TMR-08)."""
        if not self.awake:
            return
        for step in (Node.drain, Node.follow_link, self._introduce, Node.due):
            for node in self.nodes:
                step(node)
        for node in self.nodes:
            node.arm_anew()
        self.audit.touched(self)

    def track(self, node: Node) -> None:
        """A tracked object of one router, or of the whole group, is another."""
        if self.awake:
            for each in self.nodes if self.is_grouped else [node]:
                self._assess(each)
            self.audit.touched(self)

    def priority_of(self, node: Node) -> int:
        """What its router has to count as, an owner that gave way to another aside."""
        return DEMOTED_PRIORITY if self.demoted else self._assessment(node).effective_priority

    def _assess(self, node: Node) -> None:
        assessment = self._assessment(node)
        node.feed(PriorityChanged(assessment.effective_priority, assessment.why))
        node.feed(FaultsChanged(assessment.faults))

    def _assessment(self, node: Node) -> Assessment:
        whose = "G1" if self.is_grouped else node.settings.name
        trackers = [Tracked("file", "load", 1, False, self.weights.get(whose, 0), since=self.now)]
        trackers += [Tracked("script", "gate", 0, False, self.gates.get(whose, True), since=self.now)]
        return assess(node.settings.priority, trackers)

    # ---- the group

    def after(self, node: Node, actions: Sequence[Action]) -> None:
        """Every event of a member may concern the others."""
        if self.group is not None and node.router is not None:
            self._obey(self.group.report(node.settings.name, report_of(node.router)))
            for action in actions:
                if isinstance(action, LesserMasterHeard):
                    self._obey(self.group.lesser_master_heard(node.settings.name, self.now))
        if actions:
            self.acted = True
            self.audit.moved(self, actions)

    def _obey(self, orders: Sequence[GroupOrder]) -> None:
        for order in orders:
            if isinstance(order, MemberOrder):
                next(node for node in self.nodes if node.settings.name == order.member).feed(order.event)
            else:
                self.world.tell(f"{self.name}/G1", order)
                self.audit.group_moved(self, order)

    def _die(self) -> None:
        self.runs = self.frozen = False
        self.group = None
        for node in self.nodes:
            node.was_heard = node.was_heard and not node.is_master
            node.router = None
        self.audit.touched(self)

    def states(self) -> str:
        marks = {"frozen": self.frozen, "crashed": self.crashed, "paused": self.paused_since is not None}
        states = "+".join(node.router.state.value if node.router else State.INIT.value for node in self.nodes)
        links = ["no link" for node in self.nodes if not node.link_up]
        return " ".join([self.name, states, *(mark for mark, applies in marks.items() if applies), *links])
