# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A reload is a transaction: read and validate everything, then tell the workers; on any problem nothing
changes.

Requests that arrive while one is under way share the next one: however often somebody asks, the files are
read once more after the last request.
"""

from __future__ import annotations

import typing as t

from ..model.config import Config
from ..model.plan import plan
from ..model.problems import ConfigError, Problem
from ..model.units import NANOSECONDS_PER_SECOND, Instant
from ..net.polling import Poller, Timer
from .check_files import check_file_problems
from .journal import Journal
from .status import ConfigState

PATIENCE = 5 * NANOSECONDS_PER_SECOND
"""So long the answer waits for the workers, from the moment they are told."""

_SUBJECT = "reload"

Answer = t.Callable[[t.Mapping[str, object]], None]


class Host(t.Protocol):
    """What a reload needs of the supervisor."""

    def reload_begins(self, now: Instant) -> None:
        """Tell the service manager."""

    def run_configuration(self, config: Config) -> None:
        """Hand it to the workers. Raises OSError when running.json cannot be written."""

    def unconfirmed(self) -> t.List[str]:
        """Titles of the workers that do not run yet what they were told last, for whatever reason."""

    def ask_data_plane(self, taken: t.Callable[[t.Optional[str]], None]) -> None:
        """`taken` gets why the data plane of the configuration does not serve, None when it does or nobody answers."""

    def reload_ends(self, result: t.Mapping[str, t.Any]) -> None:
        """Tell the service manager; `result` is the answer to all who asked."""


class Reloader:
    """Carries out reloads, one at a time."""

    def __init__(
        self, poller: Poller, journal: Journal, state: ConfigState, read: t.Callable[[], Config], host: Host
    ) -> None:
        self._poller = poller
        self._journal = journal
        self._state = state
        self._read = read
        self._host = host
        self._running: t.List[Answer] = []
        self._next: t.List[Answer] = []
        self._changed: t.List[str] = []
        self._warnings: t.List[str] = []
        self._deadline: t.Optional[Timer] = None
        self._asked = False
        """All run it, and one has been asked whether it can be served."""

    def request(self, answer: Answer, now: Instant) -> None:
        """Reload, or once more after the one under way; `answer` gets the result."""
        self._next.append(answer)
        if not self._running:
            self._begin(now)

    def worker_confirmed(self) -> None:
        """A worker runs what it was told last."""
        running = self._running
        if running and not self._asked and not self._host.unconfirmed():
            self._asked = True
            self._host.ask_data_plane(lambda problem: self._served(running, problem))

    def _served(self, running: t.Sequence[Answer], problem: t.Optional[str]) -> None:
        """The data plane serves, or not, says the worker; unless the reload has ended meanwhile."""
        if self._running is running:
            self._warnings += [] if problem is None else [problem]
            self._finish(self._taken(), self._poller.now())

    def _begin(self, now: Instant) -> None:
        self._running, self._next = self._next, []
        self._asked = False
        self._host.reload_begins(now)
        try:
            config = self._read()
            self._changed = plan(self._state.config, config).sentences()
            self._host.run_configuration(config)
        except ConfigError as error:
            self._refuse(error.problems, now)
            return
        except OSError as error:
            self._refuse([Problem("(run directory)", None, f"cannot be written: {error.strerror}")], now)
            return
        self._state.taken(config)
        self._warnings = [str(problem) for problem in check_file_problems(config)]
        for sentence in self._changed or ["nothing changed"]:
            self._journal.info(_SUBJECT, sentence)
        # Reading a big file took its time; that is not the workers'.
        self._deadline = self._poller.call_at(self._poller.now() + PATIENCE, self._too_slow)
        self.worker_confirmed()  # it may concern none of them

    def _refuse(self, problems: t.Sequence[Problem], now: Instant) -> None:
        self._state.refused(problems)
        for problem in problems:
            self._journal.error(_SUBJECT, str(problem))
        self._journal.error(_SUBJECT, "refused; the running configuration stays as it was")
        self._finish({"ok": False, "problems": [problem.document() for problem in problems]}, now)

    def _too_slow(self, now: Instant) -> None:
        late = self._host.unconfirmed()
        if not late:  # they run it, and only the last question has no answer
            self._finish(self._taken(), now)
            return
        self._journal.warning(
            _SUBJECT,
            f"not confirmed yet by {' and '.join(late)}, which gets it as soon as it can; see mainstay status",
        )
        self._finish({**self._taken(), "unconfirmed": late}, now)

    def _taken(self) -> t.Dict[str, object]:
        warned = {"warnings": self._warnings} if self._warnings else {}
        return {"ok": True, "changed": self._changed, **warned}

    def _finish(self, result: t.Mapping[str, object], now: Instant) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = None
        self._host.reload_ends(result)
        answers, self._running = self._running, []
        for answer in answers:
            answer(result)
        if self._next:
            self._begin(now)
