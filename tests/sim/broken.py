# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Routers, groups and leases with one wrong rule each: a simulation that does not catch them proves nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import ClassVar

from mainstay.model.units import Instant
from mainstay.vrrp.actions import Action, Announce, ReleaseAddresses, SendAdvert, State, TakeAddresses
from mainstay.vrrp.advert import Advert
from mainstay.vrrp.events import (
    AdvertReceived,
    DemotionChanged,
    Event,
    FaultsChanged,
    GroupPromotes,
    LinkChanged,
)
from mainstay.vrrp.router import Router
from mainstay.vrrp.settings import RouterSettings
from mainstay.vrrp.steps import RouterSteps
from mainstay.vrrp.sync_group import GroupOrder, MemberOrder, SyncGroup

from .run import Parts, default_lease

_ignore = RouterSteps._ignore


class DeafMaster(Router):
    rules: ClassVar = {**Router.rules, (State.MASTER, AdvertReceived): _ignore}


class DeafBackup(Router):
    rules: ClassVar = {**Router.rules, (State.BACKUP, AdvertReceived): _ignore}


class MasterWithoutLink(Router):
    rules: ClassVar = {**Router.rules, (State.MASTER, LinkChanged): _ignore}


class IgnoresTheTieBreak(Router):
    def _advert_as_equal(self, event: AdvertReceived, now: Instant) -> list[Action]:
        equal = event.advert.priority == self.effective_priority
        return [] if equal else self._advert_as_master(event, now)

    rules: ClassVar = {**Router.rules, (State.MASTER, AdvertReceived): _advert_as_equal}


class NeverPreempts(Router):
    """Any advert restarts its timer (against FSM-09)."""

    def _lesser_as_backup(self, _event: AdvertReceived, now: Instant) -> list[Action]:
        self._follow(now)
        return []


class ChattyBackup(Router):
    def _answer(self, event: AdvertReceived, now: Instant) -> list[Action]:
        return [*self._advert_as_backup(event, now), SendAdvert(self.effective_priority)]

    rules: ClassVar = {**Router.rules, (State.BACKUP, AdvertReceived): _answer}


class BelievesStaleDeadlines(Router):
    def _is_due(self, _now: Instant) -> bool:
        return True


class BelievesAnyInterval(Router):
    def _learn_interval(self, advert: Advert) -> list[Action]:
        self._learnt_advert_int = advert.advert_int
        return []


class KeepsItsAddresses(Router):
    def handle(self, event: Event, now: Instant) -> list[Action]:
        return [action for action in super().handle(event, now) if not isinstance(action, ReleaseAddresses)]


class TakesNothing(Router):
    def handle(self, event: Event, now: Instant) -> list[Action]:
        return [action for action in super().handle(event, now) if not isinstance(action, TakeAddresses)]


class LeavesFaultTooEarly(Router):
    """One cause gone is enough."""

    def _leave_fault(self, event: LinkChanged | FaultsChanged, now: Instant) -> list[Action]:
        self._note_fault(event, now)  # type: ignore[arg-type]
        good = event.up if isinstance(event, LinkChanged) else not getattr(event, "causes", ())
        return self._begin(now, "one cause less") if good else []

    rules: ClassVar = {
        **Router.rules,
        (State.FAULT, LinkChanged): _leave_fault,
        (State.FAULT, FaultsChanged): _leave_fault,
    }


class NeverResigns(Router):
    """A demoted master that stays one."""

    rules: ClassVar = {**Router.rules, (State.MASTER, DemotionChanged): _ignore}


class IgnoresTracking(Router):
    """Its advertised priority is the configured one (against FSM-25)."""

    def _send(self, now: Instant) -> SendAdvert:
        super()._send(now)
        return SendAdvert(self.settings.priority)


class ForgetsToReassert(Router):
    """Says nothing to a lesser master, and the neighbours hear nothing either (against FSM-16)."""

    def _reassert(self, _now: Instant) -> list[Action]:
        return []


class RestartsThePreemptDelay(Router):
    """Each lesser advert starts it anew (against FSM-23)."""

    def _lesser_as_backup(self, event: AdvertReceived, now: Instant) -> list[Action]:
        self._preempt_at = None
        return super()._lesser_as_backup(event, now)


class PromotesMembersAlone(Router):
    """A member of a group that does not wait for the others."""

    def _become_master(self, now: Instant, reason: str) -> list[Action]:
        return self._promote(now, reason)


class AnnouncesAsBackup(Router):
    def _wait(self, now: Instant, reason: str) -> list[Action]:
        return [*super()._wait(now, reason), Announce()]


class PromotesTheWilling(SyncGroup):
    """Does not wait until every member wants it."""

    def _mastership(self, member: str) -> Iterator[GroupOrder]:
        for name, report in self._reports.items():
            if report.state is State.BACKUP and report.wants_master:
                yield MemberOrder(name, GroupPromotes())


class LetsOneMemberYield(SyncGroup):
    """The others stay master."""

    def _mastership(self, member: str) -> Iterator[GroupOrder]:
        for order in super()._mastership(member):
            if isinstance(order, MemberOrder) and isinstance(order.event, GroupPromotes):
                yield order


class ForgetsFaults(SyncGroup):
    """One member in FAULT does not concern the others."""

    def _faults(self) -> Iterator[GroupOrder]:
        return iter(())


class NeverForgivesFaults(SyncGroup):
    """The others stay in FAULT for ever."""

    def _faults(self) -> Iterator[GroupOrder]:
        return (order for order in super()._faults() if getattr(getattr(order, "event", None), "cause", ""))


def _too_long(settings: RouterSettings) -> int:
    return default_lease(settings) + 1


def _with(part: Callable[..., object]) -> Parts:
    """A class of routers or of groups, in an otherwise sound daemon."""
    if isinstance(part, type) and issubclass(part, SyncGroup):
        return Parts(group=part)
    return Parts(router=part)  # type: ignore[arg-type]


BROKEN: dict[str, tuple[Parts, str]] = {
    part.__name__: (_with(part), symptom)
    for part, symptom in (
        (DeafMaster, "I1 I2"),
        (DeafBackup, "I1 I2"),
        (MasterWithoutLink, "MASTER without a link"),
        (IgnoresTheTieBreak, "I1 I2"),
        (NeverPreempts, "preempts, and"),
        (ChattyBackup, "I4"),
        (BelievesStaleDeadlines, "I1 I2"),
        (BelievesAnyInterval, "nobody is master"),
        (KeepsItsAddresses, "I3"),
        (TakesNothing, "I3"),
        (LeavesFaultTooEarly, "without a link"),
        (NeverResigns, "counts as"),
        (IgnoresTracking, "still master"),
        (ForgetsToReassert, "I6"),
        (RestartsThePreemptDelay, "preempts, and"),
        (PromotesMembersAlone, "nobody is master"),
        (AnnouncesAsBackup, "announced without being master"),
        (PromotesTheWilling, "not all of the group are MASTER"),
        (LetsOneMemberYield, "not all of the group are MASTER"),
        (ForgetsFaults, "not all of the group are FAULT"),
        (NeverForgivesFaults, "the group has no fault"),
    )
}
"""Name: what is tested, and the breach that must show."""
BROKEN["ALeaseOneSecondTooLong"] = (Parts(lease=_too_long), "two machines held the addresses")
