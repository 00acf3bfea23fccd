# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What health checks cost: ours at full rate on this machine, ours and keepalived's one after the other in a guest."""

from __future__ import annotations

import json
import shlex
import typing as t
from pathlib import Path

from kernel.run import CHECKOUT
from netns.daemons import PYTHON
from netns.segment import DEVICE, Node, Segment

from bench.checking_plan import OURS, THEIRS, CheckPlan
from bench.figures import AtMost, AtMostTimes, Figure, Series
from bench.guest import REMARK, in_guest
from bench.tap import Tap, adverts
from lab import command

SECONDS = 20.0
_BESIDE_REMARK = f"{REMARK}; its clock of processor time has 10 ms, so our probes start without their steps of 10 ms"
Measured = t.Mapping[str, float]

RATES = (
    ("1,000 TCP checks a second", CheckPlan("tcp", 100, 10, 1.0, data_plane="nftables"), 20.0),
    ("1,000 HTTP checks a second", CheckPlan("http", 100, 10, 1.0, data_plane="nftables"), 30.0),
    ("100 HTTPS checks a second", CheckPlan("https", 10, 10, 1.0, data_plane="nftables"), 25.0),
)
BESIDE = (
    ("a TCP check", CheckPlan("tcp", 10, 10, 1.0), None),
    ("an HTTP check", CheckPlan("http", 10, 10, 1.0), None),
    ("a configured TCP check, ten services sharing each server", CheckPlan("tcp", 10, 10, 1.0, shared=True), 1.0),
)
MANY = CheckPlan("tcp", 1000, 10, 10.0, data_plane="nftables", vrrp_interface=DEVICE)
MANY_MEGABYTES = 80.0
LATE_MILLISECONDS = 50.0
ADVERT_MILLISECONDS = 10.0


def measure(folder: Path, say: t.Callable[[str], None]) -> list[Figure]:
    """Rates, both side by side, and ten thousand at once."""
    return [*_rates(folder, say), *_beside(say), *_many(folder, say)]


def _rates(folder: Path, say: t.Callable[[str], None]) -> list[Figure]:
    figures = []
    for number, (what, plan, bound) in enumerate(RATES):
        say(f"checks: {what}")
        seen = _on_host(plan, folder / f"rate{number}.json")
        figures.append(
            Figure(f"processor, {what}", "%", 1, _one(seen["processor"]), None, AtMost(bound),
                   f"{seen['rate']:.0f} a second were seen at the server; the worker's whole use")
        )  # fmt: skip
    return figures


def _beside(say: t.Callable[[str], None]) -> list[Figure]:
    """Processor time of one configured check."""
    figures = []
    for what, plan, factor in BESIDE:
        say(f"checks in a guest: {what}")
        ours, theirs = (_cost(plan, in_guest(_guest_command(who, plan))) for who in (OURS, THEIRS))
        target = None if factor is None else AtMostTimes(factor)
        figures.append(Figure(f"processor time of {what}", "µs", 0, _one(ours), _one(theirs), target, _BESIDE_REMARK))
    return figures


def _cost(plan: CheckPlan, seen: Measured) -> float:
    """Microseconds of processor for each configured check."""
    return seen["processor"] / 100 * 1e6 / (plan.checks / plan.period)


def _many(folder: Path, say: t.Callable[[str], None]) -> list[Figure]:
    say(f"checks: {MANY.checks} configured, with adverts every 10 ms beside them")
    segment = Segment("k")
    try:
        node, tap = segment.node("a"), Tap(segment)
        seen = _on_node(node, MANY, folder / "many.json")
        stamps = [advert.at for advert in adverts(tap.read(), "port-a")]
        tap.close()
    finally:
        segment.close()
    gaps = (after - before for before, after in zip(stamps, stamps[1:], strict=False))
    late = sorted(1000 * gap - ADVERT_MILLISECONDS for gap in gaps)
    percentile = late[min(len(late) - 1, int(0.999 * len(late)))]
    remark = f"{len(late)} adverts, from the start of the daemon on; worst {late[-1]:.1f} ms"
    return [
        Figure("memory of the health worker with 10,000 checks", "MB", 1, _one(seen["memory"]), None,
               AtMost(MANY_MEGABYTES), f"PSS; {seen['rate']:.0f} checks a second"),
        Figure("10 ms adverts beside 10,000 checks: 99.9 % are late by less than", "ms", 1, _one(percentile), None,
               AtMost(LATE_MILLISECONDS), remark),
    ]  # fmt: skip


def _on_host(plan: CheckPlan, result: Path) -> Measured:
    segment = Segment("k")
    try:
        return _on_node(segment.node("a"), plan, result)
    finally:
        segment.close()


def _on_node(node: Node, plan: CheckPlan, result: Path) -> Measured:
    argv = ["ip", "netns", "exec", node.namespace, "sh", "-c", _program(OURS, plan, str(result))]
    command.must(argv, deadline=300)
    return t.cast(Measured, json.loads(result.read_text()))


def _guest_command(who: str, plan: CheckPlan) -> t.Callable[[str], str]:
    return lambda result: _program(who, plan, result)


def _program(who: str, plan: CheckPlan, result: str) -> str:
    """The shell command that measures in the namespace it runs in."""
    path = f"{CHECKOUT}/plugins/module_utils:{CHECKOUT}/tests"
    shared = "shared" if plan.shared else "own"
    words = [
        PYTHON, "-B", "-m", "bench.checking_program", who, plan.kind, str(plan.services), str(plan.servers),
        f"{plan.period:g}", shared, plan.data_plane, plan.vrrp_interface or "-", f"{SECONDS:g}", result,
    ]  # fmt: skip
    return f"ip link set lo up && PYTHONPATH={shlex.quote(path)} {shlex.join(words)}\n"


def _one(value: float) -> Series:
    return Series((value,))
