# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Received packets that were discarded: every one is counted under its reason, few are spoken of."""

from __future__ import annotations

import typing as t

from ...model.units import Instant, seconds
from ...vrrp.rejection import PacketError, RejectReason
from ..log_limit import LogLimit
from ..worker import LogLine, Say

_PERIOD = seconds(5)
# Another group of routers on the segment is ordinary: worth one line now and then, and the count.
_PERIOD_OF_STRANGERS = seconds(3600)


class Discards:
    """Counters of one virtual router, or of an interface for what belongs to none."""

    def __init__(self, subject: str, say: Say) -> None:
        self.subject = subject
        self._say = say
        self._limit = LogLimit(_PERIOD)
        self._strangers = LogLimit(_PERIOD_OF_STRANGERS)
        self.by_reason: t.Dict[str, int] = {}

    def count(self, error: PacketError, sender: str, now: Instant, of_stranger: bool = False) -> None:
        """Count one packet; log it at most every five seconds per reason, whoever sent it.

        `of_stranger`: its virtual_router_id is nobody's here, whatever else is wrong with it: once an hour.
        """
        reason = error.reason.value
        self.by_reason[reason] = self.by_reason.get(reason, 0) + 1
        stranger = of_stranger or error.reason is RejectReason.VIRTUAL_ROUTER_ID
        if (self._strangers if stranger else self._limit).allows(reason, now):
            total = self.by_reason[reason]
            message = f"discarded a packet from {sender}: {error} ({total} for this reason so far)"
            self._say(LogLine("warning", self.subject, message))


def merged(*counters: Discards) -> t.Dict[str, int]:
    """The sums by reason, sorted by name."""
    totals: t.Dict[str, int] = {}
    for counter in counters:
        for reason, number in counter.by_reason.items():
            totals[reason] = totals.get(reason, 0) + number
    return dict(sorted(totals.items()))
