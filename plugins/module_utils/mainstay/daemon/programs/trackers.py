# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that is tracked by the supervisor: scripts, files and processes, and what the vrrp worker is told of it.

Only what an instance or a group refers to is tracked. The worker is told all results at once whenever one of them is
another one. A definition that a reload leaves as it was goes on untouched; of a script that changed, the old verdict
is shown until the new one has its first result, so that changing an interval is no failover.
"""

from __future__ import annotations

import typing as t

from ...model.config import Config
from ...model.units import Instant
from ...model.vrrp_config import Tracking
from ...net.polling import Poller
from ..journal import Journal
from .file_trackers import FileTrackers
from .process_trackers import ProcessTrackers
from .script_trackers import ScriptTrackers
from .scripts import ScriptRunner

Document = t.Dict[str, t.Any]
Publish = t.Callable[[Document], None]
"""Takes {"script:NAME": {"up": ..., "why": ...}, "file:NAME": {"value": ...}, "process:NAME": {...}}: all of them."""

_Definition = t.TypeVar("_Definition")


class Trackers:
    """The trackers of the running configuration."""

    def __init__(self, poller: Poller, journal: Journal, runner: ScriptRunner, publish: Publish) -> None:
        """`runner` is for scripts of trackers alone: a notify script that hangs takes no room from them."""
        self._publish = publish
        self._scripts = ScriptTrackers(poller, journal, runner, self._tell)
        self._files = FileTrackers(poller, journal, self._tell)
        self._processes = ProcessTrackers(poller, journal, self._tell)
        self._told: Document = {}
        self._busy = False

    def configure(self, config: Config, now: Instant) -> None:
        """Track what this configuration refers to."""
        tracked = [instance.tracking for instance in config.vrrp_instances.values()]
        tracked += [group.tracking for group in config.vrrp_sync_groups.values()]
        self._busy = True  # one message for all of them
        self._scripts.configure(_used(config.vrrp_scripts, tracked, "track_script"), now)
        self._files.configure(_used(config.track_files, tracked, "track_file"))
        self._processes.configure(_used(config.vrrp_track_processes, tracked, "track_process"), now)
        self._busy = False
        self._tell()

    def close(self, now: Instant) -> None:
        """Track nothing any more; what was told stays."""
        self._busy = True
        self._scripts.close(now)
        self._files.close()
        self._processes.close()

    def status(self) -> Document:
        """Every tracker: script:NAME, file:NAME, process:NAME."""
        return {**self._scripts.status(), **self._files.status(), **self._processes.status()}

    def _tell(self) -> None:
        if self._busy:
            return
        results = {**self._scripts.results(), **self._files.results(), **self._processes.results()}
        if results != self._told:
            self._told = results
            self._publish(results)


def _used(
    definitions: t.Mapping[str, _Definition], tracked: t.Sequence[Tracking], kind: str
) -> t.Dict[str, _Definition]:
    """Those that somebody refers to."""
    names = {reference.name for tracking in tracked for reference in getattr(tracking, kind)}
    return {name: definition for name, definition in definitions.items() if name in names}
