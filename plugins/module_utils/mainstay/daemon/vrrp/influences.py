# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What moves a router beside adverts and deadlines: its link, what it tracks, an operator, its sync group.

It remembers what the router was told last: each look gives only the events that are news.
"""

from __future__ import annotations

import typing as t
from dataclasses import replace

from ...net.standing import Standing
from ...vrrp.events import (
    DemotionChanged,
    Event,
    FaultsChanged,
    GroupFaultChanged,
    LinkChanged,
    PriorityChanged,
    Reconfigured,
)
from ...vrrp.settings import RouterSettings
from ...vrrp.tracking import Assessment


class Influences:
    """Of one router."""

    def __init__(self, priority: int) -> None:
        self.assessment = Assessment(priority, (), ())
        self.demoted = False
        self.group_fault = ""
        """What the group said last of the other members' faults."""
        self._link: t.Optional[LinkChanged] = None

    def weighed(self, assessment: Assessment, demoted: bool) -> t.Iterator[Event]:
        """What it tracks came to this; an operator demoted it, or did not."""
        before, self.assessment = self.assessment, assessment
        if (before.effective_priority, before.why) != (assessment.effective_priority, assessment.why):
            yield self._priority()
        if demoted != self.demoted:
            self.demoted = demoted
            yield DemotionChanged(demoted)
        if before.faults != assessment.faults:
            yield FaultsChanged(assessment.faults)

    def reconfigured(self, settings: RouterSettings, assessment: Assessment) -> Event:
        """Other settings, and what tracking makes of their priority; causes of FAULT are for `weighed`."""
        self.assessment = replace(assessment, faults=self.assessment.faults)
        return Reconfigured(settings, self._priority())

    def link(self, standing: Standing, dont_track_primary: bool, obstacle: str = "") -> t.Iterator[Event]:
        """With dont_track_primary the carrier does not count; without the interface or a source nothing works.

        `obstacle`: why, on a sound interface, addresses cannot be held as they must be.
        """
        bearable = dont_track_primary and standing.link is not None and standing.source is not None
        sound = standing.usable or bearable
        cause = obstacle if sound else standing.cause
        told = LinkChanged(False, cause) if cause else LinkChanged(True)
        if told != self._link:
            self._link = told
            yield told

    def link_replaced(self, device: str) -> Event:
        """Another interface bears the name now: whatever the old one held is gone."""
        self._link = LinkChanged(False, f"interface {device} was replaced by another")
        return self._link

    def group(self, cause: str) -> Event:
        """Another member of the sync group is in FAULT, or none is any more."""
        self.group_fault = cause
        return GroupFaultChanged(cause)

    def _priority(self) -> PriorityChanged:
        return PriorityChanged(self.assessment.effective_priority, self.assessment.why)
