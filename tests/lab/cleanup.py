# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ending a lab, whatever state it is in: running, half started, or left over from a crashed run.

Three nets, each of which only ever catches what the lab itself made: the processes recorded in its
state file (id and start time), the processes inside its network namespaces, and its cgroups. The
machines' disks go last, when nothing writes to them any more.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from lab import cgroups, command, disks, network, processes, state
from lab.errors import LabError
from lab.machine import end_processes
from lab.processes import Process
from lab.state import StateStore


def end_lab(store: StateStore, keep_console: bool = False) -> None:
    """End every process of the lab and remove what it made. The caller holds the lab's lock.

    keep_console leaves the machines' console logs for someone to read.
    """
    for machine, recorded in _recorded(store).items():
        end_processes(recorded, f"the processes of machine {machine}")
    for namespace in network.namespaces_of(store.name):
        _end_namespace(namespace)
    for group in cgroups.names(f"{network.PREFIX}{store.name}-"):
        cgroups.remove(group)
    disks.remove_lab(store.name)
    _remove_folder(store.directory, keep_console)


def known_labs() -> list[str]:
    """Every lab that runs or left something: by state file, by namespace, by cgroup, by disk."""
    left = [path.name for path in network.NAMESPACES.glob(f"{network.PREFIX}*")]
    left += cgroups.names(network.PREFIX)
    return sorted({*state.names(), *disks.labs(), *(name.split("-")[1] for name in left)})


def end_all_labs() -> list[str]:
    """End every lab of this host and return their names."""
    ended = known_labs()
    for name in ended:
        store = StateStore(name)
        with store.locked():
            end_lab(store)
    return ended


def _recorded(store: StateStore) -> dict[str, list[Process]]:
    """The recorded processes of each machine; none when the file is not there or not whole."""
    try:
        machines = store.read().machines
    except LabError:
        return {}
    return {name: machine.processes() for name, machine in machines.items()}


def _end_namespace(name: str) -> None:
    path = network.NAMESPACES / name
    end_processes(processes.network_members(path), f"the processes in network namespace {name}")
    command.must(["ip", "netns", "delete", name])


def _remove_folder(folder: Path, keep_console: bool) -> None:
    for path in folder.iterdir() if folder.exists() else ():
        if keep_console and path.name == "console":
            continue
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
    if folder.exists() and not keep_console:
        folder.rmdir()
