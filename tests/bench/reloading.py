# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reloads: how long five hundred instances take and what the wire sees of it; and what a thousand reloads leave."""

from __future__ import annotations

import json
import signal
import time
import typing as t
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from netns.daemons import Daemon, Keepalived

from bench.beside import UNSETTLED
from bench.figures import AtMost, Figure, NeverMoreThan, Series
from bench.fleet import PRIORITIES, Fleet, NotSettled, Plan
from bench.pair import OURS, THEIRS
from bench.pss import pss_of
from bench.tap import adverts, longest_gap
from lab.processes import PROC

MANY = Plan(500)
SMALL = Plan(3)
RELOADS = 1000
WARM_UP = 200
"""Reloads before growth counts: what Python keeps of its first ones is no leak."""
_PRIORITY = 151
_THEIR_RELOAD = 6.0
"""Seconds that are enough to go through with one and advertise again."""
_MISSED = 1.5 * MANY.advert_int


class Left(t.NamedTuple):
    """What a thousand reloads left at both machines."""

    transitions: int
    kilobytes: float
    descriptors: int
    seconds: float
    """Of one reload, the longest."""


def measure(runs: int, folder: Path, say: t.Callable[[str], None]) -> list[Figure]:
    """keepalived beside where the wire tells; it does not say when it has done a reload."""
    say(f"reload of {MANY.instances} instances")
    took, gaps = _reload_many(runs, folder)
    say(f"{RELOADS} reloads; reload of {MANY.instances} instances, keepalived")
    with ThreadPoolExecutor(1) as thread:
        beside = thread.submit(_reload_many_of_theirs, runs, folder)
        left = _reload_often(folder)
        theirs = beside.result()
    return [*_of_many(took, gaps, theirs), *_of_often(left)]


def _reload_many(runs: int, folder: Path) -> tuple[dict[str, list[float]], dict[str, list[float]]]:
    took: dict[str, list[float]] = {"one": [], "all": []}
    gaps: dict[str, list[float]] = {"one": [], "all": []}
    with Fleet(OURS, MANY, folder, "r") as fleet:
        fleet.start()
        daemon = t.cast(Daemon, fleet.machines["a"])
        transitions = _transitions(daemon)
        for what in took:
            for count in range(runs):
                fleet.tap.clear()
                time.sleep(2 * MANY.advert_int)
                daemon.write(**_changed(what, count))
                took[what].append(reload(daemon))
                time.sleep(2 * MANY.advert_int)
                gaps[what].append(longest_gap(adverts(fleet.tap.read(), "port-a")))
        assert _transitions(daemon) == transitions, fleet.evidence()
    return took, gaps


def _reload_many_of_theirs(runs: int, folder: Path) -> list[float]:
    """The longest gaps when all instances change; none when it does not even settle beside what else runs here."""
    gaps: list[float] = []
    with Fleet(THEIRS, MANY, folder, "r") as fleet:
        try:
            fleet.start()
        except NotSettled:
            return gaps
        one = t.cast(Keepalived, fleet.machines["a"])
        assert one.process is not None
        for count in range(runs):
            fleet.tap.clear()
            time.sleep(2 * MANY.advert_int)
            (one.folder / "keepalived.conf").write_text(MANY.keepalived(_PRIORITY + count % 2))
            one.process.signal(signal.SIGHUP)
            time.sleep(_THEIR_RELOAD)
            gaps.append(longest_gap(adverts(fleet.tap.read(), "port-a")))
    return gaps


def _changed(what: str, count: int) -> dict[str, t.Any]:
    """The instances with another priority: of one of them, or of all."""
    documents = MANY.documents(PRIORITIES["a"] if what == "one" else _PRIORITY + count % 2)
    documents["VI_7"]["priority"] = _PRIORITY + 2 + count % 2
    return documents


def reload(daemon: Daemon) -> float:
    """Seconds until the daemon says that all its workers run the new configuration."""
    begin = time.monotonic()
    answer = daemon.ask("reload")
    assert answer["ok"] and not answer.get("unconfirmed"), answer
    return time.monotonic() - begin


def _reload_often(folder: Path) -> Left:
    """One option changes with each: a reload of the same text would have nothing to do."""
    with Fleet(OURS, SMALL, folder, "o") as fleet:
        fleet.start()
        daemon, peer = (t.cast(Daemon, fleet.machines[name]) for name in ("a", "b"))
        moved = _transitions(daemon) + _transitions(peer)
        texts = [json.dumps({"vrrp_instances": SMALL.documents(priority)}) for priority in (150, 160)]
        slowest, before = 0.0, (0.0, 0)
        for count in range(WARM_UP + RELOADS):
            if count == WARM_UP:
                before = _size(fleet)
            daemon.write_text(texts[count % 2])
            slowest = max(slowest, reload(daemon))
        after = _size(fleet)
        moved = _transitions(daemon) + _transitions(peer) - moved
        return Left(moved, after[0] - before[0], after[1] - before[1], slowest)


def _size(fleet: Fleet) -> tuple[float, int]:
    """Kilobytes and open descriptors of all processes of the reloaded daemon."""
    folders = [PROC / str(process.pid) for process in fleet.nodes["a"].processes()]
    memory = sum(pss_of((folder / "smaps_rollup").read_text()) for folder in folders) / 1000
    return memory, sum(len(list((folder / "fd").iterdir())) for folder in folders)


def _transitions(daemon: Daemon) -> int:
    return sum(one["transitions"] for one in daemon.ask("status")["vrrp"]["instances"].values())


def _of_many(
    took: t.Mapping[str, t.Sequence[float]], gaps: t.Mapping[str, t.Sequence[float]], theirs: t.Sequence[float]
) -> list[Figure]:
    name = f"reload of {MANY.instances} instances"
    remark = f"{MANY.advert_int:g} s between adverts; at {_MISSED:g} s one would be missing. No instance moved."
    remark += "" if theirs else f" {UNSETTLED}"
    figures = []
    for what in took:
        told = f"{name}, {what} changed"
        beside = Series(tuple(theirs)) if what == "all" and theirs else None
        gap = Series(tuple(gaps[what]))
        figures += [
            Figure(told, "s", 3, Series(tuple(took[what])), target=AtMost(1.0)),
            Figure(f"{told}: longest gap of adverts", "s", 3, gap, beside, NeverMoreThan(_MISSED), remark),
        ]
    return figures


def _of_often(left: Left) -> list[Figure]:
    name = f"{RELOADS} reloads"
    remark = f"PSS of all processes, per reload, after {WARM_UP} reloads to warm up"
    return [
        Figure(f"{name}: transitions", "", 0, Series((left.transitions,)), target=NeverMoreThan(0)),
        Figure(f"{name}: growth each", "kB", 2, Series((left.kilobytes / RELOADS,)), target=AtMost(1.0), remark=remark),
        Figure(f"{name}: descriptors more", "", 0, Series((left.descriptors,)), target=NeverMoreThan(0)),
        Figure(f"{name}: the slowest", "s", 3, Series((left.seconds,))),
    ]
