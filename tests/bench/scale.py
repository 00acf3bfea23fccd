# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What many instances cost: processor time of the process that speaks VRRP, and memory of the whole daemon."""

from __future__ import annotations

import functools
import time
import typing as t
from pathlib import Path

from bench.beside import UNSETTLED, series, side_by_side
from bench.figures import AtMost, Figure, Series
from bench.fleet import Fleet, Plan, processor_seconds
from bench.memory import Use, use_of

WATCHED = 30.0
"""Seconds."""
LOADS = ((Plan(255, 1.0), "255 instances at 1 s", 3.0), (Plan(100, 0.1), "100 instances at 100 ms", 12.0))
"""What runs, its name, and the target in percent of one core."""
ROLES = {"a": "master", "b": "backup"}
FEW, MANY = 10, 255
"""Instances between which the slope of memory is taken."""
KILOBYTES_EACH = AtMost(60.0)


def measure(folder: Path, say: t.Callable[[str], None]) -> list[Figure]:
    """Processor time of both roles, then memory."""
    figures = []
    for plan, name, percent in LOADS:
        say(f"processor time of {name}")
        ours, theirs = side_by_side(functools.partial(_processor, plan, folder))
        figures += [
            Figure(
                f"processor, {name}, {role}", "%", 2, Series((ours[node],)), series(theirs and [theirs[node]]),
                AtMost(percent), "" if theirs else UNSETTLED,
            )
            for node, role in ROLES.items()
        ]  # fmt: skip
    say("memory of one more instance")
    ours, theirs = side_by_side(functools.partial(_slope, folder))
    return [*figures, *_memory(ours, theirs)]


def _processor(plan: Plan, folder: Path, kind: str) -> dict[str, float]:
    """Percent of a core, by node."""
    with Fleet(kind, plan, folder, f"c{plan.instances}") as fleet:
        fleet.start()
        workers = {name: fleet.worker(name) for name in ROLES}
        begin, before = time.monotonic(), {name: processor_seconds(one) for name, one in workers.items()}
        time.sleep(WATCHED)
        elapsed = time.monotonic() - begin
        return {name: 100 * (processor_seconds(one) - before[name]) / elapsed for name, one in workers.items()}


def _slope(folder: Path, kind: str) -> dict[str, float]:
    """Kilobytes of one more instance, by how they are counted; masters."""
    few, many = _use(kind, FEW, folder), _use(kind, MANY, folder)
    return {what: 1000 * (getattr(many, what) - getattr(few, what)) / (MANY - FEW) for what in ("pages", "pss")}


def _use(kind: str, instances: int, folder: Path) -> Use:
    with Fleet(kind, Plan(instances), folder, f"m{instances}") as fleet:
        fleet.start()
        return use_of(fleet.nodes["a"].processes())


def _memory(ours: t.Mapping[str, float], theirs: t.Mapping[str, float] | None) -> list[Figure]:
    remark = f"all processes of a master's daemon, from {FEW} to {MANY} instances with one VIP each"
    return [
        Figure(
            f"memory of each further instance{also}", "kB", 1, Series((ours[what],)), series(theirs and [theirs[what]]),
            KILOBYTES_EACH, remark if what == "pages" else "",
        )
        for what, also in (("pages", ""), ("pss", ", by PSS"))
    ]  # fmt: skip
