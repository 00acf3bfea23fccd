# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure faults and attacks and write docs/parity/fault-figures.json: `make faults`, ONLY=F27,A01 for some.

With ONLY, or fewer than three runs (--runs), the figures of the others stay as they were.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from datetime import datetime, timezone
from pathlib import Path

from netns.segment import remove_leftovers
from parity.faults import FIGURES

from . import attack, run, tables
from .table import FAULTS

RUNS = 3
BEGIN = time.monotonic()


def say(line: str) -> None:
    elapsed = int(time.monotonic() - BEGIN)
    print(f"[{elapsed // 60:02d}:{elapsed % 60:02d}] {line}", file=sys.stderr, flush=True)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="faults", description=__doc__)
    parser.add_argument("--only", default="", help="ids with commas between")
    parser.add_argument("--runs", type=int, default=RUNS)
    options = parser.parse_args(arguments)
    ids = {one for one in options.only.split(",") if one}
    unknown = ids - {fault.id for fault in FAULTS} - {one.id for one in attack.ATTACKS} - {attack.REPLAY}
    unknown -= {*tables.IN_GUEST, tables.ZOO}
    if unknown:
        parser.error(f"nothing is measured for {', '.join(sorted(unknown))}")
    remove_leftovers()
    with tempfile.TemporaryDirectory(prefix="mainstay-faults-") as folder:
        chosen = [fault for fault in FAULTS if not ids or fault.id in ids]
        figures = run.measure(chosen, options.runs, Path(folder), say)
        figures |= tables.measure(lambda one: not ids or one in ids, Path(folder), say)
        figures |= attack.measure(lambda one: not ids or one in ids, Path(folder) / "attacks", say)
    _write(figures, options.runs)
    return 0


def _write(figures: run.Figures, runs: int) -> None:
    before = json.loads(FIGURES.read_text())["figures"] if FIGURES.exists() else {}
    about = {
        "kernel": platform.release(),
        "cpus": os.cpu_count(),
        "date": datetime.now(timezone.utc).strftime("%Y-%m-%d"),
        "runs": runs,
        "keepalived": "2.2.7",
    }
    whole = {"about": about, "figures": dict(sorted({**before, **figures}.items()))}
    FIGURES.write_text(json.dumps(whole, indent=2, ensure_ascii=False) + "\n")
    say(f"written: {FIGURES.name}, {len(figures)} of {len(whole['figures'])} anew")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
