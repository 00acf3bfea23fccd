# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A lab: its network and machines, started here or attached to from another process."""

from __future__ import annotations

import os
import time
import typing as t
from pathlib import Path

from lab import base_tree, command, inventory, uml
from lab.cleanup import end_lab
from lab.errors import LabError
from lab.machine import Machine
from lab.network import LabNetwork
from lab.nspawn import NspawnPlatform
from lab.platform import Place, Platform
from lab.spec import Kind, LabSpec, MachineSpec
from lab.state import LabState, MachineState, StateStore

Report = t.Callable[[str], None]

PLATFORMS: dict[Kind, t.Callable[[Place], Platform]] = {
    Kind.NSPAWN: NspawnPlatform,
    Kind.UML: uml.UmlPlatform,
}

TOOLS: dict[Kind, tuple[str, ...]] = {
    Kind.NSPAWN: ("ip", "bridge", "nsenter", "systemd-nspawn"),
    Kind.UML: ("ip", "bridge", "nsenter", "unshare", "linux.uml", "mkfs.ext4", "ssh", "ssh-keygen", "socat"),
}


def quiet(line: str) -> None:
    """A Report that shows nothing."""


class Lab:
    """One running lab. Use start() or attach()."""

    def __init__(self, store: StateStore) -> None:
        state = store.read()
        self.name = store.name
        self.spec = state.spec
        self.network = LabNetwork(store.name)
        self.store = store
        self.machines = {spec.name: self._machine(spec, state.base) for spec in state.spec.machines}

    @classmethod
    def start(cls, name: str, spec: LabSpec, report: Report = quiet) -> Lab:
        """Boot every machine and return when all are up; a lab of that name, running or left over, is ended first."""
        check_host(spec)
        base = base_tree.ensure(report)
        store = StateStore(name)
        with store.locked():
            end_lab(store)
            store.write(LabState(spec, base, {machine.name: MachineState() for machine in spec.machines}))
            try:
                return cls._boot(store, report)
            except BaseException:
                end_lab(store, keep_console=True)
                raise

    @classmethod
    def attach(cls, name: str) -> Lab:
        """A lab that another process started."""
        return cls(StateStore(name))

    def machine(self, name: str) -> Machine:
        """The machine of that name."""
        return self.machines[self.spec.machine(name).name]

    def end(self) -> None:
        """End every machine and remove what the lab made, their disks too."""
        with self.store.locked():
            end_lab(self.store)

    @property
    def connection_file(self) -> Path:
        """The Ansible inventory file that says how to connect to each machine, and nothing else."""
        return self.store.directory / "connection.yml"

    @classmethod
    def _boot(cls, store: StateStore, report: Report) -> Lab:
        lab = cls(store)
        started = time.monotonic()
        lab.network.create(lab.spec)
        if lab._has(Kind.UML):
            uml.make_key(store)
        # Guests with a kernel of their own take longest, so they go first and boot while the others do.
        for machine in sorted(lab.machines.values(), key=lambda m: m.spec.kind is not Kind.UML):
            machine.create()
        for machine in sorted(lab.machines.values(), key=lambda m: m.spec.kind is Kind.UML):
            machine.wait_until_up()
            report(
                f"{machine.spec.name} ({machine.spec.kind.value}) is up after {time.monotonic() - started:.1f} s"
            )
        lab.connection_file.write_text(inventory.render(lab.spec, store))
        return lab

    def _has(self, kind: Kind) -> bool:
        return any(machine.kind is kind for machine in self.spec.machines)

    def _machine(self, spec: MachineSpec, base: Path) -> Machine:
        place = Place(spec, hosts_file(self.spec), base, self.network, self.store)
        return Machine(place, PLATFORMS[spec.kind](place))


def check_host(spec: LabSpec) -> None:
    """Raise LabError when this host cannot run the lab."""
    if os.geteuid() != 0:
        raise LabError("the lab makes namespaces and needs root")
    command.require_tools(tool for machine in spec.machines for tool in TOOLS[machine.kind])


def hosts_file(lab: LabSpec) -> str:
    """/etc/hosts of one machine: every machine by its first address."""
    lines = ["127.0.0.1 localhost"]
    lines += [f"{machine.interfaces[0].addresses[0].ip} {machine.name}" for machine in lab.machines]
    return "\n".join(lines) + "\n"
