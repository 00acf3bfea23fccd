# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the benchmark: `make bench`. RUNS=3 for a quick look, ONLY=failover,memory for a part:
failover, start, memory, reaction, tables, checks, fast, scale, reload, restart, soak. SOAK=1000 soaks for so many
seconds.

Each part is kept and docs/benchmarks.md is made of all that are; fewer than ten runs only print.
"""

from __future__ import annotations

import os
import platform
import re
import sys
import tempfile
import time
import typing as t
from datetime import datetime, timezone
from pathlib import Path

from netns.daemons import PYTHON
from netns.segment import remove_leftovers

from bench import (
    checking,
    failover,
    fast,
    memory,
    reaction,
    record,
    reloading,
    report,
    restart,
    scale,
    soak,
    starting,
    tables,
)
from bench.figures import Figure
from lab import command

CHECKOUT = Path(__file__).resolve().parents[2]
PAGE = CHECKOUT / "docs" / "benchmarks.md"
FULL_RUNS = 10
PAIRS = 3
"""Of each kind at once: their waiting is idle time, and their faults keep apart."""
REACTION_RUNS = 3
"""Times RUNS: one takes a tenth of a second."""
BEGIN = time.monotonic()


def say(line: str = "") -> None:
    elapsed = int(time.monotonic() - BEGIN)
    print(f"[{elapsed // 60:02d}:{elapsed % 60:02d}] {line}", file=sys.stderr, flush=True)


def _compile() -> None:
    """What is installed is compiled, so what is measured is, too."""
    command.must(
        [PYTHON, "-m", "compileall", "-q", str(CHECKOUT / "plugins" / "module_utils" / "mainstay")], deadline=120
    )


def main() -> int:
    """Measure, print, write. A missed target is said and is no failure: the machine may be busy."""
    runs = int(os.environ.get("RUNS") or FULL_RUNS)
    parts = _parts(runs)
    wanted = (os.environ.get("ONLY") or ",".join(parts)).split(",")
    where = _machine()
    remove_leftovers()
    _compile()
    date = datetime.now(timezone.utc).strftime("%Y-%m-%d")
    figures: list[Figure] = []
    kept = record.read()
    with tempfile.TemporaryDirectory(prefix="mainstay-bench-") as folder:
        for name in wanted:
            below = Path(folder) / name
            below.mkdir()
            measured = parts[name](below)
            kept[name] = report.part(measured, where, date)
            figures += measured
    if runs >= FULL_RUNS:
        record.write({name: kept[name] for name in parts if name in kept})
        PAGE.write_text(report.page(record.read(), "make bench", failover.WATCHED_SECONDS))
        say(f"written: {PAGE.relative_to(CHECKOUT)}")
    print(report.table(map(report.row, figures)))
    print(report.listed(f"{figure.name}: {figure.remark}" for figure in figures if figure.remark))
    missed = [figure.name for figure in figures if figure.met is False]
    print(f"missed: {', '.join(missed)}" if missed else "every target met")
    return 0


def _parts(runs: int) -> dict[str, t.Callable[[Path], list[Figure]]]:
    return {
        "failover": lambda folder: failover.measure(runs, min(PAIRS, runs), folder, say),
        "start": lambda folder: starting.measure(runs, folder, say),
        "memory": lambda folder: memory.measure(-(-runs // 2), folder, say),
        "reaction": lambda _folder: reaction.measure(runs * REACTION_RUNS, say),
        "tables": lambda _folder: tables.measure(say),
        "checks": lambda folder: checking.measure(folder, say),
        "fast": lambda folder: fast.measure(runs, folder, say),
        "scale": lambda folder: scale.measure(folder, say),
        "reload": lambda folder: reloading.measure(-(-runs // 5), folder, say),
        "restart": lambda folder: restart.measure(-(-runs // 3), folder, say),
        "soak": lambda folder: soak.measure(folder, say),
    }


def _machine() -> report.Machine:
    python = command.must([PYTHON, "--version"]).split()[1]
    said = command.run(["keepalived", "--version"])
    keepalived = re.search(r"v(\d\S*)", said.stdout + said.stderr)
    libc = command.must([PYTHON, "-c", "import platform; print(*platform.libc_ver())"]).strip()
    mainstay = re.search(r'VERSION = "(\S+)"', (CHECKOUT / "plugins/module_utils/mainstay/version.py").read_text())
    versions = [
        f"Mainstay {mainstay[1] if mainstay else 'unknown'} on Python {python}",
        f"keepalived {keepalived[1] if keepalived else 'unknown'}",
        libc,
    ]
    return report.Machine(platform.release(), os.cpu_count() or 1, versions, os.getloadavg()[0])


if __name__ == "__main__":
    sys.exit(main())
