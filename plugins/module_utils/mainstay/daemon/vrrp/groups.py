# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sync groups of the vrrp worker: each is a pure `SyncGroup` between the runners of its members.

A member tells its group after each of its events; what the group answers are events for members. All of them are
decided first and then carried out in step: every member's first action, every member's second ... so that all adverts
of a group leave before the first address is touched, and all its addresses are there before the first announcement.

A reload that changes who belongs to a group makes a new `SyncGroup` of the same name: it is told what every member
is, and moves those that do not fit. A group of the same members is not touched.
"""

from __future__ import annotations

import itertools
import typing as t

from ...model.config import VrrpSyncGroup
from ...model.units import Instant
from ...vrrp.actions import Action, State
from ...vrrp.events import Event, GroupFaultChanged
from ...vrrp.sync_group import GroupOrder, GroupTransition, MemberOrder, SyncGroup, report_of
from ..worker import Say
from .instance_runner import InstanceRunner
from .report import DELETED, GROUP, ObjectReport

Runners = t.Mapping[str, InstanceRunner]


class GroupRunner:
    """One vrrp_sync_group at work; implements Fellowship for its members."""

    def __init__(self, group: VrrpSyncGroup, say: Say) -> None:
        self.group = group
        self.report = ObjectReport(GROUP, group.name, say)
        self.state = State.INIT
        self.members: t.Dict[str, InstanceRunner] = {}
        self._sync = SyncGroup(group.name, ())
        self._faults: t.Dict[str, str] = {}

    @property
    def name(self) -> str:
        """Of the vrrp_sync_group."""
        return self.group.name

    @property
    def only_waits(self) -> bool:
        """No member has another reason for FAULT than a check that has not been made yet, as at each start."""
        faulty = [runner for runner in self.members.values() if runner.router.own_faults]
        return bool(faulty) and all(runner.only_waits() for runner in faulty)

    def compose(self, group: VrrpSyncGroup, runners: Runners) -> None:
        """These are its members from now on; `settle` when all of them have been started."""
        self.group = group
        self.members = {name: runners[name] for name in group.group}
        self._sync = SyncGroup(group.name, group.group)
        self._faults = {}
        for runner in self.members.values():
            runner.group = self

    def loosen(self) -> None:
        """Let the members go; none of them hears anything of it."""
        for runner in self.members.values():
            runner.group = None
        self.members = {}

    def drop(self) -> None:
        """The configuration has it no more."""
        self.loosen()
        self.report.ending = DELETED
        if self.state is not State.INIT:
            self._tell(State.INIT, "not in the configuration any more")

    def settle(self, now: Instant) -> None:
        """After a composition: look at all the members, and take back what another group told them."""
        for runner in self.members.values():
            self.changed(runner, now)
        for name, runner in self.members.items():
            if runner.influences.group_fault != self._faults.get(name, ""):
                runner.feed(runner.influences.group(""), now)

    # ---- what its members call

    def hear_out(self, wake: Instant) -> None:
        """Before a member's deadline counts, all that waits at any member's interface is heard."""
        for runner in self.members.values():
            runner.port.hear_out(wake)

    def changed(self, member: InstanceRunner, now: Instant) -> None:
        """The member has had an event: what follows for the others."""
        orders = self._report(member)
        if orders:
            self._carry_out(orders, now)
        if self.report.waiting:
            self._tell_failure(now)

    def lesser_master_heard(self, member: InstanceRunner, now: Instant) -> None:
        """The member, a master, heard a lesser one."""
        self._carry_out(self._sync.lesser_master_heard(member.instance.name, now), now)

    # ---- orders

    def _report(self, member: InstanceRunner) -> t.List[GroupOrder]:
        return self._sync.report(member.instance.name, report_of(member.router))

    def _carry_out(self, orders: t.List[GroupOrder], now: Instant) -> None:
        decided: t.Dict[str, t.List[Action]] = {}
        reason = ""
        while orders:
            order = orders.pop(0)
            if isinstance(order, GroupTransition):
                reason = order.reason
            else:
                decided.setdefault(order.member, []).extend(self._decide(order, now))
                orders = self._report(self.members[order.member]) + orders
        self._in_step([(self.members[name], actions) for name, actions in decided.items()], now)
        if self._sync.state is not self.state:
            self._tell(self._sync.state, reason)

    def _decide(self, order: MemberOrder, now: Instant) -> t.List[Action]:
        runner = self.members[order.member]
        event: Event = order.event
        if isinstance(event, GroupFaultChanged):
            self._faults[order.member] = event.cause
            event = runner.influences.group(event.cause)
        return runner.router.handle(event, now)

    def _in_step(self, decided: t.Sequence[t.Tuple[InstanceRunner, t.List[Action]]], now: Instant) -> None:
        for actions in itertools.zip_longest(*(actions for _runner, actions in decided)):
            for (runner, _actions), action in zip(decided, actions):
                if action is not None:
                    runner.perform(action, now)
        for runner, _actions in decided:
            runner.arm()

    def _tell(self, after: State, reason: str) -> None:
        """A reload may compose it anew on the way from one state to the same: that is nothing to tell."""
        before, self.state = self.state, after
        if after is State.FAULT and self.only_waits:
            self.report.wait(before, after, reason)
        else:
            self.report.transition(before, after, reason)

    def _tell_failure(self, now: Instant) -> None:
        """As its members' `tell_failure`: for those whose own checks are good, too."""
        for runner in self.members.values():
            runner.tell_failure(now)
        if not self.only_waits:
            causes = [runner.router.reason for runner in self.members.values() if runner.router.own_faults]
            self.report.transition(State.INIT, self.state, "; ".join(causes))


class Groups:
    """All sync groups of this machine."""

    def __init__(self, say: Say) -> None:
        self._say = say
        self.runners: t.Dict[str, GroupRunner] = {}
        self._loosened: t.Set[str] = set()

    def loosen(self, wanted: t.Mapping[str, VrrpSyncGroup], staying: Runners) -> None:
        """Before a reload stops and starts anything: groups whose members will be others let go of them.

        `staying`: the runners that go on, by the names that they will have.
        """
        for name, runner in list(self.runners.items()):
            if name not in wanted:
                runner.drop()
                del self.runners[name]
            elif runner.members != {member: staying.get(member) for member in wanted[name].group}:
                runner.loosen()
                self._loosened.add(name)

    def compose(self, wanted: t.Mapping[str, VrrpSyncGroup], runners: Runners) -> None:
        """Every wanted group gets its members."""
        for name, group in wanted.items():
            if name not in self.runners:
                self.runners[name] = GroupRunner(group, self._say)
                self._loosened.add(name)
            if name in self._loosened:
                self.runners[name].compose(group, runners)
            self.runners[name].group = group

    def settle(self, now: Instant) -> None:
        """All members run: the groups that are new look at what they are."""
        for name in self._loosened:
            self.runners[name].settle(now)
        self._loosened = set()


def groups_by_member(groups: t.Iterable[VrrpSyncGroup]) -> t.Dict[str, VrrpSyncGroup]:
    """The group of each vrrp_instance that is in one."""
    return {member: group for group in groups for member in group.group}
