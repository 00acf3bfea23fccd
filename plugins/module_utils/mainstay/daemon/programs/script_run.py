# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One program from its start to its end.

It is only watched: its end through a pidfd, its output through a pipe that is read on and thrown away beyond a limit,
its deadline by a timer. A deadline that is noticed late was slept through by this process, and perhaps by the program
too: it begins anew. Over the deadline its process group gets SIGTERM, a second later SIGKILL; a process that not
even that ends (it hangs in the kernel) is given up as far as its caller is concerned, and collected whenever it dies.
"""

from __future__ import annotations

import contextlib
import os
import signal
import typing as t
from dataclasses import dataclass

from ...model.units import NANOSECONDS_PER_MILLISECOND, NANOSECONDS_PER_SECOND, Duration, Instant, as_seconds
from ...net.polling import READABLE, Poller, Timer
from ..signals import signal_name
from .watched_child import Started

OUTPUT_KEPT = 4096
_GRACE = NANOSECONDS_PER_SECOND
"""Between SIGTERM and SIGKILL, and between that and giving up."""
_STALL = NANOSECONDS_PER_SECOND
"""A deadline noticed this much late was slept through."""
_PIECE = 65536
_PAUSE = 10 * NANOSECONDS_PER_MILLISECOND
"""After each full piece of output: a flood costs a little time, not all of it."""


@dataclass(frozen=True)
class ScriptResult:
    """How one run ended."""

    status: t.Optional[int]
    """Exit status; None when it did not end by itself, or never ran."""
    reason: str
    """A sentence for people: "exit status 1: no route", "did not end within 2 s", "cannot be started: ..."."""
    took: Duration
    output: str = ""
    """The first OUTPUT_KEPT bytes of standard output and error together."""

    @property
    def good(self) -> bool:
        """It ended by itself with status 0."""
        return self.status == 0


def last_run(last: t.Optional[ScriptResult]) -> t.Dict[str, object]:
    """For the status: how a program's latest run ended; None before the first one has."""
    return {
        "status": last.status if last else None,
        "took": round(as_seconds(last.took), 3) if last else None,
        "output": last.output if last else "",
    }


Done = t.Callable[[ScriptResult, Instant], None]


class Run:
    """One program from its start to its end."""

    def __init__(
        self,
        poller: Poller,
        started: Started,
        timeout: t.Optional[Duration],
        done: Done,
        gone: t.Callable[[Instant], None],
    ) -> None:
        """`done` is called once with the result, `gone` once when the process is no more: at the same time, unless
        it cannot be killed.
        """
        now = poller.now()
        self.pid = started.pid
        self._poller = poller
        self._started = started
        self._since = now
        self._done: t.Optional[Done] = done
        self._gone = gone
        self._ended_why = ""
        self._output = bytearray()
        self._timer: t.Optional[Timer] = None
        self._pause: t.Optional[Timer] = None
        if timeout is not None:
            self._allow(timeout, now)
        poller.watch(started.pidfd, READABLE, lambda _bits, at: self._reap(at))
        self._listen(now)

    def end(self, why: str, now: Instant) -> None:
        """SIGTERM to its process group, SIGKILL a second later. `why` becomes its result; ending twice is harmless."""
        if not self._ended_why:
            self._ended_why = why
            self._signal(signal.SIGTERM)
            self._set_timer(now + _GRACE, self._kill)

    def _allow(self, timeout: Duration, now: Instant) -> None:
        """So long from now."""
        deadline = now + timeout

        def overdue(at: Instant) -> None:
            if at - deadline > _STALL:
                self._allow(timeout, at)
            else:
                self.end(f"did not end within {as_seconds(timeout):g} s", at)

        self._set_timer(deadline, overdue)

    def _kill(self, now: Instant) -> None:
        self._signal(signal.SIGKILL)
        self._set_timer(now + _GRACE, self._give_up)

    def _give_up(self, now: Instant) -> None:
        self._finish(None, f"{self._ended_why}, and pid {self.pid} cannot be killed", now)

    def _set_timer(self, deadline: Instant, due: t.Callable[[Instant], None]) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._poller.call_at(deadline, due)

    def _signal(self, number: signal.Signals) -> None:
        """To the whole group; to the child alone while it has not made its own one yet."""
        try:
            os.killpg(self.pid, number)
        except ProcessLookupError:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)
        except PermissionError:
            self._ended_why += f" (no permission to send {number.name}; the service needs CAP_KILL)"

    def _reap(self, now: Instant) -> None:
        if self._ended_why:  # others of its group may have ignored SIGTERM; its number is ours until it is reaped
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)
        _pid, wait_status = os.waitpid(self.pid, 0)
        self._read(now)
        failure = _read_rest(self._started.failure)
        for descriptor in (self._started.pidfd, self._started.output, self._started.failure):
            self._poller.unwatch(descriptor)
            os.close(descriptor)
        for timer in (self._timer, self._pause):
            if timer is not None:
                timer.cancel()
        self._finish(*self._verdict(os.waitstatus_to_exitcode(wait_status), failure), now)
        self._gone(now)

    def _verdict(self, status: int, failure: str) -> t.Tuple[t.Optional[int], str]:
        if self._ended_why:
            return None, self._ended_why
        if failure:
            return None, failure
        if status < 0:
            return None, f"was killed by {signal_name(-status)}"
        said = _first_line(self._text()) if status else ""
        return status, f"exit status {status}" + (f": {said}" if said else "")

    def _finish(self, status: t.Optional[int], reason: str, now: Instant) -> None:
        done, self._done = self._done, None
        if done is not None:
            done(ScriptResult(status, reason, now - self._since, self._text()), now)

    def _text(self) -> str:
        return self._output.decode("utf-8", "replace")

    def _listen(self, _now: Instant) -> None:
        self._pause = None
        self._poller.watch(self._started.output, READABLE, lambda _bits, now: self._read(now))

    def _read(self, now: Instant) -> None:
        try:
            piece = os.read(self._started.output, _PIECE)
        except BlockingIOError:
            return
        self._output += piece[: OUTPUT_KEPT - len(self._output)]
        if not piece:
            self._poller.unwatch(self._started.output)
        elif len(piece) == _PIECE and self._pause is None:
            self._poller.unwatch(self._started.output)
            self._pause = self._poller.call_at(now + _PAUSE, self._listen)


def _read_rest(descriptor: int) -> str:
    with contextlib.suppress(BlockingIOError):
        return os.read(descriptor, 1024).decode("utf-8", "replace")
    return ""


def _first_line(text: str) -> str:
    """Printable, short enough for a journal."""
    line = text.strip().partition("\n")[0][:200]
    return "".join(character if character.isprintable() else "?" for character in line)
