# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All vrrp_track_processes of the running configuration."""

from __future__ import annotations

import os
import typing as t

from ...model.tracking import VrrpTrackProcess
from ...model.units import Instant
from ...net.polling import Poller
from ..journal import Journal
from .process_table import ProcessEntry
from .process_tracker import ProcessTracker, matches
from .process_watch import ProcessWatch


class ProcessTrackers:
    """Counts their processes; nothing of the machine's processes is looked at while there are none."""

    def __init__(self, poller: Poller, journal: Journal, changed: t.Callable[[], None]) -> None:
        """`changed` is called when one of them is up or down now and was not before."""
        self._poller = poller
        self._journal = journal
        self._changed = changed
        self._trackers: t.Dict[str, ProcessTracker] = {}
        self._watch: t.Optional[ProcessWatch] = None

    def configure(self, wanted: t.Mapping[str, VrrpTrackProcess], now: Instant) -> None:
        """Count these from now on."""
        before, self._trackers = self._trackers, {}
        for name, definition in wanted.items():
            old = before.get(name)
            same = old is not None and old.wanted == definition
            self._trackers[name] = before.pop(name) if same else self._tracker(definition)
        for tracker in before.values():
            tracker.close()
        self._watch_for_them()
        self._count(now)

    def close(self) -> None:
        """Count none any more."""
        for tracker in self._trackers.values():
            tracker.close()
        if self._watch is not None:
            self._watch.close()
            self._watch = None

    def results(self) -> t.Dict[str, t.Dict[str, object]]:
        """Of all: the first count is there at once."""
        return {f"process:{name}": {"up": one.up, "why": one.why_up} for name, one in self._trackers.items()}

    def status(self) -> t.Dict[str, t.Dict[str, object]]:
        """All of them."""
        source = self._watch.source if self._watch is not None else ""
        return {f"process:{name}": {**one.document(), "source": source} for name, one in self._trackers.items()}

    def _tracker(self, definition: VrrpTrackProcess) -> ProcessTracker:
        return ProcessTracker(definition, self._poller, self._tracker_changed)

    def _watch_for_them(self) -> None:
        if not self._trackers:
            if self._watch is not None:
                self._watch.close()
                self._watch = None
        elif self._watch is not None:
            self._watch.scan()
        else:
            if not os.path.exists("/proc/1"):
                remedy = "set ProtectProc=default in the unit, or mount /proc without hidepid"
                self._journal.warning("track_process", f"processes of other users cannot be seen; {remedy}")
            self._watch = ProcessWatch(self._poller, self._meant, self._count)
            self._watch.start()

    def _meant(self, entry: ProcessEntry) -> bool:
        return any(matches(tracker.wanted, entry) for tracker in self._trackers.values())

    def _count(self, now: Instant) -> None:
        if self._watch is not None:
            for tracker in self._trackers.values():
                tracker.look(self._watch.processes.values(), now)

    def _tracker_changed(self, tracker: ProcessTracker) -> None:
        say = self._journal.info if tracker.up else self._journal.warning
        say(f"vrrp_track_process {tracker.wanted.name}", f"{'up' if tracker.up else 'down'}: {tracker.why}")
        self._changed()
