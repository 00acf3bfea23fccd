# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A second router, written straight from RFC 9568 6.4 and nothing else, to compare the real one with.

It knows no alarms, announcements or reasons, and expects a punctual shell and one event per instant.
"""

from __future__ import annotations

from typing import Optional

from mainstay.vrrp.actions import Action, ReleaseAddresses, SendAdvert, TakeAddresses
from mainstay.vrrp.events import AdvertReceived, DeadlineReached, Event, LinkChanged, PriorityChanged, Started, Stopped
from mainstay.vrrp.settings import RouterSettings


class ReferenceModel:
    def __init__(self, settings: RouterSettings) -> None:
        self.settings, self.priority, self.interval = settings, settings.priority, settings.advert_int
        self.state, self.up = "INIT", True
        self.deadline: Optional[int] = None

    def skew(self) -> int:
        return (256 - self.priority) * self.interval // 256

    def handle(self, event: Event, now: int) -> list[Action]:
        if isinstance(event, PriorityChanged) and self.settings.priority != 255:
            old, self.priority = self.skew(), event.effective_priority
            self.deadline = self.deadline + self.skew() - old if self.state == "BACKUP" else self.deadline
        elif isinstance(event, Stopped) and self.state != "INIT":
            return self.leave("INIT")
        elif isinstance(event, LinkChanged):
            self.up = event.up
            if self.state == "FAULT" and event.up:
                return self.master(now) if self.priority == 255 else self.backup(now, [])
            if self.state in ("BACKUP", "MASTER") and not event.up:
                return self.leave("FAULT")
        elif isinstance(event, Started) and self.state == "INIT":
            if not self.up:
                return [ReleaseAddresses(), *self.leave("FAULT")]
            master = self.priority == 255 or event.adopt
            return self.master(now) if master else self.backup(now, [ReleaseAddresses()])
        elif isinstance(event, DeadlineReached) and self.deadline is not None and now >= self.deadline:
            return self.master(now) if self.state == "BACKUP" else self.advertise(now)
        elif isinstance(event, AdvertReceived):
            return {"BACKUP": self.hear, "MASTER": self.contest}.get(self.state, lambda *_: [])(event, now)
        return []

    def hear(self, event: AdvertReceived, now: int) -> list[Action]:
        preempt = self.priority == 255 or not self.settings.nopreempt
        if event.advert.priority == 0:
            self.deadline = now + self.skew()
        elif not preempt or event.advert.priority >= self.priority:
            self.learn(event)
            self.deadline = now + 3 * self.interval + self.skew()
        return []

    def contest(self, event: AdvertReceived, now: int) -> list[Action]:
        local = self.settings.local_address
        if event.advert.priority == 0:
            return self.advertise(now)
        if event.advert.priority > self.priority or (event.advert.priority == self.priority and event.source > local):
            self.learn(event)
            return self.backup(now, [ReleaseAddresses()])
        return [] if event.source == local else [SendAdvert(self.priority)]

    def learn(self, event: AdvertReceived) -> None:
        self.interval = min(event.advert.advert_int, max(10 * self.settings.advert_int, 10**10))

    def advertise(self, now: int) -> list[Action]:
        self.deadline = now + self.settings.advert_int
        return [SendAdvert(self.priority)]

    def master(self, now: int) -> list[Action]:
        self.state, self.interval = "MASTER", self.settings.advert_int
        return [*self.advertise(now), TakeAddresses()]

    def backup(self, now: int, actions: list[Action]) -> list[Action]:
        self.state, self.deadline = "BACKUP", now + 3 * self.interval + self.skew()
        return actions

    def leave(self, state: str) -> list[Action]:
        was, self.state = self.state, state
        self.deadline, self.interval = None, self.settings.advert_int
        return [SendAdvert(0), ReleaseAddresses()] if was == "MASTER" else []
