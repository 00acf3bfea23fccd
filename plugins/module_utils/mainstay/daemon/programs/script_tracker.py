# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One vrrp_script: run it again and again, and say when it is up and when it is down.

The first result decides at once, up or down; afterwards `rise` successes or `fall` failures in a row are needed. With
init_fail it starts as down and needs `rise` successes from the beginning. A run that is still going on when the next
one is due is not joined by a second one: that turn is skipped.
"""

from __future__ import annotations

import typing as t

from ...model.tracking import VrrpScript
from ...model.units import Duration, Instant
from ...net.polling import Poller, Timer
from .script_run import ScriptResult, last_run
from .scripts import ScriptRunner, Turn

Changed = t.Callable[["ScriptTracker"], None]


class RiseFall:
    """Up or down from a row of results."""

    def __init__(self, rise: int, fall: int, up: t.Optional[bool] = None) -> None:
        """`up`: None until the first result, which then decides alone."""
        self.up = up
        self._needed = {True: rise, False: fall}
        self._against = 0

    def add(self, good: bool) -> None:
        """Take one result."""
        self._against = 0 if good == self.up else self._against + 1
        if self.up is None or self._against >= self._needed[good]:
            self.up, self._against = good, 0


class ScriptTracker:
    """One vrrp_script of the configuration."""

    def __init__(
        self,
        script: VrrpScript,
        runner: ScriptRunner,
        poller: Poller,
        changed: Changed,
        shown: t.Optional[bool] = None,
    ) -> None:
        """`changed` is called when the verdict is another one. `shown`: verdict of a definition that this one
        replaces; it is shown until the first result of our own.
        """
        self.script = script
        self._runner = runner
        self._poller = poller
        self._changed = changed
        self._shown = shown
        self._verdict = RiseFall(script.rise, script.fall, False if script.init_fail and shown is None else None)
        self._due: Instant = 0
        self._timer: t.Optional[Timer] = None
        self._run: t.Optional[Turn] = None
        self._closed = False
        self.last: t.Optional[ScriptResult] = None
        self.why_up = self.why
        """What decided the verdict; later results that change nothing do not change it."""
        self.runs = 0
        self.skipped = 0

    @property
    def up(self) -> t.Optional[bool]:
        """None while there is no result yet."""
        return self._shown if self._verdict.up is None else self._verdict.up

    @property
    def why(self) -> str:
        """A few words for people."""
        if self.last is not None:
            return self.last.reason
        return "init_fail, no run has ended yet" if self.up is False else "no run has ended yet"

    def start(self, wait: Duration) -> None:
        """Run it for the first time after `wait`, then with every interval."""
        self._due = self._poller.now() + wait
        self._timer = self._poller.call_at(self._due, self._tick)

    def close(self, now: Instant) -> None:
        """Stop; a run that is going on is ended and its result forgotten."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        if self._run is not None:
            self._run.end("is not wanted any more", now)

    def document(self) -> t.Dict[str, object]:
        """For the status."""
        return {
            "up": self.up,
            "why": self.why,
            **last_run(self.last),
            "runs": self.runs,
            "skipped": self.skipped,
        }

    def _tick(self, now: Instant) -> None:
        # Turns that passed while the machine stood still are not made up for.
        while self._due <= now:
            self._due += self.script.interval
        self._timer = self._poller.call_at(self._due, self._tick)
        if self._run is not None:
            self.skipped += 1
            return
        self.runs += 1
        timeout = self.script.interval if self.script.timeout is None else self.script.timeout
        self._run = self._runner.run(self.script.script, (), timeout, self._done)

    def _done(self, result: ScriptResult, _now: Instant) -> None:
        self._run = None
        if self._closed:
            return
        self.last = result
        before = self.up
        self._verdict.add(result.good)
        if self.up is not before:
            self.why_up = result.reason
            self._changed(self)
