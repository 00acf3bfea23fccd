# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Scripts of a daemon that runs as the unit runs it: an ordinary user with a few capabilities, and no way to more."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import typing as t
from pathlib import Path

import pytest

from .daemon_process import RUNTIME

NOBODY = 65534
SETPRIV = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--no-new-privs"]
CAPABILITIES = "+net_admin,+net_raw,+sys_nice,+ipc_lock"
PROGRAM = Path(__file__).with_name("script_as_service_program.py")


@pytest.fixture
def script() -> t.Iterator[Path]:
    """A program of root's in a folder of root's: says who it is and what it may."""
    with tempfile.TemporaryDirectory(prefix="ms-") as folder:
        os.chmod(folder, 0o755)
        path = Path(folder, "who")
        path.write_text("#!/bin/sh\nid -u\ngrep -E 'Cap(Eff|Prm|Amb)' /proc/self/status\n")
        path.chmod(0o755)
        yield path


def run(script: Path, user: str = "", capabilities: str = CAPABILITIES) -> dict[str, str]:
    granted = [f"--ambient-caps={capabilities}", f"--inh-caps={capabilities}"]
    words = [*SETPRIV, *granted, sys.executable, str(PROGRAM), str(script), user]
    done = subprocess.run(
        words, capture_output=True, text=True, timeout=30, check=True, env={"PYTHONPATH": str(RUNTIME)}
    )
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
