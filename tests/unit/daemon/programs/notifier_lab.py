# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A notifier whose programs write down how they were called."""

from __future__ import annotations

import os
import typing as t
from pathlib import Path

from mainstay.daemon.journal import Journal
from mainstay.daemon.programs.notifier import Notifier
from mainstay.daemon.worker import Happening
from mainstay.model.commands import Command
from mainstay.model.config import Config, GlobalDefs
from mainstay.model.vrrp_config import Notifications, VrrpInstance, VrrpSyncGroup

from .script_lab import ScriptLab, lines


class Story:
    """What happens, and what came of it."""

    def __init__(self, folder: Path) -> None:
        self.lab = ScriptLab(folder)
        self.folder = folder
        self.log: list[str] = []
        self.mailed: list[Happening] = []
        journal = Journal(lambda text: bool(self.log.append(text)) or True, under_systemd=True)
        self.called: list[tuple[str, ...]] = []
        self.notifier = Notifier(self.lab.loop, journal, self.lab.runner, self._mail)
        self.calls_file = folder / "calls"

    def _mail(self, happening: Happening, called: tuple[str, ...]) -> None:
        self.mailed.append(happening)
        self.called.append(called)

    def program(self, name: str) -> Command:
        return self.lab.program(name, f'echo "{name} $@" >> {self.calls_file}')

    def all_programs(self) -> Notifications:
        names = ("notify_master", "notify_backup", "notify_fault", "notify_stop", "notify")
        return Notifications(
            **{name: self.program(name) for name in names},
            notify_master_rx_lower_pri=self.program("notify_master_rx_lower_pri"),
        )

    def configure(self, instance: Notifications | None, group: Notifications | None = None, **defs: t.Any) -> None:
        instances = {"VI_1": VrrpInstance("VI_1", "eth0", 51, notifications=instance)} if instance is not None else {}
        groups = {"VG_1": VrrpSyncGroup("VG_1", ("VI_1",), notifications=group)} if group is not None else {}
        config = Config(GlobalDefs(**defs), vrrp_instances=instances, vrrp_sync_groups=groups)
        self.notifier.configure(config, self.lab.loop.now())

    def happens(self, *events: str, kind: str = "INSTANCE", name: str = "VI_1", priority: int = 150) -> None:
        for event in events:
            happening = Happening(kind, name, event, priority, "because", "BACKUP", "2026-01-01T00:00:00+00:00")
            self.notifier.happened(happening, self.lab.loop.now())

    def calls(self) -> list[str]:
        self.lab.loop.until(lambda: self.notifier.idle, "every program to end")
        return lines(self.calls_file)

    def fifo_lines(self, path: Path) -> str:
        reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        try:
            return os.read(reader, 65536).decode()
        finally:
            os.close(reader)

    def close(self) -> None:
        self.notifier.close_fifos(self.lab.loop.now())
        self.lab.loop.until(lambda: self.notifier.read_out, "readers to end")
        self.lab.close()
