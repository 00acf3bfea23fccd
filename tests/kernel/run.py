# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the tests of this folder inside one User-Mode-Linux guest, which has a real ip_vs.

    .venv/bin/python tests/kernel/run.py [--junitxml FILE] [pytest arguments]

The guest boots on this machine's own root, read-only, runs one pytest and halts. What pytest prints is printed here
as it comes, and its exit status is ours. A guest that does not start, dies or is not done in time is a failure (3).
"""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
CHECKOUT = HERE.parents[1]
EXCHANGE_IN_GUEST = Path("/run/exchange")
DEADLINE_SECONDS = 900
GUEST_FAILED = 3
KERNEL = "linux.uml"
MEMORY = "768M"


def main() -> int:
    """Boot, relay, clean up."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--junitxml", type=Path, help="where the report goes on this machine")
    options, pytest_arguments = parser.parse_known_args()
    if shutil.which(KERNEL) is None:
        return complain(f"{KERNEL} is not installed: run 'make setup'")
    with tempfile.TemporaryDirectory(prefix="mainstay-kernel-") as folder:
        exchange = Path(folder)
        (exchange / "command").write_text(guest_command(pytest_arguments))
        (exchange / "output").touch()
        status = run_guest(exchange)
        report = exchange / "report.xml"
        if options.junitxml and report.exists():
            options.junitxml.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(report, options.junitxml)
    return status


def guest_command(pytest_arguments: list[str]) -> str:
    """The shell command that the guest runs. Nothing may be written below the checkout: it is read-only there."""
    pytest = [
        sys.executable, "-B", "-m", "pytest", "-o", "cache_dir=/run/tmp/pytest", "-p", "no:xdist", "-q", "--color=no",
        f"--junitxml={EXCHANGE_IN_GUEST / 'report.xml'}", str(HERE), *pytest_arguments,
    ]  # fmt: skip
    return f"cd {shlex.quote(str(CHECKOUT))} && MAINSTAY_KERNEL_GUEST=1 exec {shlex.join(pytest)}\n"


def run_guest(exchange: Path) -> int:
    """Boot the guest and print its output as it grows, until it halts or its time is up."""
    console = exchange / "console"
    name = f"mainstay-kernel-{os.getpid()}"
    with console.open("wb") as console_file, (exchange / "output").open() as output:
        guest = subprocess.Popen(
            kernel_command(name, exchange), stdin=subprocess.DEVNULL, stdout=console_file,
            stderr=subprocess.STDOUT, start_new_session=True, env={**os.environ, "HOME": str(exchange)},
        )  # fmt: skip
        try:
            halted = relay_until_halted(guest, output)
        finally:
            end(guest)
    status = exchange / "status"
    if status.exists() and status.read_text().strip().isdigit():
        return int(status.read_text())
    why = "halted without a result" if halted else f"was not done after {DEADLINE_SECONDS} s"
    return complain(f"the guest {why}; the end of its console:\n{console.read_text(errors='replace')[-2000:]}")


def kernel_command(name: str, exchange: Path) -> list[str]:
    """The guest as a process: this machine's root through hostfs, its first console on our standard output."""
    return [
        KERNEL, f"mem={MEMORY}", f"umid={name}", f"uml_dir={exchange}/",
        "root=/dev/root", "rootfstype=hostfs", "rootflags=/", "ro", "con=null", "con0=null,fd:1", "quiet",
        f"exchange={exchange}", f"init={HERE / 'guest_init.sh'}",
    ]  # fmt: skip


def relay_until_halted(guest: subprocess.Popen[bytes], output: object) -> bool:
    """Print what the guest's pytest prints. False when the deadline came first."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while True:
        halted = guest.poll() is not None
        print(output.read(), end="", flush=True)  # type: ignore[attr-defined]
        if halted:
            return True
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)


def end(guest: subprocess.Popen[bytes]) -> None:
    """End the guest's processes, all children of the one we started and all in its session."""
    for process in processes_of_session(guest.pid):
        try:
            os.kill(process, 9)
        except ProcessLookupError:
            continue
    guest.wait()


def processes_of_session(session: int) -> list[int]:
    """Every process of the session, from /proc; none when the leader is gone and reaped."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == session:
            found.append(int(stat.parent.name))
    return found


def complain(message: str) -> int:
    print(f"tests/kernel: {message}", file=sys.stderr)
    return GUEST_FAILED


if __name__ == "__main__":
    sys.exit(main())
