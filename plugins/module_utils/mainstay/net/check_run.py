# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs one check: its tasks one after the other, until one fails or all have passed."""

from __future__ import annotations

import typing as t
from dataclasses import replace

from ..model.units import Duration, as_seconds
from ..probes.outcome import ProbeOutcome
from ..probes.task import ICMP, TCP, TLS, UDP, ProbeTask
from .datagram_run import DatagramRun
from .polling import Poller
from .probe_driver import ProbeRun
from .probe_run import Done, held_up


class Cancellable(t.Protocol):
    """A probe under way."""

    def cancel(self) -> None:
        """End it without an outcome."""


StartRun = t.Callable[[Poller, ProbeTask, Duration, Done], Cancellable]
"""Begins one task; `done` gets its outcome, never before this returns."""

_TRANSPORTS: t.Dict[str, StartRun] = {TCP: ProbeRun, TLS: ProbeRun, UDP: DatagramRun, ICMP: DatagramRun}


class CheckRun:
    """One run of one check; begins at once."""

    __slots__ = ("_done", "_index", "_left", "_outcomes", "_poller", "_run", "_tasks", "_timeout", "_until")

    def __init__(self, poller: Poller, tasks: t.Sequence[ProbeTask], timeout: Duration, done: Done) -> None:
        """All tasks together have `timeout`, in nanoseconds: each gets what those before it have left. `done` gets the
        outcome, once, never from within here.
        """
        self._poller = poller
        self._tasks = tasks
        self._timeout = self._left = timeout
        self._until = poller.now() + timeout
        self._done = done
        self._index = 0
        self._outcomes: t.List[ProbeOutcome] = []
        self._run: t.Optional[Cancellable] = self._begin()

    def cancel(self) -> None:
        """Forget the run; `done` is not called any more. Harmless when it is over."""
        if self._run is not None:
            self._run.cancel()

    def _begin(self) -> Cancellable:
        task = self._tasks[self._index]
        return _TRANSPORTS[task.transport](self._poller, task, self._left, self._ended)

    def _ended(self, outcome: ProbeOutcome) -> None:
        # The run holds this method: without each other they go at once, and not when garbage is collected.
        self._run = None
        if len(self._tasks) == 1:
            self._done(outcome)
            return
        if not outcome.verdict.ok and self._index and outcome.total_ns >= self._left:
            outcome = self._out_of_time(outcome)
        self._outcomes.append(outcome)
        self._index += 1
        if not outcome.verdict.ok or self._index == len(self._tasks):
            self._done(_together(self._tasks, self._outcomes))
            return
        left = self._until - self._poller.now()
        slept = held_up(-left)
        if slept is not None:
            self._outcomes.append(ProbeOutcome(slept, ran=False))
            self._done(_together(self._tasks, self._outcomes))
            return
        self._left = max(0, left)  # then it ends in the next turn, by its name
        self._run = self._begin()

    def _out_of_time(self, outcome: ProbeOutcome) -> ProbeOutcome:
        """Who reads the reason looks for a slow server, not for one that had a short while."""
        limit = f"connect_timeout {as_seconds(self._timeout):g} s is for all {len(self._tasks)} together"
        reason = f"{outcome.verdict.reason}, what the {self._index} before it had left: {limit}"
        return replace(outcome, verdict=replace(outcome.verdict, reason=reason))


def start_check(poller: Poller, tasks: t.Sequence[ProbeTask], timeout: Duration, done: Done) -> Cancellable:
    """Begin a check, as CheckRun does; one of a single task needs nobody who counts tasks."""
    if len(tasks) > 1:
        return CheckRun(poller, tasks, timeout, done)
    return _TRANSPORTS[tasks[0].transport](poller, tasks[0], timeout, done)


def _together(tasks: t.Sequence[ProbeTask], outcomes: t.Sequence[ProbeOutcome]) -> ProbeOutcome:
    """One outcome of several tasks: the last one's verdict and phases, counted from the start of the first."""
    last, before = outcomes[-1], sum(outcome.total_ns for outcome in outcomes[:-1])
    subject = tasks[len(outcomes) - 1].subject
    verdicts = [outcome.verdict for outcome in outcomes]
    reason = f"all {len(tasks)} passed, the last: {last.verdict.reason}"
    if not last.verdict.ok:
        reason = f"{subject}: {last.verdict.reason}"
    return replace(
        last,
        verdict=replace(
            last.verdict,
            reason=reason,
            notes=tuple(dict.fromkeys(note for verdict in verdicts for note in verdict.notes)),
        ),
        connect_ns=_after(before, last.connect_ns),
        tls_ns=_after(before, last.tls_ns),
        first_byte_ns=_after(before, last.first_byte_ns),
        total_ns=before + last.total_ns,
    )


def _after(before: Duration, phase: t.Optional[Duration]) -> t.Optional[Duration]:
    return None if phase is None else before + phase
