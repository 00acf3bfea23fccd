# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the supervisor does for the configuration beside its workers: trackers, notify scripts, FIFOs, mails, start and
end.

A tracker's script that hangs takes no room from notifications or health checks and the other way round: each side has
its own runner.
At the end, after the workers have said their last states, programs have a bounded time.
"""

from __future__ import annotations

import typing as t

from ...model.commands import Command
from ...model.config import Config
from ...model.units import NANOSECONDS_PER_MILLISECOND, NANOSECONDS_PER_SECOND, Duration, Instant
from ...net.polling import Poller
from ..journal import Journal
from ..mail.mailer import Explain, Mailer
from ..worker import Happening
from .last_runs import with_last_runs
from .notifier import Notifier
from .script_run import ScriptResult
from .scripts import ScriptRunner
from .trackers import Publish, Trackers

_SUBJECT = "mainstayd"
_STOPS = "mainstayd stops"
_HURRY = NANOSECONDS_PER_SECOND
"""After so long at the end, programs that others wait for are ended."""
_PATIENCE = 3 * NANOSECONDS_PER_SECOND
"""After so long at the end, all of them."""
_LAST_GRACE = 3 * NANOSECONDS_PER_SECOND
"""So long they may take to die."""
_LOOK = 20 * NANOSECONDS_PER_MILLISECOND


class Programs:
    """The operator's programs of one run of the daemon."""

    def __init__(
        self,
        poller: Poller,
        journal: Journal,
        publish: Publish,
        publish_checks: Publish,
        state_path: str,
        explain: Explain,
    ) -> None:
        """`publish` takes the results of all trackers, `publish_checks` those of checks that programs, files and BFD
        make; `explain` asks for what mails say of an instance.
        """
        self._poller = poller
        self._journal = journal
        self._for_tracking = ScriptRunner(poller)
        self._for_checking = ScriptRunner(poller)
        self._for_telling = ScriptRunner(poller)
        runners = self._for_tracking, self._for_checking
        self._trackers = Trackers(poller, journal, *runners, publish, publish_checks)
        self._mailer = Mailer(poller, journal, state_path, explain)
        self._notifier = Notifier(poller, journal, self._for_telling, self._mailer.happened)
        self._config = Config()
        self._started = False
        self._stopping = False
        self._alone = False
        """A startup_script or shutdown_script runs."""

    def configure(self, config: Config, now: Instant) -> None:
        """Track and tell as this configuration says from now on; before the start is over, from then on."""
        self._config = config
        for runner in (self._for_tracking, self._for_checking, self._for_telling):
            runner.set_script_user(config.global_defs.script_user)
        if self._started:
            self._mailer.configure(config, now)
            self._notifier.configure(config, now)
            self._trackers.configure(config, now)

    def start(self, then: t.Callable[[Instant], None]) -> None:
        """Run the startup_script to its end, then begin; `then` is called after that, at once without such a script."""

        def begin(now: Instant) -> None:
            self._started = True
            if not self._stopping:
                self.configure(self._config, now)
            then(now)

        defs = self._config.global_defs
        self._run_alone("startup_script", defs.startup_script, defs.startup_script_timeout, begin)

    def happened(self, happening: Happening, now: Instant) -> None:
        """A worker tells what happened."""
        self._trackers.happened(happening, now)
        self._notifier.happened(happening, now)

    def status(self) -> t.Dict[str, object]:
        """Sections of the status answer."""
        return {
            "trackers": self._trackers.status(),
            "notifications": self._notifier.status(),
            "mail": self._mailer.status(),
        }

    def with_last_runs(self, answer: t.Mapping[str, t.Any]) -> t.Mapping[str, t.Any]:
        """An answer about pools, with what the programs of checks said last."""
        if "lvs" not in answer:
            return answer
        return {**answer, "lvs": with_last_runs(answer["lvs"], self._trackers.programs())}

    def stop(self, now: Instant) -> None:
        """The end begins: nothing is tracked any more. A startup_script that still runs is ended."""
        self._stopping = True
        self._trackers.close(now)
        for runner in (self._for_tracking, self._for_checking):
            runner.end_all(_STOPS, now)
        if not self._started:
            self._for_telling.end_all(_STOPS, now)

    def finish(self, now: Instant, then: t.Callable[[Instant], None]) -> None:
        """The workers have ended. Let the programs of the last states run, then the shutdown_script; `then` after
        all of them are gone, or have had their time.
        """
        self._notifier.last_words()
        timers = [
            self._poller.call_at(now + _HURRY, self._notifier.hurry),
            self._poller.call_at(now + _PATIENCE, self._notifier.end),
            self._poller.call_at(now + _PATIENCE, self._mailer.end),
        ]

        def shut_down(at: Instant) -> None:
            for timer in timers:
                timer.cancel()
            self._mailer.end(at)
            self._shut_down(then)

        self._wait(self._all_ended, now + _PATIENCE + _LAST_GRACE, shut_down)

    def _all_ended(self) -> bool:
        told = self._notifier.idle and self._mailer.idle
        running = self._for_tracking.running + self._for_checking.running
        return told and not self._alone and not running

    def _shut_down(self, then: t.Callable[[Instant], None]) -> None:
        defs = self._config.global_defs
        what = (defs.shutdown_script, defs.shutdown_script_timeout)
        self._run_alone("shutdown_script", *what, lambda now: self._leave(now, then))

    def _leave(self, now: Instant, then: t.Callable[[Instant], None]) -> None:
        self._notifier.close_fifos(now)
        self._wait(lambda: self._notifier.read_out, now + _LAST_GRACE, then)

    def _wait(self, so: t.Callable[[], bool], deadline: Instant, then: t.Callable[[Instant], None]) -> None:
        now = self._poller.now()
        if so() or now >= deadline:
            then(now)
        else:
            self._poller.call_at(now + _LOOK, lambda _now: self._wait(so, deadline, then))

    def _run_alone(
        self, what: str, command: t.Optional[Command], timeout: Duration, then: t.Callable[[Instant], None]
    ) -> None:
        if command is None:
            then(self._poller.now())
            return

        self._alone = True

        def done(result: ScriptResult, now: Instant) -> None:
            self._alone = False
            say = self._journal.info if result.good else self._journal.warning
            say(_SUBJECT, f"{what}: {result.reason}")
            then(now)

        self._for_telling.run(command, (), timeout, done)
