# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A process is known by id and start time: a recycled id is never signalled."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import typing as t
from pathlib import Path

import pytest

from lab import processes
from lab.processes import Process


@pytest.fixture
def sleeper() -> t.Iterator[subprocess.Popen[bytes]]:
    """A process of ours that does nothing."""
    process = subprocess.Popen(["sleep", "60"])
    yield process
    process.kill()
    process.wait()


def identity(pid: int) -> Process:
    """The identity of a process that is there."""
    found = processes.identify(pid)
    assert found is not None
    return found


def test_a_running_process_is_alive_and_can_be_signalled(sleeper: subprocess.Popen[bytes]) -> None:
    recorded = identity(sleeper.pid)
    assert recorded.alive()
    assert recorded.signal(signal.SIGKILL)
    assert sleeper.wait(timeout=10) == -signal.SIGKILL


def test_the_same_id_with_another_start_time_is_somebody_else(sleeper: subprocess.Popen[bytes]) -> None:
    recycled = dataclasses.replace(identity(sleeper.pid), start_time=1)
    assert not recycled.alive()
    assert not recycled.signal(signal.SIGKILL)
    assert sleeper.poll() is None, "the process that got the recycled id was killed"


def test_a_dead_process_is_not_signalled(sleeper: subprocess.Popen[bytes]) -> None:
    recorded = identity(sleeper.pid)
    sleeper.kill()
    os.waitid(os.P_PID, sleeper.pid, os.WEXITED | os.WNOWAIT)
    assert not recorded.alive(), "a zombie counts as dead"
    sleeper.wait()
    assert processes.identify(sleeper.pid) is None
    assert not recorded.signal(signal.SIGKILL)


@pytest.mark.parametrize("name", ["sh", "a b", "x) R 1 (y", "((("])
def test_a_command_name_cannot_disturb_the_reading_of_stat(name: str) -> None:
    rest = ["T", *(str(number) for number in range(4, 53))]
    assert processes.parse_stat(f"77 ({name}) {' '.join(rest)}\n") == ("T", 22)


def test_our_own_network_namespace_has_no_members_to_end() -> None:
    assert processes.network_members(Path("/proc/self/ns/net")) == []
