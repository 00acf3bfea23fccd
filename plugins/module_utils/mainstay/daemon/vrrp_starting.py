# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starting runners: who goes on as master, and who has to wait a moment before that can be known.

Theory of operation. A restarted daemon finds its addresses under leases so young that no peer can have taken over, and
adopts them. What it tracks by scripts it does not know yet, and an instance that waits for a first result is in FAULT:
each restart would move every address that a script guards. So whoever has the proof, and is kept back by nothing but
first results, is not started yet. It holds on to what the kernel holds for it, says nothing, and starts as master when
the results are good. That may last half a second: by then the proof must still be good, so it is asked for with that
margin from the beginning.

Members of a sync group start together: all of them adopt, or none does.
"""

from __future__ import annotations

import typing as t

from ..model.units import NANOSECONDS_PER_MILLISECOND, Instant
from ..net.polling import Poller, Timer
from .vrrp_groups import Groups
from .vrrp_instance_runner import InstanceRunner

PATIENCE = 500 * NANOSECONDS_PER_MILLISECOND

_Unit = t.Tuple[InstanceRunner, ...]
"""Runners that start together."""


class Starting:
    """The runners that have not been started yet."""

    def __init__(self, poller: Poller, groups: Groups) -> None:
        self._poller = poller
        self._groups = groups
        self._waiting: t.List[_Unit] = []
        self._hold_until: t.Optional[Instant] = None
        self._timer: t.Optional[Timer] = None

    def begin(
        self, fresh: t.Sequence[InstanceRunner], may_adopt: bool, hold_until: t.Optional[Instant], now: Instant
    ) -> None:
        """Start them, or wait with those that could adopt if only their checks had been made."""
        self._hold_until = hold_until
        for unit in self._units(fresh):
            if may_adopt and _could_adopt(unit):
                self._waiting.append(unit)
            else:
                self._start(unit, may_adopt and all(runner.holds_proof() for runner in unit), now)
        if self._waiting:
            self._timer = self._poller.call_at(now + PATIENCE, self.finish)

    def results_came(self, now: Instant) -> None:
        """Start those that wait for nothing any more."""
        ready = [unit for unit in self._waiting if not any(runner.only_waits() for runner in unit)]
        for unit in ready:
            self._waiting.remove(unit)
            self._start(unit, not any(runner.router.own_faults for runner in unit), now)

    def finish(self, now: Instant) -> None:
        """Start everybody, whatever is known: time is up, or something else is to begin."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        waiting, self._waiting = self._waiting, []
        for unit in waiting:
            self._start(unit, False, now)

    def _start(self, unit: _Unit, adopt: bool, now: Instant) -> None:
        for runner in unit:
            runner.start(now, adopt, self._hold_until)

    def _units(self, fresh: t.Sequence[InstanceRunner]) -> t.List[_Unit]:
        """Groups whose members are all fresh, then everybody else alone."""
        groups = [tuple(group.members.values()) for group in self._groups.runners.values()]
        whole = [unit for unit in groups if unit and set(unit).issubset(fresh)]
        together = {runner for unit in whole for runner in unit}
        return [*whole, *((runner,) for runner in fresh if runner not in together)]


def _could_adopt(unit: _Unit) -> bool:
    return any(runner.only_waits() for runner in unit) and all(
        runner.holds_proof(PATIENCE) and (runner.only_waits() or not runner.router.own_faults) for runner in unit
    )
