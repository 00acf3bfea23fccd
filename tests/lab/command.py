# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a command on the host or inside a machine, always with a deadline, never leaving children behind."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import typing as t

from lab.errors import DeadlinePassed, LabError

HOST_DEADLINE = 20.0  # seconds; host commands are ip, bridge, ssh-keygen: all far below a second

# Which Debian package brings each tool, for the message when one is missing.
PACKAGE_OF = {
    "ip": "iproute2",
    "bridge": "iproute2",
    "nsenter": "util-linux",
    "unshare": "util-linux",
    "systemd-nspawn": "systemd-container",
    "mkfs.ext4": "e2fsprogs",
    "mmdebstrap": "mmdebstrap",
    "linux.uml": "user-mode-linux",
    "ssh": "openssh-client",
    "ssh-keygen": "openssh-client",
    "socat": "socat",
}


class Completed(t.NamedTuple):
    """What a finished command left behind."""

    rc: int
    stdout: str
    stderr: str


class CommandFailed(LabError):
    """A command that had to succeed did not."""

    def __init__(self, argv: t.Sequence[str], result: Completed) -> None:
        seen = (result.stderr or result.stdout).strip()
        super().__init__(f"{shlex.join(argv)} ended with status {result.rc}: {seen}")
        self.result = result


def run(argv: t.Sequence[str], deadline: float = HOST_DEADLINE, stdin: str | None = None) -> Completed:
    """Run argv and return its result whatever its status; after `deadline` seconds kill it and raise."""
    process = subprocess.Popen(
        list(argv),
        stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        start_new_session=True,  # so that the deadline ends the command's children too
    )
    try:
        stdout, stderr = process.communicate(stdin, timeout=deadline)
    except subprocess.TimeoutExpired:
        raise DeadlinePassed(f"{shlex.join(argv)} did not end within {deadline:g} s") from None
    finally:
        _end_session(process)
    return Completed(process.returncode, stdout, stderr)


def _end_session(process: subprocess.Popen[str]) -> None:
    """Kill the command's process group while its leader is not yet reaped, so the id is still its own.

    The pipes are closed, not read to their end: a daemon the command started may hold them open.
    """
    if process.returncode is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()


def must(argv: t.Sequence[str], deadline: float = HOST_DEADLINE, stdin: str | None = None) -> str:
    """Run argv, return its standard output; raise CommandFailed when it does not end with status 0."""
    result = run(argv, deadline, stdin)
    if result.rc != 0:
        raise CommandFailed(argv, result)
    return result.stdout


def require_tools(names: t.Iterable[str]) -> None:
    """Raise LabError naming the packages to install when a tool is missing."""
    missing = sorted({PACKAGE_OF[name] for name in names if shutil.which(name) is None})
    if missing:
        raise LabError(f"the lab needs tools that are not installed: apt-get install {' '.join(missing)}")
