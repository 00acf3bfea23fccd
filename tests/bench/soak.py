# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Adverts of 10 ms on a machine whose processors are all taken: does a backup ever believe that the master is gone?"""

from __future__ import annotations

import contextlib
import functools
import os
import subprocess
import threading
import time
import typing as t
from pathlib import Path

from bench.beside import series, side_by_side
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
    """Both pairs at once; SOAK=1000 watches them for so many seconds."""
    seconds = int(os.environ.get("SOAK") or SECONDS)
    say(f"{seconds} s with {HOGS} processor hogs")
    # Both have to be settled before the hogs come: how a start fares beside them is another question.
    settled = threading.Barrier(len((OURS, THEIRS)))
    return _figures(seconds, *side_by_side(functools.partial(_soak, settled, seconds, folder)))


def _soak(settled: threading.Barrier, seconds: float, folder: Path, kind: str) -> tuple[int, float]:
    with Fleet(kind, PLAN, folder, "h") as fleet:
        try:
            fleet.start()
        finally:
            settled.wait(90)
        with _hogs(HOGS if kind == OURS else 0):
            return _watch(fleet, seconds)


def _watch(fleet: Fleet, seconds: float) -> tuple[int, float]:
    """How often the backup spoke up, and the longest silence of the master, in milliseconds."""
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
    return failovers, longest * 1000


@contextlib.contextmanager
def _hogs(count: int) -> t.Iterator[None]:
    """Endless loops of ordinary priority."""
    running = [subprocess.Popen(["sh", "-c", _SPIN]) for _number in range(count)]
    try:
        yield
    finally:
        for one in running:
            one.kill()
            one.wait(10)


def _figures(seconds: int, ours: tuple[int, float], theirs: tuple[int, float] | None) -> list[Figure]:
    name = f"{seconds} s at 10 ms with {HOGS} processor hogs"
    failed, silent = ((Series((ours[at],)), series(theirs and [theirs[at]])) for at in (0, 1))
    return [
        Figure(f"{name}: false failovers", "", 0, *failed, NeverMoreThan(0)),
        Figure(f"{name}: longest gap of adverts", "ms", 1, *silent),
    ]
