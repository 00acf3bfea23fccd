# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One cgroup (v2) per nspawn machine, directly under the root of the host's hierarchy and named like its machine."""

from __future__ import annotations

import signal
from pathlib import Path

from lab.errors import LabError
from lab.processes import identify
from lab.waiting import wait_for


def create(name: str) -> Path:
    """Make the cgroup and return its folder."""
    group = _root() / name
    group.mkdir(exist_ok=True)
    return group


def remove(name: str) -> None:
    """End what still runs in it and remove it with all it holds; safe when it is not there."""
    group = _root() / name
    if not group.exists():
        return
    for listing in group.rglob("cgroup.procs"):
        for pid in listing.read_text().split():
            process = identify(int(pid))
            if process is not None:
                process.signal(signal.SIGKILL)
    wait_for(lambda: _removed(group), 10.0, f"the cgroup {group} to become empty")


def names(prefix: str) -> list[str]:
    """Every cgroup whose name starts with the prefix."""
    return sorted(path.name for path in _root().glob(f"{prefix}*"))


def _removed(group: Path) -> bool:
    """Remove the folders from the innermost outwards; False when one is still in use."""
    folders = sorted((path for path in group.rglob("*") if path.is_dir()), key=lambda path: -len(path.parts))
    try:
        for folder in (*folders, group):
            folder.rmdir()
    except OSError:
        return False
    return True


def _root() -> Path:
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _device, folder, kind = line.split()[:3]
        if kind == "cgroup2":
            return Path(folder)
    raise LabError("no cgroup v2 hierarchy is mounted; mount -t cgroup2 cgroup2 /sys/fs/cgroup/unified")
