# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that the supervisor tracks, and what the workers are told of it: scripts, files and processes for the vrrp
worker; the programs, files and BFD sessions of health checks for the health worker.

Only what an instance, a group or a check refers to is tracked. A worker is told all its results at once whenever one of
them is another one. A definition that a reload leaves as it was goes on untouched; of a script that changed, the old
verdict is shown until the new one has its first result, so that changing an interval is no failover.
"""

from __future__ import annotations

import typing as t

from ...lvs.keys import server_text
from ...model.check_config import BfdCheck, Check, FileCheck, MiscCheck
from ...model.config import Config
from ...model.lvs_config import RealServer
from ...model.lvs_defaults import running_service
from ...model.units import Instant
from ...model.vrrp_config import Tracking
from ...net.polling import Poller
from ..check_names import told_name
from ..journal import Journal
from ..worker import Happening
from .bfd_results import BfdResults
from .file_trackers import FileTrackers
from .misc_checks import MiscChecks
from .process_trackers import ProcessTrackers
from .script_trackers import ScriptTrackers
from .scripts import ScriptRunner

Document = t.Dict[str, t.Any]
Publish = t.Callable[[Document], None]
"""Takes {"script:NAME": {"up": ..., "why": ...}, "file:NAME": {"value": ..., "why": ...}, ...}: all.

Of checks: {"misc:SERVICE SERVER DIGEST": {"up", "weight", "why", "at"}, "file:NAME": {...}, "bfd:NAME": {...}}.
"""

_MADE_HERE = (MiscCheck, FileCheck, BfdCheck)
_Definition = t.TypeVar("_Definition")


class Trackers:
    """The trackers of the running configuration."""

    def __init__(
        self,
        poller: Poller,
        journal: Journal,
        runner: ScriptRunner,
        check_runner: ScriptRunner,
        publish: Publish,
        publish_checks: Publish,
    ) -> None:
        """`runner` is for scripts of trackers alone, `check_runner` for those of checks: none takes room from another.

        `publish` tells the vrrp worker, `publish_checks` the health worker.
        """
        self._publish = publish
        self._publish_checks = publish_checks
        self._of_instances: t.FrozenSet[str] = frozenset()
        """Names of the files that count there; so below."""
        self._of_checks: t.FrozenSet[str] = frozenset()
        self._misc = MiscChecks(poller, journal, check_runner, self._tell)
        self._bfd = BfdResults(poller, self._tell)
        self._scripts = ScriptTrackers(poller, journal, runner, self._tell)
        self._files = FileTrackers(poller, journal, self._tell)
        self._processes = ProcessTrackers(poller, journal, self._tell)
        self._told: Document = {}
        self._told_checks: Document = {}
        self._busy = False

    def configure(self, config: Config, now: Instant) -> None:
        """Track what this configuration refers to."""
        tracked = [instance.tracking for instance in config.vrrp_instances.values()]
        tracked += [group.tracking for group in config.vrrp_sync_groups.values()]
        self._busy = True  # one message for all of them
        self._scripts.configure(_used(config.vrrp_scripts, tracked, "track_script"), now)
        self._configure_checks(config, now)
        self._of_instances = frozenset(_used(config.track_files, tracked, "track_file"))
        files = self._of_instances | self._of_checks
        self._files.configure({name: file for name, file in config.track_files.items() if name in files})
        self._processes.configure(_used(config.vrrp_track_processes, tracked, "track_process"), now)
        self._busy = False
        self._tell()

    def happened(self, happening: Happening, now: Instant) -> None:
        """A worker tells what happened; of BFD sessions that counts here."""
        self._bfd.happened(happening, now)

    def close(self, now: Instant) -> None:
        """Track nothing any more; what was told stays."""
        self._busy = True
        self._misc.close(now)
        self._scripts.close(now)
        self._files.close()
        self._processes.close()

    def status(self) -> Document:
        """Every tracker: script:NAME, file:NAME, process:NAME, misc:SERVICE SERVER DIGEST."""
        trackers = {**self._scripts.status(), **self._files.status(), **self._processes.status()}
        return {**trackers, **self._misc.status()}

    def programs(self) -> Document:
        """Status of the programs of checks alone."""
        return self._misc.status()

    def _configure_checks(self, config: Config, now: Instant) -> None:
        checks = _checks(config)
        self._misc.configure({key: one for key, one in checks.items() if isinstance(one, MiscCheck)}, now)
        self._of_checks = frozenset(one.track_file for one in checks.values() if isinstance(one, FileCheck))
        sessions = frozenset(one.name for one in checks.values() if isinstance(one, BfdCheck))
        self._bfd.configure(sessions, config.bfd_instances)

    def _tell(self) -> None:
        if self._busy:
            return
        files = self._files.results(self._of_instances)
        results = {**self._scripts.results(), **files, **self._processes.results()}
        if results != self._told:
            self._told = results
            self._publish(results)
        checks = {**self._misc.results(), **self._files.results(self._of_checks), **self._bfd.results()}
        if checks != self._told_checks:
            self._told_checks = checks
            self._publish_checks(checks)


def _checks(config: Config) -> t.Dict[str, Check]:
    """Every check that is made here, with nothing left open, by the name of its result."""
    told = (service for service in config.virtual_servers.values() if any(map(_has_told, service.real_servers)))
    return {
        told_name((service.name, server_text(server)), check): check
        for service in (running_service(one, config) for one in told)
        for server in service.real_servers
        for check in server.checks
        if isinstance(check, _MADE_HERE)
    }


def _has_told(server: RealServer) -> bool:
    return any(isinstance(check, _MADE_HERE) for check in server.checks)


def _used(
    definitions: t.Mapping[str, _Definition], tracked: t.Sequence[Tracking], kind: str
) -> t.Dict[str, _Definition]:
    """Those that somebody refers to."""
    names = {reference.name for tracking in tracked for reference in getattr(tracking, kind)}
    return {name: definition for name, definition in definitions.items() if name in names}
