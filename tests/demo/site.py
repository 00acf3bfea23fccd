# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Running the playbooks on the lab, as an operator would."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
import typing as t
from dataclasses import dataclass
from pathlib import Path

from demo import recap
from lab import inventory
from lab.lab import Lab

DEADLINE = 420  # seconds for one playbook; User-Mode-Linux directors take 5 to 8 s a task
PATIENCE = 5  # seconds between asking it to end and ending it


@dataclass(frozen=True)
class Played:
    """What one run of a playbook left."""

    status: int
    output: str

    @property
    def hosts(self) -> list[recap.HostRecap]:
        return recap.read(self.output)

    @property
    def good(self) -> bool:
        return self.status == 0 and bool(self.hosts) and not any(each.failed or each.unreachable for each in self.hosts)

    @property
    def unchanged(self) -> bool:
        return self.good and not any(each.changed for each in self.hosts)

    def changes(self) -> str:
        """How many tasks changed something, by host."""
        return ", ".join(f"{each.host} changed={each.changed}" for each in self.hosts) or "no recap"


def run_shown(argv: list[str], environment: dict[str, str], deadline: float, show: t.Callable[[str], None]) -> Played:
    """Run a program and show its lines as they come; after `deadline` seconds it is ended with all it started."""
    process = subprocess.Popen(
        argv, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, start_new_session=True,
    )  # fmt: skip
    begin = time.monotonic()  # before the timer's own, so that what it ends has always lasted the deadline
    timer = threading.Timer(deadline, _end, [process])
    timer.start()
    lines: list[str] = []
    try:
        for line in process.stdout or ():
            lines.append(line)
            show(line.rstrip("\n"))
        status = process.wait()
    except BaseException:
        # Ctrl-C reaches us alone: the program has a session of its own.
        _end(process)
        raise
    finally:
        timer.cancel()
    if time.monotonic() - begin >= deadline:
        lines.append(f"{argv[0]} was ended: not finished after {deadline:g} s\n")
        show(lines[-1].rstrip("\n"))
    return Played(status, "".join(lines))


def _end(process: subprocess.Popen[str]) -> None:
    """Politely, so that Ansible ends its workers, which are no longer of its group; then for good."""
    with contextlib.suppress(ProcessLookupError, subprocess.TimeoutExpired):
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(PATIENCE)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


@dataclass(frozen=True)
class Site:
    """The playbooks, the collection they come from, and the machines they run on."""

    lab: Lab
    collections: Path
    inventories: tuple[Path, ...]

    def play(self, playbook: str, *arguments: str, show: t.Callable[[str], None]) -> Played:
        """Run one playbook; every line is shown as it comes."""
        argv = ["ansible-playbook", playbook, *self._inventories(), *arguments]
        return run_shown(argv, self._environment(), DEADLINE, show)

    def _inventories(self) -> list[str]:
        paths = [*self.inventories, self.lab.connection_file]
        return [word for path in paths for word in ("-i", str(path))]

    def _environment(self) -> dict[str, str]:
        return {
            **os.environ,
            **inventory.environment(self.lab.store),
            "ANSIBLE_COLLECTIONS_PATH": str(self.collections),
            "ANSIBLE_HOST_KEY_CHECKING": "false",
            "ANSIBLE_FORCE_COLOR": "false",
            "ANSIBLE_NOCOLOR": "true",
            "ANSIBLE_DISPLAY_SKIPPED_HOSTS": "false",
            "ANSIBLE_FORKS": "5",
        }
