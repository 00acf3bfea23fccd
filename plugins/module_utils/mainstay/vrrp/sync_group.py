# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Virtual routers that are master together or not at all (vrrp_sync_group).

Theory of operation. A `SyncGroup` compares what all its members are, and says what each has to hear. It looks at
levels, not at edges: told the same twice it answers the second time with nothing, so that the shell may report a
member after each event, whatever that event was.

    the members                                      what the group does
    one has a fault of its own                       GroupFaultChanged(cause) to the others: FAULT at once
    none has any more                                GroupFaultChanged("") to those that heard of one
    one is in INIT                                   nothing: they are being started or stopped one after another
    each is MASTER, or BACKUP and wants to be more   GroupPromotes to the backups
    some are MASTER, others neither that nor willing GroupYields to the masters
    one master heard a lesser one                    GroupReasserts to the other masters

The members of a group differ in skew and in what they hear, so a group is master when its slowest member wants it,
and never on one segment only: no member is promoted alone, hence none can be demoted by its own group again. That is
why members with contradictory priorities do not make a group oscillate: where one hears a better master, it does not
want, and all stay BACKUP.

A member's `report` follows each of its events, and orders are carried out before the next report: the shell feeds
each order's event to its member, reports that member in turn, and is done when no report gives an order.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ..model.units import Duration, Instant, seconds
from .actions import State
from .events import GroupFaultChanged, GroupPromotes, GroupReasserts, GroupYields

if t.TYPE_CHECKING:
    from .router import Router

REASSERTION_GAP: Duration = seconds(1)
"""Nine members that each hear nine lesser masters need one answer each, not eighty-one."""

MemberEvent = t.Union[GroupPromotes, GroupYields, GroupFaultChanged, GroupReasserts]


@dataclass(frozen=True)
class MemberReport:
    """What the group must know of one member; `report_of` takes it from a Router."""

    state: State
    wants_master: bool = False
    own_faults: t.Tuple[str, ...] = ()
    """The member's own reasons for FAULT, its link included; not what the group told it."""
    reason: str = ""
    """Of its last transition."""


def report_of(router: Router) -> MemberReport:
    """What `router` has to report to its group now."""
    return MemberReport(router.state, router.wants_master, router.own_faults, router.reason)


@dataclass(frozen=True)
class MemberOrder:
    """An event that the shell has to feed to a member."""

    member: str
    event: MemberEvent


@dataclass(frozen=True)
class GroupTransition:
    """The state of the whole group changed."""

    before: State
    after: State
    reason: str


GroupOrder = t.Union[MemberOrder, GroupTransition]


class SyncGroup:
    """The state of one group: what its members reported, and what they were told."""

    def __init__(self, name: str, members: t.Sequence[str]) -> None:
        self.name = name
        self.state = State.INIT
        self.reason = "not started"
        self.members = tuple(members)
        self._reports = {member: MemberReport(State.INIT) for member in members}
        self._told_faults: t.Dict[str, str] = {}
        self._reasserted_at: t.Optional[Instant] = None

    def report(self, member: str, report: MemberReport) -> t.List[GroupOrder]:
        """Take in what became of a member. Returns what is to be done, in this order."""
        if self._reports[member] == report:
            return []
        self._reports[member] = report
        return [*self._move(member), *self._faults(), *self._mastership(member)]

    def lesser_master_heard(self, member: str, now: Instant) -> t.List[GroupOrder]:
        """A member that is master heard a lesser one: neighbours on the other segments may be misled as well."""
        recent = self._reasserted_at is not None and now - self._reasserted_at < REASSERTION_GAP
        if recent or self.state is not State.MASTER:
            return []
        self._reasserted_at = now
        return [MemberOrder(other, GroupReasserts()) for other in self.members if other != member]

    # ---- three looks at the members

    def _move(self, member: str) -> t.Iterator[GroupOrder]:
        """The group's own state; the member that was reported last is the reason for it."""
        before, after = self.state, _state_of([report.state for report in self._reports.values()])
        if before is not after:
            self.state, self.reason = after, f"vrrp_instance {member}: {self._reports[member].reason}"
            yield GroupTransition(before, after, self.reason)

    def _faults(self) -> t.Iterator[GroupOrder]:
        for member, report in self._reports.items():
            cause = "" if report.state is State.INIT else self._fault_of_another(member)
            if self._told_faults.get(member, "") != cause:
                self._told_faults[member] = cause
                yield MemberOrder(member, GroupFaultChanged(cause))

    def _fault_of_another(self, member: str) -> str:
        for other, report in self._reports.items():
            if other != member and report.own_faults and report.state is not State.INIT:
                return f"vrrp_sync_group {self.name}: vrrp_instance {other} is in FAULT: {report.own_faults[0]}"
        return ""

    def _mastership(self, member: str) -> t.Iterator[GroupOrder]:
        reports = self._reports
        if any(report.state in (State.INIT, State.FAULT) for report in reports.values()):
            return
        masters = [name for name, report in reports.items() if report.state is State.MASTER]
        backups = [name for name, report in reports.items() if report.state is State.BACKUP]
        unwilling = [name for name in backups if not reports[name].wants_master]
        if not unwilling:
            yield from (MemberOrder(name, GroupPromotes()) for name in backups)
        elif masters:
            first = unwilling[0] if member not in unwilling else member
            why = self._why_backup(first, reports[first].reason)
            yield from (MemberOrder(name, GroupYields(why)) for name in masters)

    def _why_backup(self, member: str, reason: str) -> str:
        """Where the group has moved this member, the reason is told already, with the member that began it."""
        group = f"vrrp_sync_group {self.name}: "
        return reason if reason.startswith(group) else f"{group}vrrp_instance {member} is BACKUP: {reason}"


def _state_of(states: t.Sequence[State]) -> State:
    """FAULT and INIT of one are those of all; MASTER is what all are."""
    for worst in (State.FAULT, State.INIT, State.BACKUP):
        if worst in states:
            return worst
    return State.MASTER
