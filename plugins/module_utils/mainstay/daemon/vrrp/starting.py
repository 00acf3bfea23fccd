# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starting runners: who goes on as master, and who has to wait a moment before that can be known.

Theory of operation. A restarted daemon finds its addresses under leases so young that no peer can have taken over, and
adopts them. What it tracks by scripts it does not know yet, and an instance that waits for a first result is in FAULT:
each restart would move every address that a script guards. So whoever has the proof, and is kept back by nothing but
first results, is not started yet. It holds on to what the kernel holds for it, says nothing, and starts as master when
the results are good. That may last a second and a half, or half a second with a proof that is good for no longer: when
the wait ends it must still be good, so it is asked for with that margin from the beginning.

Members of a sync group start together: all of them adopt, or none does.
"""

from __future__ import annotations

import functools
import typing as t

from ...model.units import NANOSECONDS_PER_MILLISECOND, Duration, Instant
from ...net.polling import Poller, Timer
from .groups import Groups
from .instance_runner import InstanceRunner

PATIENCE = (1500 * NANOSECONDS_PER_MILLISECOND, 500 * NANOSECONDS_PER_MILLISECOND)
"""The longest that the proof allows. A check needs some 10 ms, on a machine that has just booted far more."""

_Unit = t.Tuple[InstanceRunner, ...]
"""Runners that start together."""


class Starting:
    """The runners that have not been started yet."""

    def __init__(self, poller: Poller, groups: Groups) -> None:
        self._poller = poller
        self._groups = groups
        self._waiting: t.Dict[_Unit, Timer] = {}
        self._hold_until: t.Optional[Instant] = None

    def begin(
        self, fresh: t.Sequence[InstanceRunner], may_adopt: bool, hold_until: t.Optional[Instant], now: Instant
    ) -> None:
        """Start them, or wait with those that could adopt if only their checks had been made."""
        self._hold_until = hold_until
        for unit in self._units(fresh):
            patience = _patience(unit) if may_adopt else None
            if patience is not None:
                self._waiting[unit] = self._poller.call_at(now + patience, functools.partial(self._give_up, unit))
            else:
                self._start(unit, may_adopt and all(runner.holds_proof() for runner in unit), now)

    def results_came(self, now: Instant) -> None:
        """Start those that wait for nothing any more."""
        ready = [unit for unit in self._waiting if not any(runner.only_waits() for runner in unit)]
        for unit in ready:
            self._waiting.pop(unit).cancel()
            self._start(unit, not any(runner.router.own_faults for runner in unit), now)

    def finish(self, now: Instant) -> None:
        """Start everybody, whatever is known: something else is to begin."""
        for unit, timer in tuple(self._waiting.items()):
            timer.cancel()
            self._give_up(unit, now)

    def _give_up(self, unit: _Unit, now: Instant) -> None:
        """Its time is up."""
        del self._waiting[unit]
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


def _patience(unit: _Unit) -> t.Optional[Duration]:
    """How long to wait for the first results of this unit; None when it is not them that keep it back."""
    if not any(runner.only_waits() for runner in unit):
        return None
    if any(runner.router.own_faults and not runner.only_waits() for runner in unit):
        return None
    return next((long for long in PATIENCE if all(runner.holds_proof(long) for runner in unit)), None)
