# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A second router, written from RFC 9568 and RFC 3768 6.4 and the conformance list, to compare the real one with.

It knows no alarms, announcements, reasons, groups or stalls, and expects a punctual shell and one event per instant.
"""

from __future__ import annotations

from typing import Optional

from mainstay.vrrp.actions import Action, ReleaseAddresses, SendAdvert, TakeAddresses
from mainstay.vrrp.events import (
    AdvertReceived,
    DeadlineReached,
    DemotionChanged,
    Event,
    FaultsChanged,
    LinkChanged,
    PriorityChanged,
    Started,
    Stopped,
)
from mainstay.vrrp.settings import RouterSettings


class ReferenceModel:
    def __init__(self, settings: RouterSettings) -> None:
        self.settings, self.tracked, self.interval = settings, settings.priority, settings.advert_int
        self.state, self.up, self.causes, self.demoted = "INIT", True, False, False
        self.down_at: Optional[int] = None
        self.preempt_at: Optional[int] = None
        self.hinted = False
        self.heard = 0

    @property
    def deadline(self) -> Optional[int]:
        return min((at for at in (self.down_at, self.preempt_at) if at is not None), default=None)

    @property
    def priority(self) -> int:
        return 1 if self.demoted else self.tracked

    def skew(self) -> int:
        return (256 - self.priority) * (self.interval if self.settings.version == 3 else 10**9) // 256

    def down(self) -> int:
        return self.settings.down_timer_adverts * self.interval + self.skew()

    def handle(self, event: Event, now: int) -> list[Action]:
        if isinstance(event, (PriorityChanged, DemotionChanged)):
            return self.weigh(event, now)
        if isinstance(event, (LinkChanged, FaultsChanged)):
            return self.fault(event, now)
        if isinstance(event, Stopped) and self.state != "INIT":
            return self.leave("INIT")
        if isinstance(event, Started) and self.state == "INIT":
            return self.start(event, now)
        if isinstance(event, DeadlineReached) and self.deadline is not None and now >= self.deadline:
            return self.master(now) if self.state == "BACKUP" else self.advertise(now)
        if isinstance(event, AdvertReceived):
            return {"BACKUP": self.hear, "MASTER": self.contest}.get(self.state, lambda *_: [])(event, now)
        return []

    def weigh(self, event: Event, now: int) -> list[Action]:
        old, was_demoted = self.skew(), self.demoted
        if isinstance(event, DemotionChanged):
            self.demoted = event.demoted
        elif isinstance(event, PriorityChanged) and self.settings.priority != 255:
            self.tracked = event.effective_priority
        if self.state == "BACKUP" and not self.hinted and self.down_at is not None:
            self.down_at += self.skew() - old
        if self.demoted or self.settings.nopreempt or self.heard >= self.priority:
            self.preempt_at = None
        if self.state == "MASTER" and self.demoted and not was_demoted:
            return self.backup(now, [SendAdvert(0), ReleaseAddresses()])
        return []

    def fault(self, event: Event, now: int) -> list[Action]:
        if isinstance(event, LinkChanged):
            self.up = event.up
        elif isinstance(event, FaultsChanged):
            self.causes = bool(event.causes)
        sound = self.up and not self.causes
        if self.state == "FAULT" and sound:
            return self.master(now) if self.priority == 255 else self.backup(now, [])
        return self.leave("FAULT") if self.state in ("BACKUP", "MASTER") and not sound else []

    def start(self, event: Started, now: int) -> list[Action]:
        if not self.up or self.causes:
            return [ReleaseAddresses(), *self.leave("FAULT")]
        if self.priority == 255 or event.adopt:
            return self.master(now)
        self.backup(now, [])
        if self.settings.state == "MASTER" and not self.settings.nopreempt and not self.demoted:
            unit = self.interval if self.settings.version == 3 else 10**9
            self.down_at, self.hinted = now + self.interval + unit // 256, True
        return [ReleaseAddresses()]

    def hear(self, event: AdvertReceived, now: int) -> list[Action]:
        owner = self.settings.priority == 255
        preempt = (owner or not self.settings.nopreempt) and not self.demoted
        self.heard = event.advert.priority
        if event.advert.priority == 0:
            self.down_at, self.preempt_at, self.hinted = now + self.skew(), None, False
        elif not preempt or event.advert.priority >= self.priority:
            self.learn(event)
            self.down_at, self.preempt_at, self.hinted = now + self.down(), None, False
        elif self.settings.preempt_delay and not owner:
            self.learn(event)
            self.down_at, self.hinted = now + self.down(), False
            self.preempt_at = self.preempt_at or now + self.settings.preempt_delay
        return []

    def contest(self, event: AdvertReceived, now: int) -> list[Action]:
        local, theirs = self.settings.local_address, event.advert.priority
        if theirs == 0:
            return self.advertise(now)
        if theirs > self.priority or (theirs == self.priority and event.source > local):
            last = [SendAdvert(self.priority)] if self.settings.higher_prio_send_advert else []
            self.learn(event)
            return self.backup(now, [*last, ReleaseAddresses()])
        return [] if event.source == local or self.settings.lower_prio_no_advert else [SendAdvert(self.priority)]

    def learn(self, event: AdvertReceived) -> None:
        limit = max(self.settings.learn_interval_max, self.settings.advert_int)
        self.interval = min(event.advert.advert_int, limit) if self.settings.version == 3 else self.interval

    def advertise(self, now: int) -> list[Action]:
        self.down_at = now + self.settings.advert_int
        return [SendAdvert(self.priority)]

    def master(self, now: int) -> list[Action]:
        self.state, self.interval, self.preempt_at, self.hinted = "MASTER", self.settings.advert_int, None, False
        return [*self.advertise(now), TakeAddresses()]

    def backup(self, now: int, actions: list[Action]) -> list[Action]:
        self.state, self.down_at, self.preempt_at, self.hinted = "BACKUP", now + self.down(), None, False
        return actions

    def leave(self, state: str) -> list[Action]:
        was, self.state = self.state, state
        self.down_at, self.preempt_at, self.interval = None, None, self.settings.advert_int
        return [SendAdvert(0), ReleaseAddresses()] if was == "MASTER" else []
