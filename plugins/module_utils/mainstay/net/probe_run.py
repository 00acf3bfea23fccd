# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every run of a probe is, whatever it talks over: one task, one socket, one deadline, one end.

Theory of operation. A run ends in exactly one of two ways: an outcome goes to `done`, or `cancel()` was called. `done`
is never called from within the constructor, so the caller may keep the run in a variable first.

Not every failure is the server's. A shortage of this host, a configuration that this host cannot carry out, or a
wake-up long after the deadline (the process was frozen, the answer may be there unread), gives an outcome that did
not run.
"""

from __future__ import annotations

import errno
import socket
import typing as t

from ..model.units import Duration, Instant, as_seconds, seconds
from ..probes.outcome import ProbeOutcome
from ..probes.task import ProbeTask
from ..probes.verdict import Verdict
from .polling import Poller
from .probe_errors import OwnTrouble, TlsFailure, error_sentence, is_own_shortage

_STALL = seconds(1)
"""Not less for a shorter timeout: on a busy machine a server that is dead would never be found out."""

SOCKET_FLAGS = socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC

Done = t.Callable[[ProbeOutcome], None]
Judged = t.Tuple[Verdict, bool]
"""The verdict, and whether it says anything about the server."""


def held_up(late: Duration) -> t.Optional[Verdict]:
    """Of a deadline that is noticed so late that this process missed it and not the server; else None."""
    if late <= _STALL:
        return None
    return Verdict(False, f"this process was held up for {as_seconds(late):.1f} s")


class TimedRun:
    """One run of `task`; begins at once."""

    __slots__ = (
        "_done", "_first_byte_ns", "_poller", "_probe", "_received", "_socket", "_started", "_task", "_timeout",
        "_timer",
    )  # fmt: skip

    def __init__(self, poller: Poller, task: ProbeTask, timeout: Duration, done: Done) -> None:
        """`timeout` in nanoseconds is the deadline of the whole run; `done` gets the outcome, once."""
        self._poller = poller
        self._task = task
        self._probe = task.begin()
        self._timeout = timeout
        self._done = done
        self._socket: t.Optional[socket.socket] = None
        self._received = 0
        self._first_byte_ns: t.Optional[Duration] = None
        self._started = poller.now()
        self._timer = poller.call_at(self._started + timeout, self._expired)
        self._begin()

    def cancel(self) -> None:
        """Forget the run; `done` is not called any more. Harmless when it is over."""
        self._timer.cancel()
        if self._socket is not None:
            self._poller.unwatch(self._socket.fileno())
            self._socket.close()
            self._socket = None

    def _begin(self) -> None:
        """An end that is known inside the constructor already is told from the next turn of the loop."""
        try:
            verdict, ran = self._open(), True
        except OwnTrouble as trouble:
            verdict, ran = Verdict(False, str(trouble)), False
        except OSError as error:
            verdict, ran = self._judge_error(error)
        if verdict is not None:
            ended = verdict
            self._timer.cancel()
            self._timer = self._poller.call_at(self._started, lambda now: self._end(ended, now, ran))

    def _ready(self, bits: int, now: Instant) -> None:
        # `done` is called outside the try: an OSError of the caller's is not this server's.
        if self._socket is None:
            return
        ran = True
        try:
            verdict = self._advance(self._socket, bits, now)
        except BlockingIOError:
            return
        except OwnTrouble as trouble:
            verdict, ran = Verdict(False, str(trouble)), False
        except TlsFailure as failure:
            verdict = Verdict(False, str(failure))
        except OSError as error:
            verdict, ran = self._judge_error(error)
        if verdict is not None:
            self._end(verdict, now, ran)

    def _expired(self, now: Instant) -> None:
        slept = held_up(now - self._started - self._timeout)
        if slept is not None:
            self._end(slept, now, ran=False)
        else:
            self._end(self._out_of_time(), now)

    def _judge_error(self, error: OSError) -> Judged:
        """The errno in words."""
        code = error.errno or errno.EIO
        own = is_own_shortage(code)
        return (Verdict(False, error_sentence(code)) if own else self._failure(code)), not own

    def _open(self) -> t.Optional[Verdict]:
        """Open the socket, have it watched; the verdict if there is one already. Raises OSError and OwnTrouble."""
        raise NotImplementedError

    def _advance(self, connection: socket.socket, bits: int, now: Instant) -> t.Optional[Verdict]:
        """One step; the verdict ends the run. Raises OSError, OwnTrouble and TlsFailure."""
        raise NotImplementedError

    def _failure(self, code: int) -> Verdict:
        """What this errno says of the server."""
        raise NotImplementedError

    def _out_of_time(self) -> Verdict:
        """At the deadline."""
        raise NotImplementedError

    def _end(self, verdict: Verdict, now: Instant, ran: bool = True) -> None:
        """Cancel, then tell `done`."""
        raise NotImplementedError
