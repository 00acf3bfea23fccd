# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One check of one target, over and over: due, probe, judge, due.

However many services list the same server with the same check, it is probed once and all of them follow. There may be
ten thousand of these in one process, so each holds only what is its own (the rest is in Bench) and no dictionary.
"""

from __future__ import annotations

import typing as t

from ...lvs.health import DOWN, CheckHistory, judge
from ...lvs.keys import ServerId
from ...model.check_config import Check
from ...model.units import Duration, Instant, seconds
from ...net.polling import Poller, Timer
from ...probes.outcome import ProbeOutcome
from ...probes.task import ProbeTask
from ...probes.verdict import Verdict
from .check_phase import first_due, next_due
from .probe_slots import ProbeSlots, Slot

KEEP_TASKS = seconds(2)
"""A check with a delay_loop up to this keeps its conversations, a kilobyte or so."""

Done = t.Callable[[ProbeOutcome], None]


class Cancellable(t.Protocol):
    """A check under way."""

    def cancel(self) -> None:
        """End it without an outcome."""


RunCheck = t.Callable[[Poller, t.Sequence[ProbeTask], Duration, Done], Cancellable]
"""net/check_run.start_check; tests bring a scripted one."""

BuildTasks = t.Callable[[Check, str, int], t.Sequence[ProbeTask]]
"""The conversations of a check with an address and port. Raises ValueError, in words."""


class Bench(t.NamedTuple):
    """What all checks share."""

    poller: Poller
    slots: ProbeSlots
    build: BuildTasks
    run: RunCheck
    judged: t.Callable[[SharedCheck, CheckHistory, ProbeOutcome, Instant], None]
    """Gets every outcome of every check, with the history as it was before, and when it came."""


class SharedCheck:
    """Checks one target until `rest`."""

    __slots__ = (
        "_bench",
        "_run",
        "_slot",
        "_tasks",
        "_timer",
        "address",
        "check",
        "followers",
        "hindrance",
        "history",
        "newly_hindered",
        "port",
        "seed",
    )

    def __init__(
        self, bench: Bench, check: Check, address: str, port: int, seed: int, history: CheckHistory
    ) -> None:
        self.check = check
        self.address = address
        self.port = port
        self.seed = seed
        self.history = history
        self.followers: t.Tuple[ServerId, ...] = ()
        """The servers whose health this check decides."""
        self.hindrance = ""
        """Why this host could not probe at the last attempt; empty when it could."""
        self.newly_hindered = False
        self._bench = bench
        self._timer: t.Optional[Timer] = None
        self._slot: t.Optional[Slot] = None
        self._run: t.Optional[Cancellable] = None
        self._tasks: t.Sequence[ProbeTask] = ()
        """Kept where it is asked often; else built for each probe, which costs less than the memory."""

    @property
    def resting(self) -> bool:
        """Neither due nor under way."""
        return self._timer is None and self._slot is None

    def begin(self, together: int, now: Instant) -> None:
        """Probe from now on; `together` is how many checks begin at this moment."""
        warmup = self.check.warmup or 0
        self._timer = self._bench.poller.call_at(first_due(self.seed, warmup, together, now), self._due)

    def rest(self) -> None:
        """Stop: the state stays, nothing happens to it any more. Harmless when it rests."""
        if self._timer is not None:
            self._timer.cancel()
        if self._run is not None:
            self._run.cancel()
        if self._slot is not None:
            self._slot.release()
        self._timer = self._run = self._slot = None

    def _due(self, _now: Instant) -> None:
        self._timer = None
        failed = self.history.health.state == DOWN
        self._slot = self._bench.slots.take(self._probe, failed, self.history.policy.delay_loop)

    def _probe(self) -> None:
        try:
            tasks = self._tasks or self._bench.build(self.check, self.address, self.port)
        except ValueError as unbuildable:
            self._end_later(ProbeOutcome(Verdict(False, str(unbuildable)), ran=False))
            return
        if (self.check.delay_loop or 0) <= KEEP_TASKS:
            self._tasks = tasks
        self._run = self._bench.run(self._bench.poller, tasks, self.check.connect_timeout or 0, self._done)

    def _end_later(self, outcome: ProbeOutcome) -> None:
        """In the next turn: this one still has to learn which slot is ours."""
        self._timer = self._bench.poller.call_at(self._bench.poller.now(), lambda _now: self._done(outcome))

    def _done(self, outcome: ProbeOutcome) -> None:
        self._run = None
        if self._slot is not None:
            slot, self._slot = self._slot, None
            slot.release()
        before, now = self.history, self._bench.poller.now()
        if outcome.ran:
            self.history = judge(before, outcome.verdict, now)[0]
        self.newly_hindered = not outcome.ran and not self.hindrance
        self.hindrance = "" if outcome.ran else outcome.verdict.reason
        self._timer = self._bench.poller.call_at(next_due(self.seed, self.history, now), self._due)
        self._bench.judged(self, before, outcome, now)
