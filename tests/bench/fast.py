# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Takeover with adverts of 10 ms: from the last advert on the wire until every VIP is installed and announced."""

from __future__ import annotations

import time
import typing as t
from pathlib import Path

from bench.beside import series
from bench.figures import AtMost, Figure, Series
from bench.fleet import PRIORITIES, Fleet, NotSettled, Plan
from bench.pair import OURS, THEIRS, set_port
from bench.tap import Advert, Claim, adverts
from lab import command

ADVERT_INT = 0.01
THEORY = 3 * ADVERT_INT + (256 - PRIORITIES["b"]) / 256 * ADVERT_INT
"""Active_Down_Interval of the backup, RFC 9568 6.1: 36.1 ms."""
TARGETS = {20: AtMost(round(1.05 * THEORY * 1000, 1)), 200: AtMost(60.0)}
"""Milliseconds, by the number of VIPs."""

_WATCHED = 0.4
"""Seconds after the cut; a takeover that is not over by then counts as this long."""


def measure(runs: int, folder: Path, say: t.Callable[[str], None]) -> list[Figure]:
    """Ours and keepalived in turn, one pair at a time: nothing else shall ask for the processor."""
    seen: dict[tuple[int, str], list[float]] = {}
    for vips in TARGETS:
        for kind in (OURS, THEIRS):
            say(f"takeover at 10 ms, {vips} VIPs, {kind}")
            seen[vips, kind] = _takeovers(kind, vips, runs, folder)
    return [_figure(vips, Series(tuple(seen[vips, OURS])), series(seen[vips, THEIRS])) for vips in TARGETS]


def _takeovers(kind: str, vips: int, runs: int, folder: Path) -> list[float]:
    """Milliseconds; as many as there were before keepalived's pair did not settle any more."""
    took: list[float] = []
    with Fleet(kind, Plan(1, ADVERT_INT, vips), folder, f"f{vips}") as fleet:
        try:
            fleet.start()
            for _count in range(runs):
                took.append(_run(fleet))
        except NotSettled:
            if kind == OURS:
                raise
    return took


def _run(fleet: Fleet) -> float:
    """Milliseconds of one takeover."""
    fleet.settle()
    fleet.tap.await_advert("port-a")
    set_port(fleet.segment, fleet.nodes["a"], up=False)
    time.sleep(_WATCHED)
    seen, held = fleet.tap.read(), _held(fleet)
    set_port(fleet.segment, fleet.nodes["a"], up=True)
    announced = _announced(seen)
    if not _addresses(fleet.plan) <= held & set(announced):
        return _WATCHED * 1000
    return (max(announced.values()) - _silent_since(fleet, seen)) * 1000


def _silent_since(fleet: Fleet, seen: t.Sequence[Advert | Claim]) -> float:
    """The last advert of the master; that the cut was after it is known from the wire itself."""
    last = adverts(seen, "port-a")
    return last[-1].at if last else fleet.tap.last_awaited


def _announced(seen: t.Sequence[Advert | Claim]) -> dict[str, float]:
    """When each VIP was announced by the backup for the first time: it is installed before."""
    first: dict[str, float] = {}
    for one in seen:
        if isinstance(one, Claim) and one.port == "port-b":
            first.setdefault(one.address, one.at)
    return first


def _addresses(plan: Plan) -> set[str]:
    return {one.partition("/")[0] for one in plan.virtual_addresses(0)}


def _held(fleet: Fleet) -> set[str]:
    words = command.must(["ip", "-netns", fleet.nodes["b"].namespace, "-oneline", "address", "show"]).split()
    return {word.partition("/")[0] for word in words}


def _figure(vips: int, ours: Series, theirs: Series | None) -> Figure:
    remark = f"the theory is {THEORY * 1000:.1f} ms; one that is not over in {_WATCHED * 1000:g} ms counts as that"
    return Figure(f"takeover at 10 ms, {vips} VIPs announced", "ms", 1, ours, theirs, TARGETS[vips], remark)
