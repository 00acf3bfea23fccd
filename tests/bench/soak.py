# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Adverts of 10 ms on a machine whose processors are all taken: does a backup ever believe that the master is gone?"""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
import typing as t
from pathlib import Path

from bench.fast import ADVERT_INT
from bench.figures import Figure, NeverMoreThan, Series
from bench.fleet import Fleet, Plan
from bench.pair import OURS, THEIRS
from bench.tap import adverts, longest_gap

SECONDS = 60
HOGS = 4
PLAN = Plan(1, ADVERT_INT, 20)
_SPIN = "while :; do :; done"


def measure(folder: Path, say: t.Callable[[str], None]) -> list[Figure]:
    """One pair after the other; SOAK=1000 watches each for so many seconds."""
    seconds = int(os.environ.get("SOAK") or SECONDS)
    failovers: dict[str, list[float]] = {OURS: [], THEIRS: []}
    gaps: dict[str, list[float]] = {OURS: [], THEIRS: []}
    for kind, values in failovers.items():
        say(f"{seconds} s with {HOGS} processor hogs, {kind}")
        with Fleet(kind, PLAN, folder, "h") as fleet:
            fleet.start()
            with _hogs():
                count, gap = _watch(fleet, seconds)
        values.append(count)
        gaps[kind].append(gap * 1000)
    return _figures(seconds, failovers, gaps)


def _watch(fleet: Fleet, seconds: float) -> tuple[int, float]:
    """How often the backup spoke up, and the longest silence of the master."""
    fleet.tap.clear()
    end, failovers, longest = time.monotonic() + seconds, 0, 0.0
    silent, last = True, []
    while time.monotonic() < end:
        time.sleep(0.5)
        seen = fleet.tap.read()
        spoke = bool(adverts(seen, "port-b"))
        failovers += spoke and silent
        silent = not spoke
        masters = adverts(seen, "port-a")
        longest, last = max(longest, longest_gap([*last, *masters])), masters[-1:]
    return failovers, longest


@contextlib.contextmanager
def _hogs() -> t.Iterator[None]:
    """As many endless loops as there are to be, of ordinary priority."""
    running = [subprocess.Popen(["sh", "-c", _SPIN]) for _number in range(HOGS)]
    try:
        yield
    finally:
        for one in running:
            one.kill()
            one.wait(10)


def _figures(
    seconds: int, failovers: t.Mapping[str, t.Sequence[float]], gaps: t.Mapping[str, t.Sequence[float]]
) -> list[Figure]:
    name = f"{seconds} s at 10 ms with {HOGS} processor hogs"
    failed = (Series(tuple(failovers[kind])) for kind in (OURS, THEIRS))
    silent = (Series(tuple(gaps[kind])) for kind in (OURS, THEIRS))
    return [
        Figure(f"{name}: false failovers", "", 0, *failed, NeverMoreThan(0)),
        Figure(f"{name}: longest gap between adverts", "ms", 1, *silent),
    ]
