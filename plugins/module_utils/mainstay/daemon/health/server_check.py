# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The check of one real server, over and over: due, probe, judge, due."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace

from ...lvs.health import CheckHistory, CheckPolicy, Health, judge
from ...model.config import Check
from ...model.units import Duration, Instant
from ...net.polling import Poller, Timer
from ...net.probe_driver import Done, Target
from ...probes.build import probe_for, probe_target
from ...probes.outcome import ProbeOutcome
from ...probes.verdict import Probe
from .check_phase import ServerKey, next_due
from .probe_slots import ProbeSlots, Slot


class Cancellable(t.Protocol):
    """A probe under way."""

    def cancel(self) -> None:
        """End it without an outcome."""


RunProbe = t.Callable[[Poller, Target, Probe, Duration, Done], Cancellable]
"""net/probe_driver.ProbeRun; tests bring a scripted one."""


@dataclass(frozen=True)
class CheckPlan:
    """All that the configuration says about one check; equal plans mean nothing changed."""

    check: Check
    policy: CheckPolicy


class ServerCheck:
    """Checks one real server until `end`."""

    def __init__(
        self,
        poller: Poller,
        slots: ProbeSlots,
        run_probe: RunProbe,
        key: ServerKey,
        plan: CheckPlan,
        history: CheckHistory,
        judged: t.Callable[[ServerCheck, Health], None],
    ) -> None:
        """`judged` gets every result, with the health as it was before."""
        self.key = key
        self.plan = plan
        self.history = history
        self.hindrance = ""
        """Why this host could not probe at the last attempt; empty when it could."""
        self.newly_hindered = False
        self._poller = poller
        self._slots = slots
        self._run_probe = run_probe
        self._judged = judged
        self._timer: t.Optional[Timer] = None
        self._slot: t.Optional[Slot] = None
        self._run: t.Optional[Cancellable] = None

    def begin(self, due: Instant) -> None:
        """Start the first probe at `due`."""
        self._timer = self._poller.call_at(due, self._due)

    def end(self) -> None:
        """Stop: nothing of this check happens any more."""
        if self._timer is not None:
            self._timer.cancel()
        if self._run is not None:
            self._run.cancel()
        if self._slot is not None:
            self._slot.release()

    def _due(self, _now: Instant) -> None:
        self._slot = self._slots.take(self._probe)

    def _probe(self) -> None:
        check = self.plan.check
        server = self.key[1]
        probe = probe_for(check, server.address, server.port)
        target = probe_target(check, server.address, server.port)
        self._run = self._run_probe(self._poller, target, probe, check.connect_timeout, self._done)

    def _done(self, outcome: ProbeOutcome) -> None:
        self._run = None
        if self._slot is not None:
            self._slot.release()
        before, now = self.history.health, self._poller.now()
        if outcome.ran:
            self.history = judge(self.history, outcome.verdict, now)[0]
        self.newly_hindered = not outcome.ran and not self.hindrance
        self.hindrance = "" if outcome.ran else outcome.verdict.reason
        self._timer = self._poller.call_at(next_due(self.key, self.history, now), self._due)
        self._judged(self, before)


def continued(history: CheckHistory, policy: CheckPolicy) -> CheckHistory:
    """The history goes on under a changed policy: the state stays, failures are counted anew."""
    return replace(history, policy=policy, failures=0)
