# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Running the playbooks on the lab, as an operator would."""

from __future__ import annotations

import os
import subprocess
import typing as t
from dataclasses import dataclass
from pathlib import Path

from demo import recap
from lab import inventory
from lab.lab import Lab

DEADLINE = 420  # seconds for one playbook; User-Mode-Linux directors take 5 to 8 s a task


@dataclass(frozen=True)
class Played:
    """What one run of a playbook left."""

    status: int
    output: str

    @property
    def hosts(self) -> list[recap.HostRecap]:
        return recap.read(self.output)

    @property
    def good(self) -> bool:
        return self.status == 0 and bool(self.hosts) and not any(each.failed or each.unreachable for each in self.hosts)

    @property
    def unchanged(self) -> bool:
        return self.good and not any(each.changed for each in self.hosts)

    def changes(self) -> str:
        """How many tasks changed something, by host."""
        return ", ".join(f"{each.host} changed={each.changed}" for each in self.hosts) or "no recap"


@dataclass(frozen=True)
class Site:
    """The playbooks, the collection they come from, and the machines they run on."""

    lab: Lab
    collections: Path
    inventories: tuple[Path, ...]

    def play(self, playbook: str, *arguments: str, show: t.Callable[[str], None]) -> Played:
        """Run one playbook; every line is shown as it comes."""
        argv = ["ansible-playbook", playbook, *self._inventories(), *arguments]
        process = subprocess.Popen(
            argv, env=self._environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        lines = []
        for line in process.stdout or ():
            lines.append(line)
            show(line.rstrip("\n"))
        return Played(process.wait(DEADLINE), "".join(lines))

    def _inventories(self) -> list[str]:
        paths = [*self.inventories, self.lab.connection_file]
        return [word for path in paths for word in ("-i", str(path))]

    def _environment(self) -> dict[str, str]:
        return {
            **os.environ,
            **inventory.environment(self.lab.store),
            "ANSIBLE_COLLECTIONS_PATH": str(self.collections),
            "ANSIBLE_HOST_KEY_CHECKING": "false",
            "ANSIBLE_FORCE_COLOR": "false",
            "ANSIBLE_NOCOLOR": "true",
            "ANSIBLE_DISPLAY_SKIPPED_HOSTS": "false",
            "ANSIBLE_FORKS": "5",
        }
