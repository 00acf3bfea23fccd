# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Work that a child does: its result and its exceptions come back, and nothing else of it."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from mainstay.net.aside import aside


def test_the_result_comes_back_from_another_process() -> None:
    here = os.getpid()
    there, parent, result = aside(lambda: (os.getpid(), os.getppid(), {"large": "x" * 1_000_000}))
    assert there != here
    assert parent == here
    assert result == {"large": "x" * 1_000_000}


def test_what_the_work_changes_stays_with_the_child() -> None:
    seen: list[str] = []
    assert aside(lambda: seen.append("changed")) is None
    assert seen == []


def test_its_exception_is_the_callers() -> None:
    with pytest.raises(LookupError, match="no such table"):
        aside(lambda: _raise(LookupError("no such table")))


def test_a_child_that_is_killed_is_told_as_such_and_leaves_no_zombie() -> None:
    before = _children()
    with pytest.raises(OSError, match="ended without a word"):
        aside(lambda: os.kill(os.getpid(), signal.SIGKILL))
    assert _children() == before


def test_without_room_for_a_child_no_descriptor_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    def full() -> int:
        raise BlockingIOError("Resource temporarily unavailable")

    before = os.listdir("/proc/self/fd")
    monkeypatch.setattr(os, "fork", full)
    with pytest.raises(BlockingIOError):
        aside(lambda: None)
    assert len(os.listdir("/proc/self/fd")) == len(before)


def test_a_signal_during_the_work_is_handled_once_by_the_caller() -> None:
    def signals() -> None:
        os.kill(caller, signal.SIGUSR1)
        os.kill(os.getpid(), signal.SIGUSR1)

    caller = os.getpid()
    heard: list[int] = []
    former = signal.signal(signal.SIGUSR1, lambda _number, _frame: heard.append(os.getpid()))
    try:
        aside(signals)
    finally:
        signal.signal(signal.SIGUSR1, former)
    assert heard == [caller]


def _raise(error: Exception) -> None:
    raise error


def _children() -> str:
    return Path(f"/proc/self/task/{os.getpid()}/children").read_text()
