# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is told about one instance or group: transitions and alarms for the journal, the same in the status.

Each transition is said twice: as a line for people, and as a Happening for scripts, mails and the event journal.
"""

from __future__ import annotations

import typing as t

from ...model.units import Instant, seconds
from ...vrrp.actions import Alarm, State
from ..log_limit import LogLimit
from ..wall_clock import wall_clock
from ..worker import Happening, LogLine, Say

# An alarm may come back with every advert: said once a minute, shown in the status as long after its last time.
_PERIOD = seconds(60)

_LEVELS = {State.FAULT: "error"}

INSTANCE, GROUP = "INSTANCE", "GROUP"
_TITLES = {INSTANCE: "vrrp_instance", GROUP: "vrrp_sync_group"}

STOP, DELETED = "STOP", "DELETED"
MASTER_RX_LOWER_PRI = "MASTER_RX_LOWER_PRI"


class ObjectReport:
    """The story of one virtual router or one group of them."""

    def __init__(self, kind: str, name: str, say: Say) -> None:
        """`kind`: INSTANCE or GROUP."""
        self.name = name
        self.transitions = 0
        self.last_transition = "not started"
        self.since = wall_clock()
        self.ending = STOP
        """What its end is called: STOP, or DELETED when the configuration dropped it."""
        self.waiting = False
        """`wait` was the last that it told."""
        self._kind = kind
        self._state = State.INIT.value
        self._say = say
        self._limit = LogLimit(_PERIOD)
        self._alarms: t.Dict[str, t.Tuple[str, Instant]] = {}

    @property
    def subject(self) -> str:
        """For people: "vrrp_instance VI_1"."""
        return f"{_TITLES[self._kind]} {self.name}"

    def transition(self, before: State, after: State, reason: str, priority: int = 0) -> None:
        """The state changed; `priority` is the effective one."""
        self.waiting = False
        self._moved(before, after, reason)
        self._say(LogLine(_LEVELS.get(after, "info"), self.subject, self.last_transition))
        self._happened(self.ending if after is State.INIT else after.value, before.value, reason, priority)

    def wait(self, before: State, after: State, reason: str) -> None:
        """A state that only bridges the time until a first result: no script and no mail shall call it a failure."""
        self.waiting = True
        self._moved(before, after, reason)
        self._say(LogLine("info", self.subject, self.last_transition))

    def happened(self, event: str, reason: str, priority: int) -> None:
        """Something that changed no state."""
        self._happened(event, self._state, reason, priority)

    def rename(self, name: str, priority: int) -> None:
        """Only people and scripts see a name: the old one is gone, the new one is in the same state."""
        gone = self.subject
        self._happened(DELETED, self._state, f"is {_TITLES[self._kind]} {name} from now on", priority)
        self.name = name
        self.say("info", f"was {gone} until now")
        self._happened(self._state, self._state, f"was {gone} until now", priority)

    def alarm(self, alarm: Alarm, now: Instant) -> None:
        """Something is wrong that changed no state; kinds are few, details may vary."""
        self._alarms[alarm.kind] = (alarm.detail, now)
        if self._limit.allows(alarm.kind, now):
            self._say(LogLine("warning", self.subject, alarm.detail))

    def say(self, level: str, message: str) -> None:
        """One line about it."""
        self._say(LogLine(level, self.subject, message))

    def alarms(self, now: Instant) -> t.List[str]:
        """The alarms of late, as sentences."""
        return [detail for detail, at in self._alarms.values() if now - at < _PERIOD]

    def _moved(self, before: State, after: State, reason: str) -> None:
        self.transitions += 1
        self.since = wall_clock()
        self.last_transition = f"{before.value} -> {after.value}: {reason}"
        self._state = after.value

    def _happened(self, event: str, before: str, reason: str, priority: int) -> None:
        self._say(Happening(self._kind, self.name, event, priority, reason, before, wall_clock()))
