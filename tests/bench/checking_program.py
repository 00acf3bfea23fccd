# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run many checks and say what they cost: WHO KIND SERVICES SERVERS PERIOD SHARED PLANE INTERFACE SECONDS RESULT.

Runs in the network namespace it is started in, on the machine or inside a guest. The result is one line of JSON:
processor of the process that checks in percent, checks a second as the server counted them, its memory.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from netns.daemons import CHECKOUT, PYTHON

from bench.answering import Answerer
from bench.checking_plan import OURS, CheckPlan
from bench.pss import pss_of
from lab.processes import PROC
from lab.waiting import wait_for

WORKER = {OURS: "mainstayd-lvs", "keepalived": "keepalived"}
START_SECONDS = 120.0
WARM_UP_PERIODS = 2.0
_TICKS = os.sysconf("SC_CLK_TCK")
_WITHOUT_STEPS = """\
import sys
from mainstay.cli import main
from mainstay.daemon.health import check_phase
check_phase.STEP = 1
sys.exit(main(sys.argv[1:]))
"""
"""For the guest, which charges by the tick, every 10 ms: what starts in steps of as long is never seen by it."""


def main(arguments: list[str]) -> None:
    who, kind, services, servers, period, shared, plane, interface, seconds, result = arguments
    plan = CheckPlan(kind, int(services), int(servers), float(period), shared == "shared", plane, interface.strip("-"))
    with tempfile.TemporaryDirectory(prefix="mainstay-bench-") as folder:
        figures = _measure(who, plan, float(seconds), Path(folder))
    Path(result).write_text(json.dumps(figures))


def _measure(who: str, plan: CheckPlan, seconds: float, folder: Path) -> dict[str, float]:
    answerer = Answerer(plan.kind, folder)
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            _command(who, plan, folder), stdout=log, stderr=log, start_new_session=True,
            env={**os.environ, "PYTHONPATH": f"{CHECKOUT}/plugins/module_utils"},
        )  # fmt: skip
    try:
        worker = _worker(who, process.pid, folder)
        wait_for(lambda: answerer.asked() >= plan.checks / _fold(who, plan), START_SECONDS, "every first check",
                 evidence=lambda: (folder / "log").read_text()[-3000:])  # fmt: skip
        time.sleep(WARM_UP_PERIODS * min(plan.period, 2.0))
        return _observed(worker, answerer, seconds)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        answerer.close()


def _fold(who: str, plan: CheckPlan) -> int:
    """How many configured checks one probe stands for."""
    return plan.services if plan.shared and who == OURS else 1


def _observed(worker: int, answerer: Answerer, seconds: float) -> dict[str, float]:
    begin, asked, used = time.monotonic(), answerer.asked(), _processor_seconds(worker)
    time.sleep(seconds)
    took = time.monotonic() - begin
    return {
        "processor": 100 * (_processor_seconds(worker) - used) / took,
        "rate": (answerer.asked() - asked) / took,
        "memory": pss_of((PROC / str(worker) / "smaps_rollup").read_text()) / 1e6,
    }


def _command(who: str, plan: CheckPlan, folder: Path) -> list[str]:
    if who == OURS:
        (folder / "mainstay.json").write_text(plan.ours())
        files = ["--config", str(folder / "mainstay.json"), "--run-dir", str(folder), "--state-dir", str(folder)]
        program = ["-c", _WITHOUT_STEPS] if plan.data_plane == "ipvs" else ["-m", "mainstay"]
        return [PYTHON, *program, "daemon", *files]
    (folder / "keepalived.conf").write_text(plan.theirs())
    files = [f"--pid={folder}/pid", f"--checkers_pid={folder}/checkers"]
    return ["keepalived", "--dont-fork", "--log-console", "--check", f"--use-file={folder}/keepalived.conf", *files]


def _worker(who: str, parent: int, folder: Path) -> int:
    """The process that checks."""

    def found() -> int | None:
        return next((child for child in _children(parent) if _comm(child) == WORKER[who]), None)

    wait_for(lambda: found() is not None, START_SECONDS, f"the worker of {who}",
             evidence=lambda: (folder / "log").read_text()[-3000:])  # fmt: skip
    worker = found()
    assert worker is not None
    return worker


def _children(parent: int) -> list[int]:
    """Its direct children; a kernel without CONFIG_PROC_CHILDREN has no file of them."""
    found = []
    for stat in PROC.glob("[0-9]*/stat"):
        try:
            words = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(words[1]) == parent:
            found.append(int(stat.parent.name))
    return found


def _comm(pid: int) -> str:
    try:
        return (PROC / str(pid) / "comm").read_text().strip()
    except OSError:
        return ""


def _processor_seconds(worker: int) -> float:
    """To the nanosecond where the kernel counts so (proc(5), schedstat), else in ticks."""
    schedstat = PROC / str(worker) / "schedstat"
    if schedstat.exists():
        return int(schedstat.read_text().split()[0]) / 1e9
    words = (PROC / str(worker) / "stat").read_text().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / _TICKS


if __name__ == "__main__":
    main(sys.argv[1:])
