# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is told about one instance: transitions and alarms for the journal, the same in the status."""

from __future__ import annotations

import datetime
import typing as t

from ..model.units import Instant, seconds
from ..vrrp.actions import Alarm, State, Transition
from .log_limit import LogLimit
from .worker import LogLine, Say

# An alarm may come back with every advert: said once a minute, shown in the status as long after its last time.
_PERIOD = seconds(60)

_LEVELS = {State.FAULT: "error"}


class InstanceReport:
    """The story of one virtual router."""

    def __init__(self, subject: str, say: Say) -> None:
        self.subject = subject
        self.transitions = 0
        self.last_transition = "not started"
        self.since = _wall_clock()
        self._say = say
        self._limit = LogLimit(_PERIOD)
        self._alarms: t.Dict[str, t.Tuple[str, Instant]] = {}

    def transition(self, transition: Transition) -> None:
        """The state changed."""
        self.transitions += 1
        self.since = _wall_clock()
        before, after = transition.before.value, transition.after.value
        self.last_transition = f"{before} -> {after}: {transition.reason}"
        self._say(LogLine(_LEVELS.get(transition.after, "info"), self.subject, self.last_transition))

    def alarm(self, alarm: Alarm, now: Instant) -> None:
        """Something is wrong that changed no state; kinds are few, details may vary."""
        self._alarms[alarm.kind] = (alarm.detail, now)
        if self._limit.allows(alarm.kind, now):
            self._say(LogLine("warning", self.subject, alarm.detail))

    def say(self, level: str, message: str) -> None:
        """One line about this instance."""
        self._say(LogLine(level, self.subject, message))

    def alarms(self, now: Instant) -> t.List[str]:
        """The alarms of late, as sentences."""
        return [detail for detail, at in self._alarms.values() if now - at < _PERIOD]


def _wall_clock() -> str:
    """This machine's own time with its offset, as every time of the status."""
    return datetime.datetime.now(datetime.timezone.utc).astimezone().isoformat(timespec="milliseconds")
