# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One MISC_CHECK: a program that is run again and again, and what its exit status says of a real server.

Status 0 is passed, 1 is failed, any other is failed too; with misc_dynamic 2 to 255 is passed with the weight
status - 2, and 0 is passed with the configured weight (keepalived 2.2.7 does so, and its manual says otherwise). A
program that does not end in misc_timeout, cannot be started or is killed has failed. It is never run twice at a time:
the next run waits for the end of this one.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ...lvs.health import DOWN, WAITING, check_policy, first_history, judge
from ...model.check_config import MiscCheck
from ...model.commands import Command
from ...model.units import Duration, Instant, as_seconds
from ...net.polling import Poller, Timer
from ..wall_clock import wall_clock
from .script_run import ScriptResult, last_run
from .scripts import ScriptRunner, Turn

_FIRST_WEIGHT = 2
_LAST_STATUS = 255


@dataclass(frozen=True)
class MiscVerdict:
    """What one run said."""

    ok: bool
    reason: str
    weight: t.Optional[int] = None
    notes: t.Tuple[str, ...] = ()


class MiscRunner:
    """Runs one check; servers and services whose checks are equal share it."""

    def __init__(
        self,
        check: MiscCheck,
        runner: ScriptRunner,
        poller: Poller,
        changed: t.Callable[[], None],
        failed: t.Callable[[MiscCheck, str], None],
    ) -> None:
        """`changed` is called when the verdict or the weight is another one, `failed` with the reason of a failed run
        that changed nothing, if the check logs all failures.
        """
        self.check = check
        self._command: Command = _command(check)
        self._runner = runner
        self._poller = poller
        self._changed = changed
        self._failed = failed
        self._history = first_history(check_policy(check), poller.now())
        self._timer: t.Optional[Timer] = None
        self._run: t.Optional[Turn] = None
        self._started: Instant = 0
        self._ended: Instant = 0
        self._said = MiscVerdict(False, "")
        """What the last run said, whether or not it has changed something."""
        self._closed = False
        self._decided: t.Optional[t.Dict[str, t.Any]] = None
        self.last: t.Optional[ScriptResult] = None
        self.runs = 0

    @property
    def result(self) -> t.Optional[t.Dict[str, t.Any]]:
        """What the health worker is told, as it was when it changed last; None before the first verdict."""
        return self._decided

    def start(self, pause: Duration) -> None:
        """The first run after this pause."""
        self._timer = self._poller.call_at(self._poller.now() + pause, self._begin)

    def close(self, now: Instant) -> None:
        """Stop; a run that is going on is ended and its result forgotten."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        if self._run is not None:
            self._run.end("is not wanted any more", now)

    def document(self) -> t.Dict[str, object]:
        """For the status."""
        health = self._history.health
        return {
            "up": None if health.state == WAITING else health.state != DOWN,
            "weight": health.weight,
            "why": health.reason,
            **last_run(self.last),
            "runs": self.runs,
            "age": round(as_seconds(self._poller.now() - self._ended), 3) if self.last else None,
            "last": self._said.reason,
            "told": self._decided["why"] if self._decided else None,
            "confirms": self._decided is not None and self._said.ok == self._decided["up"],
        }

    def _begin(self, now: Instant) -> None:
        self._started = now
        self.runs += 1
        self._run = self._runner.run(self._command, (), self.check.misc_timeout, self._done)

    def _done(self, result: ScriptResult, now: Instant) -> None:
        self._run = None
        if self._closed:
            return
        self.last = result
        before, verdict = self._history.health.state, self._verdict(result)
        self._ended, self._said = now, verdict
        self._history = judge(self._history, verdict, now)[0]
        self._tell_change()
        if self.check.log_all_failures and not verdict.ok and self._history.health.state == before:
            self._failed(self.check, verdict.reason)
        since = now if self._history.between else self._started
        self._timer = self._poller.call_at(max(now, since + self._history.pause), self._begin)

    def _verdict(self, result: ScriptResult) -> MiscVerdict:
        status = result.status
        if self.check.misc_dynamic and status is not None and _FIRST_WEIGHT <= status <= _LAST_STATUS:
            weight = status - _FIRST_WEIGHT
            return MiscVerdict(True, f"{result.reason}: weight {weight}", weight)
        return MiscVerdict(result.good, result.reason)

    def _tell_change(self) -> None:
        health = self._history.health
        before = self._decided
        if health.state == WAITING:
            return
        up = health.state != DOWN
        if before is None or (before["up"], before["weight"]) != (up, health.weight):
            self._decided = {"up": up, "weight": health.weight, "why": health.reason, "at": wall_clock()}
            self._changed()


def _command(check: MiscCheck) -> Command:
    if check.misc_path is None:
        raise ValueError("a misc check without misc_path")  # the model refuses it
    return check.misc_path
