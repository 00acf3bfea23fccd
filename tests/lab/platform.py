# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the ways to boot a machine have in common, and where one machine stands."""

from __future__ import annotations

import dataclasses
import typing as t
import uuid
from pathlib import Path

from lab.disks import Disk, Files
from lab.network import LabNetwork
from lab.processes import Process
from lab.spec import MachineSpec
from lab.state import StateStore


@dataclasses.dataclass(frozen=True)
class Place:
    """Where one machine stands: its spec, its /etc/hosts, the base tree, the lab's network and state."""

    spec: MachineSpec
    hosts: str
    base: Path
    network: LabNetwork
    store: StateStore

    @property
    def name(self) -> str:
        """A name no machine of another lab has; its namespace and its cgroup are called so."""
        return self.network.machine_namespace(self.spec.name)

    @property
    def machine_id(self) -> str:
        """The same /etc/machine-id for the same machine of the same lab."""
        return uuid.uuid5(uuid.NAMESPACE_DNS, self.name).hex

    @property
    def disk(self) -> Disk:
        """What outlives a power failure."""
        return Disk(self.store.name, self.spec.name)

    @property
    def first_files(self) -> Files:
        """What a new disk holds."""
        return {
            "etc/hostname": f"{self.spec.name}\n",
            "etc/hosts": self.hosts,
            "etc/machine-id": f"{self.machine_id}\n",
        }

    @property
    def console(self) -> Path:
        """Where the console is logged."""
        return self.store.directory / "console" / f"{self.spec.name}.log"


class Platform(t.Protocol):
    """What one way to boot does differently."""

    boot_deadline: float  # seconds
    loses_carrier: bool  # whether the machine sees it when its port goes down
    needs_helper: bool  # whether start_helper() has something to start

    def plug(self) -> None:
        """Make the machine's ports, and its namespace where it has one."""

    def unplug(self) -> None:
        """Remove what plug() made; safe when it is gone already."""

    def command_line(self) -> list[str]:
        """What to start; it becomes the supervisor."""

    def enter(self, leader: Process, argv: t.Sequence[str], terminal: bool = False) -> list[str]:
        """The host's command that runs argv inside."""

    def start_helper(self) -> Process | None:
        """Open the way in once the machine answers; None while it does not yet."""
