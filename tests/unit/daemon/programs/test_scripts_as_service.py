# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Scripts of a daemon that runs as the unit runs it: an ordinary user with a few capabilities, and no way to more."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import typing as t
from pathlib import Path

import pytest

from ..daemon_process import RUNTIME, wait_for
from .script_lab import gone

NOBODY = 65534
SOMEBODY = 64231
"""A user of whom nothing else runs: the limit of processes counts all that a user has."""
CAPABILITIES = "+net_admin,+net_raw,+sys_nice,+ipc_lock"
PYTHON = "/usr/bin/python3"
"""As on a director: whichever runs this test may lie where nobody else can read."""
PROGRAM = "script_as_service_program.py"


@pytest.fixture(scope="module")
def public() -> t.Iterator[Path]:
    """The runtime and PROGRAM where every user can read them."""
    with tempfile.TemporaryDirectory(prefix="ms-") as folder:
        os.chmod(folder, 0o755)
        shutil.copytree(RUNTIME / "mainstay", Path(folder, "mainstay"), ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(Path(__file__).with_name(PROGRAM), folder)
        yield Path(folder)


@pytest.fixture
def script(public: Path) -> t.Iterator[Path]:
    """A program of root's in a folder of root's: says who it is and what it may."""
    path = public / "who"
    path.write_text("#!/bin/sh\nid -u\ngrep -E 'Cap(Eff|Prm|Amb)' /proc/self/status\n")
    path.chmod(0o755)
    yield path
    path.unlink()


def run(
    script: Path, user: str = "", capabilities: str = CAPABILITIES, uid: int = NOBODY, processes: int = 4096
) -> dict[str, str]:
    identity = [f"--reuid={uid}", f"--regid={uid}", "--clear-groups", "--no-new-privs"]
    granted = [f"--ambient-caps={capabilities}", f"--inh-caps={capabilities}"]
    limited = ["prlimit", f"--nproc={processes}:{processes}", "setpriv", *identity, *granted]
    words = [*limited, PYTHON, str(script.parent / PROGRAM), str(script), user, "1"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=True, env={})
    return t.cast("dict[str, str]", json.loads(done.stdout))


def test_they_run_as_the_service_s_user_without_its_capabilities(script: Path) -> None:
    answer = run(script)
    uid, *capabilities = answer["output"].splitlines()
    assert answer["reason"] == "exit status 0" and uid == str(NOBODY)
    assert {line.split()[1] for line in capabilities} == {"0" * 16}


def test_another_user_needs_capabilities_that_the_error_names(script: Path) -> None:
    assert run(script, "root")["reason"] == (
        "cannot become root (the service needs CAP_SETUID, CAP_SETGID and CAP_KILL for that): Operation not permitted"
    )


def test_with_these_capabilities_another_user_works(script: Path) -> None:
    answer = run(script, "daemon", f"{CAPABILITIES},+setuid,+setgid,+kill")
    uid, *capabilities = answer["output"].splitlines()
    assert uid == "1" and {line.split()[1] for line in capabilities} == {"0" * 16}


def test_a_user_without_room_for_a_process_is_a_failed_run(script: Path) -> None:
    """F11, by the kernel itself."""
    answer = run(script, uid=SOMEBODY, processes=1)
    assert answer["reason"] == "cannot be started: Resource temporarily unavailable"


@pytest.mark.fault("F64")
def test_a_fork_bomb_ends_with_its_group(script: Path) -> None:
    """F64."""
    script.write_text("#!/bin/sh\nbomb() { bomb & bomb & wait; }\ntrap '' TERM\nbomb\nsleep 100\n")
    answer = run(script, uid=SOMEBODY, processes=60)
    assert answer["reason"] == "did not end within 1 s"

    def left() -> list[str]:
        """Directories of living processes of that user."""
        found = (entry for entry in Path("/proc").glob("[0-9]*") if not gone(int(entry.name)))
        return [str(entry) for entry in found if owner(entry) == SOMEBODY]

    wait_for("nothing of the bomb to be left", lambda: not left())


def owner(path: Path) -> int | None:
    try:
        return path.stat().st_uid
    except FileNotFoundError:
        return None
