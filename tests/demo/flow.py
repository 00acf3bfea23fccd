# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Steady traffic from the client machine while something happens to the others."""

from __future__ import annotations

import json
import subprocess
import time
import typing as t
from pathlib import Path

from lab.errors import LabError
from lab.lab import Lab
from traffic import client, download
from traffic.report import Report, read

SCRIPT = "/tmp/traffic.py"  # on the client machine
DOWNLOAD_SCRIPT = "/tmp/download.py"
LARGE = "large"  # the page that takes seconds, of tests/demo/web.yml
RATE = 50  # requests a second
LONGEST = 300  # seconds: a flow that nobody ends ends itself


class Flow:
    """Requests for as long as the `with` block runs; then look at `report`."""

    def __init__(self, lab: Lab, url: str) -> None:
        self._machine = lab.machine("client")
        self._url = url
        self._process: subprocess.Popen[str] | None = None
        self.report = Report(())

    def __enter__(self) -> Flow:
        self._machine.run(["sh", "-c", f"cat > {SCRIPT}"], stdin=Path(client.__file__).read_text())
        argv = ["python3", SCRIPT, self._url, "--rate", str(RATE), "--seconds", str(LONGEST)]
        self._process = subprocess.Popen(
            self._machine.entering(argv), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
        )
        return self

    def __exit__(self, *failure: object) -> None:
        """End the run inside the machine; the report leaves a cut last line out."""
        process = t.cast("subprocess.Popen[str]", self._process)
        self._machine.run(["pkill", "-f", SCRIPT])
        output, _ = process.communicate(timeout=30)
        self.report = read(output)


class Download:
    """A page that takes seconds, from one server; it has begun when this is there."""

    def __init__(self, lab: Lab, url: str, server: str) -> None:
        machine = lab.machine("client")
        machine.run(["sh", "-c", f"cat > {DOWNLOAD_SCRIPT}"], stdin=Path(download.__file__).read_text())
        argv = machine.entering(["python3", DOWNLOAD_SCRIPT, f"{url}{LARGE}", server])
        self._process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        begun = t.cast("t.IO[str]", self._process.stdout).readline()
        if not begun:
            raise LabError(f"no download from {server} could be begun")
        self.length: int = json.loads(begun)["length"]

    def ended(self) -> dict[str, t.Any]:
        """How it ended: received, took, error (None when it is whole). Waits for it."""
        output, _ = self._process.communicate(timeout=60)
        return t.cast("dict[str, t.Any]", json.loads(output))


def settle(seconds: float) -> None:
    """Let the traffic run for a while before (or after) something happens to it: the time is the experiment."""
    time.sleep(seconds)
