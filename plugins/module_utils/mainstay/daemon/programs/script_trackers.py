# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All vrrp_scripts of the running configuration."""

from __future__ import annotations

import typing as t

from ...model.tracking import VrrpScript
from ...model.units import NANOSECONDS_PER_MILLISECOND, Instant
from ...net.polling import Poller
from ..journal import Journal
from .script_tracker import ScriptTracker
from .scripts import ScriptRunner

_SPREAD = 20 * NANOSECONDS_PER_MILLISECOND
"""Between the first runs of two scripts: they do not all start in the same moment, then and with every interval."""


class ScriptTrackers:
    """Runs them, keeps what a reload does not change."""

    def __init__(self, poller: Poller, journal: Journal, runner: ScriptRunner, changed: t.Callable[[], None]) -> None:
        """`changed` is called when one of them is up or down now and was not before."""
        self._poller = poller
        self._journal = journal
        self._runner = runner
        self._changed = changed
        self._trackers: t.Dict[str, ScriptTracker] = {}

    def configure(self, scripts: t.Mapping[str, VrrpScript], now: Instant) -> None:
        """Run these from now on."""
        before, self._trackers = self._trackers, {}
        fresh: t.List[ScriptTracker] = []
        for name, script in scripts.items():
            old = before.get(name)
            if old is not None and old.script == script:
                self._trackers[name] = before.pop(name)
            else:
                self._trackers[name] = self._tracker(script, old)
                fresh.append(self._trackers[name])
        for tracker in before.values():
            tracker.close(now)
        for place, tracker in enumerate(fresh):
            tracker.start(place * _SPREAD)

    def close(self, now: Instant) -> None:
        """Run none any more."""
        for tracker in self._trackers.values():
            tracker.close(now)

    def results(self) -> t.Dict[str, t.Dict[str, object]]:
        """Of those that have one."""
        known = ((name, tracker) for name, tracker in self._trackers.items() if tracker.up is not None)
        return {f"script:{name}": {"up": tracker.up, "why": tracker.why_up} for name, tracker in known}

    def status(self) -> t.Dict[str, t.Dict[str, object]]:
        """All of them."""
        return {f"script:{name}": tracker.document() for name, tracker in self._trackers.items()}

    def _tracker(self, script: VrrpScript, old: t.Optional[ScriptTracker]) -> ScriptTracker:
        problem = self._runner.problem(script.script)
        if problem:
            self._journal.error(f"vrrp_script {script.name}", f"{problem}; its runs count as failed")
        shown = old.up if old is not None else None
        return ScriptTracker(script, self._runner, self._poller, self._tracker_changed, shown)

    def _tracker_changed(self, tracker: ScriptTracker) -> None:
        say = self._journal.info if tracker.up else self._journal.warning
        say(f"vrrp_script {tracker.script.name}", f"{'up' if tracker.up else 'down'}: {tracker.why}")
        self._changed()
