# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Begin a watch, end it, judge it: `PYTHONPATH=tests python3 -m watch begin|end|judge LAB …`.

`begin` leaves a process behind that asks the kernels and has the client send requests, until `end`, or for three
minutes at most.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from demo.directors import NAMES, Directors
from demo.promises import Ledger
from lab.errors import LabError
from lab.lab import Lab
from lab.waiting import wait_for
from traffic import client
from watch.evidence import Expected, Folder
from watch.judge import judge
from watch.kernels import Kernels, Sample

LIMIT = 180.0  # seconds that a watch lasts at most
INTERVAL = 0.02  # seconds between two looks
QUIET = 1.5  # seconds that everything must stay in its place before a watch ends
BEFORE = 0.5  # seconds of traffic before anything may happen
REST = 20.0  # seconds until the daemons say what the kernels show
SCRIPT, CLIENT_PID = "/tmp/traffic.py", "/run/traffic.pid"  # on the client machine
RATE = 50  # requests a second


def begin(options: argparse.Namespace) -> int:
    """Start watching; returns when kernels and client have answered."""
    folder = Folder.of(options.lab)
    _end_process(folder)
    shutil.rmtree(folder.path, ignore_errors=True)
    folder.path.mkdir(parents=True)
    with folder.log.open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "watch", "run", options.lab, "--url", options.url, "--addresses", options.addresses],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    folder.pid.write_text(str(process.pid))

    def answered() -> bool:
        if process.poll() is not None:
            raise LabError(f"the watch ended at once: {folder.log.read_text()}")
        return folder.requests.exists() and bool(folder.read_report().answers)

    wait_for(answered, 15, f"a first answer from {options.url}", evidence=folder.log.read_text)
    time.sleep(BEFORE)
    return 0


def run(options: argparse.Namespace) -> int:
    """Watch until SIGTERM: what `begin` leaves behind."""
    folder, lab = Folder.of(options.lab), Lab.attach(options.lab)
    stopped: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _frame: stopped.append(number))
    kernels = Kernels(options.lab, NAMES, tuple(options.addresses.split(",")))
    machine = lab.machine("client")
    machine.run(["sh", "-c", f"cat > {SCRIPT}"], stdin=Path(client.__file__).read_text())
    command = f"echo $$ > {CLIENT_PID}; exec python3 {SCRIPT} {options.url} --rate {RATE} --seconds {LIMIT}"
    samples: list[Sample] = []
    end = time.monotonic() + LIMIT
    with folder.requests.open("w") as requests:
        asking = subprocess.Popen(machine.entering(["sh", "-c", command]), stdin=subprocess.DEVNULL, stdout=requests)
    try:
        while not stopped and time.monotonic() < end:
            samples.append(kernels.look())
            time.sleep(INTERVAL)
    finally:
        machine.run(["sh", "-c", f"kill $(cat {CLIENT_PID})"])
        asking.wait(10)
    folder.write_samples(samples)
    return 0


def end(options: argparse.Namespace) -> int:
    """Wait until all addresses have come to rest on the expected machine, stop watching."""
    folder = Folder.of(options.lab)
    folder.write_expected(Expected(options.holder, options.meanwhile, options.longest_gap, options.both))
    kernels = Kernels(options.lab, NAMES, tuple(options.addresses.split(",")))
    calm_since: list[float] = []

    def calm() -> bool:
        if not kernels.look().everything_on(options.holder):
            calm_since.clear()
        elif not calm_since:
            calm_since.append(time.monotonic())
        return bool(calm_since) and time.monotonic() - calm_since[0] >= QUIET

    try:
        wait_for(calm, options.within, f"{options.holder} to hold all addresses, alone",
                 evidence=lambda: str(kernels.look().holders))  # fmt: skip
    finally:
        _end_process(folder)
    return 0


def judged(options: argparse.Namespace) -> int:
    """Say what held; exit status 1 when something did not."""
    folder = Folder.of(options.lab)
    expected = folder.read_expected()
    ledger = Ledger(print)
    judge(folder.read_samples(), folder.read_report(), expected, ledger)
    states = _states_at_rest(Directors(Lab.attach(options.lab)), expected.holder)
    ledger.check(
        f"{expected.holder} says it is master of everything, nobody else does",
        _only_master(states, expected.holder),
        ", ".join(f"{name} {'+'.join(sorted(seen)) or 'silent'}" for name, seen in states.items()),
    )
    return 1 if ledger.broken else 0


States = dict[str, set[str]]


def _states_at_rest(directors: Directors, holder: str) -> States:
    """What the directors say of their instances, once they agree or have had their time."""
    states: States = {}

    def agreed() -> bool:
        states.update({name: set(directors.states(name).values()) for name in NAMES})
        return _only_master(states, holder)

    with contextlib.suppress(LabError):
        wait_for(agreed, REST, "the daemons to agree", interval=0.5)
    return states


def _only_master(states: States, holder: str) -> bool:
    return states[holder] == {"MASTER"} and all("MASTER" not in states[name] for name in states if name != holder)


def _end_process(folder: Folder) -> None:
    """End the watching process of this lab, if there is one, and return when it has written its samples."""
    try:
        pid = int(folder.pid.read_text())
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except (OSError, ValueError):
        return
    if b"watch\0run" in command:
        os.kill(pid, signal.SIGTERM)
        wait_for(folder.samples.exists, 20, "the watch to end", evidence=folder.log.read_text)


def main(arguments: list[str]) -> int:
    options = _parser().parse_args(arguments)
    try:
        return int(options.command(options))
    except LabError as error:
        print(f"watch: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    verbs = parser.add_subparsers(required=True, metavar="VERB")
    parsers = {}
    for name, command in {"begin": begin, "run": run, "end": end, "judge": judged}.items():
        parsers[name] = verbs.add_parser(name, help=command.__doc__)
        parsers[name].add_argument("lab", metavar="LAB")
        parsers[name].set_defaults(command=command)
    for name in ("begin", "run", "end"):
        parsers[name].add_argument("--addresses", required=True, help="that move, with commas between")
    for name in ("begin", "run"):
        parsers[name].add_argument("--url", required=True, help="that the client asks")
    parsers["end"].add_argument("--holder", required=True, help="machine that must hold all addresses in the end")
    parsers["end"].add_argument("--meanwhile", default="", help="machine that must have held all addresses before that")
    parsers["end"].add_argument("--longest-gap", type=float, required=True, help="seconds without an answer")
    parsers["end"].add_argument("--both", type=float, default=0.0, help="seconds that both may hold an address")
    parsers["end"].add_argument("--within", type=float, default=20.0, help="seconds from now to come to rest")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
