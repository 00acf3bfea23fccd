# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading /proc, one process at a time."""

from __future__ import annotations

import os
import typing as t

_MOST_BYTES = 65536
_DEAD = (b"Z", b"X")


class ProcessEntry(t.NamedTuple):
    """What a process looks like."""

    name: str
    """The kernel's short name, at most 15 bytes."""
    words: t.Tuple[str, ...]
    """Its command line; empty for threads of the kernel."""


def pids() -> t.List[int]:
    """Of all processes that can be seen."""
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def read_process(pid: int) -> t.Optional[ProcessEntry]:
    """None when there is no such process, or only the entry of a dead one."""
    stat = _read(f"/proc/{pid}/stat")
    name, _bracket, rest = stat.partition(b"(")[2].rpartition(b")")
    if not stat or rest.strip()[:1] in _DEAD:
        return None
    words = _read(f"/proc/{pid}/cmdline").split(b"\0")[:-1]
    return ProcessEntry(os.fsdecode(name), tuple(os.fsdecode(word) for word in words))


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read(_MOST_BYTES)
    except OSError:  # it is gone, or not ours to see
        return b""
