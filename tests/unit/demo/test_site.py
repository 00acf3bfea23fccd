# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A playbook that hangs is ended in time, with everything that it started."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from demo.site import run_shown

LONG = 60  # seconds; far more than any of these programs gets


def shell(script: str, deadline: float) -> tuple[int, list[str]]:
    shown: list[str] = []
    played = run_shown(["sh", "-c", script], dict(os.environ), deadline, shown.append)
    return played.status, shown


def gone(pid: int) -> bool:
    """Not there any more, or dead and waiting for whoever inherited it."""
    try:
        return ") Z " in Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return True


def wait_until_gone(pid: int) -> None:
    end = time.monotonic() + LONG
    while not gone(pid):
        assert time.monotonic() < end, f"process {pid} still runs"
        time.sleep(0.02)


def test_a_program_that_ends_is_shown_line_by_line() -> None:
    assert shell("echo one; echo two >&2; exit 3", LONG) == (3, ["one", "two"])


def test_a_program_that_says_nothing_more_is_ended_and_that_is_told() -> None:
    status, shown = shell(f"echo begins; sleep {LONG}", 2)
    assert status == -signal.SIGTERM
    assert shown == ["begins", "sh was ended: not finished after 2 s"]


def test_a_child_that_holds_the_output_open_is_ended_too() -> None:
    """Given a child that ignores SIGTERM and outlives its parent, then reading does not wait for it."""
    child = f"trap '' TERM; while :; do sleep {LONG}; done"
    _status, shown = shell(f"sh -c {shlex.quote(child)} & echo $!; sleep 0.2", 2)
    assert shown[-1].startswith("sh was ended")
    wait_until_gone(int(shown[0]))


def test_interrupting_us_ends_the_program() -> None:
    script = "from demo.site import run_shown; import os\n"
    script += f"words = ['sh', '-c', 'echo $$; exec sleep {LONG}']\n"
    script += f"run_shown(words, dict(os.environ), {LONG}, lambda line: print(line, flush=True))"
    tests = Path(__file__).resolve().parents[2]
    ours = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        env={**os.environ, "PYTHONPATH": str(tests)},
    )  # fmt: skip
    assert ours.stdout is not None
    guard = threading.Timer(LONG, ours.kill)
    guard.start()
    pid = int(ours.stdout.readline())
    ours.send_signal(signal.SIGINT)
    assert ours.wait(LONG) != 0
    guard.cancel()
    wait_until_gone(pid)
