# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waits and commands end by their deadline and say what they waited for."""

from __future__ import annotations

import pytest

from lab import command
from lab.command import CommandFailed
from lab.errors import DeadlinePassed, LabError
from lab.waiting import wait_for


def test_a_wait_returns_what_the_condition_became() -> None:
    answers = iter([None, "", "up"])
    assert wait_for(lambda: next(answers), 10.0, "an answer", interval=0.0) == "up"


def test_a_wait_in_vain_tells_what_for_and_what_was_seen() -> None:
    with pytest.raises(DeadlinePassed) as raised:
        wait_for(lambda: None, 0.0, "ssh in machine web1", evidence=lambda: "Kernel panic")
    assert str(raised.value) == "waited 0 s for ssh in machine web1; seen last:\nKernel panic"


def test_a_command_returns_its_status_and_output() -> None:
    assert command.run(["sh", "-c", "cat; echo bad >&2; exit 3"], stdin="in") == (3, "in", "bad\n")


def test_a_command_that_does_not_end_is_ended_with_its_children() -> None:
    with pytest.raises(DeadlinePassed, match="did not end within 0.2 s"):
        command.run(["sh", "-c", "sleep 60 & sleep 60"], deadline=0.2)


def test_a_command_that_had_to_succeed_shows_its_error() -> None:
    with pytest.raises(CommandFailed, match="ended with status 2: no such thing"):
        command.must(["sh", "-c", "echo no such thing >&2; exit 2"])


def test_a_missing_tool_is_answered_with_the_package_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(LabError, match="apt-get install socat user-mode-linux"):
        command.require_tools(["socat", "linux.uml"])
