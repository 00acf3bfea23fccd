# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""lvs_timeouts: set while the daemon runs, put back when it stops.

They hold for the whole network namespace, so what stood there before is remembered and comes back with the end, or
with the configuration that does not name it any more. A worker that is killed cannot put them back: a file has them
for its successor.
"""

from __future__ import annotations

import typing as t

from ...model.lvs_config import LvsTimeouts
from ...model.units import NANOSECONDS_PER_SECOND, Instant
from ...net.data_plane import DataPlaneUnavailable
from ...net.ipvs_timeouts import TimeoutControl, Timeouts
from ...net.polling import Poller, Timer
from ..former_timeouts import FormerTimeouts
from ..worker import LogLine, Say
from .engines import ReopenPauses

_SUBJECT = "lvs_timeouts"

OpenTimeouts = t.Callable[[], TimeoutControl]


class TimeoutKeeper:
    """The three timeouts of one network namespace."""

    def __init__(
        self,
        poller: Poller,
        say: Say,
        open_control: OpenTimeouts = TimeoutControl,
        former: t.Optional[FormerTimeouts] = None,
    ) -> None:
        """`former`: None keeps what was there for this process alone."""
        self._poller = poller
        self._say = say
        self._open_control = open_control
        self._former = former
        self._wanted: t.Optional[Timeouts] = None
        """None: nobody has said anything yet."""
        self._before: t.Optional[Timeouts] = None
        """What stood there before us; None: we changed nothing."""
        self._problem = ""
        self._pauses = ReopenPauses()
        self._timer: t.Optional[Timer] = None

    @property
    def problem(self) -> t.Optional[str]:
        """Why they are not as they should be; None when they are."""
        return self._problem or None

    def want(self, timeouts: t.Optional[LvsTimeouts]) -> None:
        """These from now on; None: as they were before us."""
        wanted = Timeouts() if timeouts is None else Timeouts(*map(_seconds, vars(timeouts).values()))
        if wanted == self._wanted and not self._problem:
            return
        if self._wanted is None:
            self._before = self._found()
        self._wanted = wanted
        self._keep(self._poller.now())

    def stop(self) -> None:
        """Put back what was there."""
        self._wanted = Timeouts()
        self._keep(self._poller.now())
        self._cancel_timer()

    def _keep(self, _now: Instant) -> None:
        self._cancel_timer()
        wanted = self._wanted or Timeouts()
        if wanted == Timeouts() and self._before is None:
            self._problem = ""
            return
        try:
            problem = self._write(wanted)
        except (DataPlaneUnavailable, OSError) as unavailable:
            problem = str(unavailable)
        self._judge(problem)
        if problem:
            self._timer = self._poller.call_at(self._poller.now() + self._pauses.next(), self._keep)

    def _write(self, wanted: Timeouts) -> str:
        control = self._open_control()
        try:
            if self._before is None:
                self._before = self._noted(control.read())
            refusal = control.write(wanted.over(self._before))
        finally:
            control.close()
        if not refusal and wanted == Timeouts():
            self._before = None
            if self._former is not None:
                self._former.forget()
        return refusal

    def _noted(self, before: Timeouts) -> Timeouts:
        """Raises OSError: what cannot be put back after a crash is not changed."""
        if self._former is not None:
            self._former.write(before)
        return before

    def _found(self) -> t.Optional[Timeouts]:
        """What stood there before a process that was killed changed it."""
        if self._former is None:
            return None
        try:
            return self._former.read()
        except (OSError, ValueError) as error:
            self._say(LogLine("warning", _SUBJECT, f"what was there before the last run is lost: {error}"))
            return None

    def _judge(self, problem: str) -> None:
        if problem and problem != self._problem:
            self._say(LogLine("error", _SUBJECT, f"cannot be set: {problem}"))
        elif self._problem and not problem:
            self._say(LogLine("info", _SUBJECT, "are set now"))
        if not problem:
            self._pauses.forget()
        self._problem = problem

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None


def _seconds(duration: t.Optional[int]) -> t.Optional[int]:
    return None if duration is None else duration // NANOSECONDS_PER_SECOND
