# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A FIFO of the configuration with the program that reads it: started with it, started again when it ends."""

from __future__ import annotations

import typing as t

from ...model.commands import Command
from ...model.units import NANOSECONDS_PER_SECOND, Instant
from ...net.polling import Poller, Timer
from ..journal import Journal
from .notify_fifo import FifoRefused, NotifyFifo
from .script_run import ScriptResult
from .scripts import ScriptRunner, Turn

_PAUSES = tuple(pause * NANOSECONDS_PER_SECOND for pause in (1, 2, 4, 8, 15, 30))
"""Before the first, second ... start after an end."""
_SETTLED = 60 * NANOSECONDS_PER_SECOND
"""A reader that lived so long starts again after the shortest pause."""
_LAST_WORDS = NANOSECONDS_PER_SECOND
"""At the end a reader has so long to read what is left."""


class FifoReader:
    """One FIFO and its reader."""

    def __init__(self, poller: Poller, journal: Journal, runner: ScriptRunner, path: str, reader: t.Optional[Command]):
        """`reader` gets the path as its last argument; None: somebody else reads."""
        self.path = path
        self.reader = reader
        self._poller = poller
        self._journal = journal
        self._runner = runner
        self._subject = f"notify_fifo {path}"
        self._fifo: t.Optional[NotifyFifo] = None
        self._problem = ""
        self._run: t.Optional[Turn] = None
        self._ends = 0
        self._timer: t.Optional[Timer] = None
        self._closed = False

    def start(self, now: Instant) -> None:
        """Make the FIFO and start the reader, once. What fails is told and shown in the status."""
        if self._fifo is not None:
            return
        try:
            owner = self._runner.user_of(self.reader) if self.reader is not None else None
            self._fifo = NotifyFifo(self._poller, self.path, owner)
        except FifoRefused as error:
            self._problem = str(error)
            self._journal.error(self._subject, f"{error}; nothing is written to it until the next reload")
            return
        if self.reader is not None:
            self._read(now)

    def write(self, line: bytes) -> None:
        """One line, as soon as there is room."""
        if self._fifo is not None:
            self._fifo.write(line)

    def close(self, now: Instant) -> None:
        """Nothing more comes; the reader reads to the end, or is ended after a moment."""
        self._closed = True
        if self._fifo is not None:
            self._fifo.close()
            self._fifo = None
        if self._timer is not None:
            self._timer.cancel()
        if self._run is not None:
            self._timer = self._poller.call_at(now + _LAST_WORDS, self._end)

    @property
    def idle(self) -> bool:
        """No reader runs."""
        return self._run is None

    def document(self) -> t.Dict[str, object]:
        """For the status."""
        counters = self._fifo.document() if self._fifo is not None else {}
        pid = None if self._run is None else self._run.pid
        return {"problem": self._problem, "reader": pid, "reader_ended": self._ends, **counters}

    def _end(self, now: Instant) -> None:
        if self._run is not None:
            self._run.end("is not needed any more", now)

    def _read(self, now: Instant) -> None:
        self._timer = None
        if self.reader is None:
            return
        started = now

        def done(result: ScriptResult, at: Instant) -> None:
            self._run = None
            if not self._closed:
                self._start_again(result, at - started, at)

        self._run = self._runner.run(self.reader, (self.path,), None, done)

    def _start_again(self, result: ScriptResult, lived: int, now: Instant) -> None:
        self._ends = 0 if lived >= _SETTLED else self._ends
        pause = _PAUSES[min(self._ends, len(_PAUSES) - 1)]
        self._ends += 1
        when = f"a new one starts in {pause // NANOSECONDS_PER_SECOND} s"
        self._journal.warning(self._subject, f"its reader ended ({result.reason}); {when}")
        self._timer = self._poller.call_at(now + pause, self._read)
