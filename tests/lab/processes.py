# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Processes known by id AND start time, so that a recycled id is never signalled."""

from __future__ import annotations

import dataclasses
import os
import signal
import typing as t
from pathlib import Path

from lab.waiting import wait_for

PROC = Path("/proc")


@dataclasses.dataclass(frozen=True)
class Process:
    """One process; start_time is in clock ticks since boot (proc(5), stat field 22)."""

    pid: int
    start_time: int

    def alive(self) -> bool:
        """Whether this very process still runs; a zombie does not."""
        fields = _stat(self.pid)
        return fields is not None and fields.start_time == self.start_time and fields.state not in "ZX"

    def signal(self, number: signal.Signals) -> bool:
        """Send a signal if it is still this process; return whether it was."""
        try:
            handle = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return False
        try:
            # The handle pins the process: checked after opening, the id cannot be recycled in between.
            if not self.alive():
                return False
            signal.pidfd_send_signal(handle, number)
        except ProcessLookupError:
            return False
        finally:
            os.close(handle)
        return True


class _Stat(t.NamedTuple):
    state: str
    start_time: int


def identify(pid: int) -> Process | None:
    """The process that has this id now, or None."""
    fields = _stat(pid)
    return None if fields is None else Process(pid, fields.start_time)


def parse_stat(text: str) -> tuple[str, int]:
    """State and start time out of /proc/PID/stat; the command name may itself hold blanks and brackets."""
    fields = text.rpartition(")")[2].split()
    return fields[0], int(fields[19])


def _stat(pid: int) -> _Stat | None:
    try:
        return _Stat(*parse_stat((PROC / str(pid) / "stat").read_text()))
    except (FileNotFoundError, ProcessLookupError):
        return None


def all_pids() -> list[int]:
    """Every process id of the host, as of now."""
    return [int(entry.name) for entry in PROC.iterdir() if entry.name.isdigit()]


def namespace_leader(parent: int) -> Process | None:
    """The child of `parent` that is process 1 of a pid namespace, once there is one."""
    for pid in _children(parent):
        if _status(pid).get("NSpid", "").split()[1:] == ["1"]:
            return identify(pid)
    return None


def namespace_members(leader: Process) -> list[Process]:
    """Every process in the leader's pid namespace that nobody traces.

    User-Mode-Linux runs its guest's programs as traced children and steps them itself: stopping the
    tracer stops them, while a stop signal of their own would reach the tracer as a surprise.
    """
    namespace = _namespace(leader.pid, "pid")
    if namespace is None or not leader.alive():
        return []
    pids = [pid for pid in all_pids() if _namespace(pid, "pid") == namespace]
    found = [identify(pid) for pid in pids if _status(pid).get("TracerPid") == "0"]
    return [process for process in found if process is not None]


def network_members(namespace_file: Path) -> list[Process]:
    """Every process whose network namespace is the named one; never one that shares ours."""
    wanted = _identity(namespace_file)
    if wanted == _namespace(os.getpid(), "net"):
        return []
    found = [identify(pid) for pid in all_pids() if _namespace(pid, "net") == wanted]
    return [process for process in found if process is not None]


def _namespace(pid: int, kind: str) -> tuple[int, int] | None:
    """What tells one namespace from another; None when the process is gone.

    None too for a process that even root may not look at: nothing a lab started is like that.
    """
    try:
        return _identity(PROC / str(pid) / "ns" / kind)
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return None


def kill_at_one_instant(found: t.Callable[[], t.Collection[Process]]) -> None:
    """Kill all that `found` finds, and wait until it finds nothing.

    Frozen first: a worker that sees its supervisor die ends in order.
    """
    for number in (signal.SIGSTOP, signal.SIGKILL):
        for process in found():
            process.signal(number)
    wait_for(lambda: not found(), 30, "everything to be dead")


def _identity(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_dev, status.st_ino


def _children(pid: int) -> list[int]:
    try:
        return [int(word) for word in (PROC / str(pid) / "task" / str(pid) / "children").read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []


def _status(pid: int) -> dict[str, str]:
    try:
        text = (PROC / str(pid) / "status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return {}
    return {key: value.strip() for key, _colon, value in (line.partition(":") for line in text.splitlines())}
