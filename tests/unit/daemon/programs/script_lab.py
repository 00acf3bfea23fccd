# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real programs under a real event loop, each story within a deadline."""

from __future__ import annotations

import os
import time
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

from mainstay.daemon.programs.script_run import ScriptResult
from mainstay.daemon.programs.scripts import ScriptRunner
from mainstay.daemon.reactor import Reactor
from mainstay.model.commands import Command
from mainstay.model.units import Duration, Instant, seconds

PATIENCE = 15.0
USUAL_TIMEOUT = seconds(10)


class Loop(Reactor):
    """The daemon's loop, turned until something is so."""

    def until(self, so: t.Callable[[], object], what: str, patience: float = PATIENCE) -> None:
        """Turn until it is so; the story fails after `patience` seconds."""
        deadline = time.monotonic() + patience
        while not so():
            assert time.monotonic() < deadline, f"not within {patience:g} s: {what}"
            self.call_at(self.now() + seconds(0.05), lambda _now: None)
            self.run_once()


@dataclass
class Book:
    """The results of runs, in the order in which they came."""

    results: list[ScriptResult] = field(default_factory=list)

    def __call__(self, result: ScriptResult, _now: Instant) -> None:
        self.results.append(result)


class ScriptLab:
    """A folder with programs and a runner."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.chmod(0o755)
        self.loop = Loop()
        self.runner = ScriptRunner(self.loop)
        self.runner.set_script_user(str(os.geteuid()))

    def program(self, name: str, text: str, mode: int = 0o755) -> Command:
        """A shell script of this text."""
        path = self.folder / name
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(mode)
        return Command((str(path),))

    def run(self, command: Command, *arguments: str, timeout: Duration = USUAL_TIMEOUT) -> ScriptResult:
        """Run to its end."""
        book = Book()
        self.runner.run(command, arguments, timeout, book)
        self.loop.until(lambda: book.results, f"the end of {command.argv[0]}")
        return book.results[0]

    def close(self) -> None:
        """Nothing of it stays."""
        self.runner.end_all("the story is over", self.loop.now())
        self.loop.until(lambda: not self.runner.running, "every program to be gone")
        self.runner.close()
        self.loop.close()


def lines(path: Path) -> list[str]:
    """What programs wrote there so far."""
    return path.read_text().splitlines() if path.exists() else []


def gone(pid: int) -> bool:
    """No such process, or nothing but its entry."""
    try:
        return ") Z " in Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return True
