# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the verdict of a failed check to the kernel's table, on both data planes.

The program runs in a namespace of its own for nftables and inside the User-Mode-Linux guest of tests/kernel for ipvs.
"""

from __future__ import annotations

import json
import shlex
import typing as t

from kernel.run import CHECKOUT
from netns.daemons import PYTHON
from netns.segment import Segment

from bench.figures import AtMost, Figure, Series
from bench.guest import REMARK, in_guest
from lab import command

MILLISECONDS = 1000.0
BOUND = AtMost(10.0)
"""For the table: who is not in it gets no new connection. Ending the flows that are left has no such bound."""


def measure(runs: int, say: t.Callable[[str], None]) -> list[Figure]:
    """Both engines, every edit a series."""
    say("verdict to kernel, nftables")
    figures = _figures("nftables", _on_host(runs), "")
    say("verdict to kernel, ipvs (boots a guest)")
    seen = in_guest(lambda result: program("ipvs", runs, result))
    return [*_figures("ipvs", seen, REMARK), *figures]


def _on_host(runs: int) -> dict[str, list[float]]:
    segment = Segment("v")
    try:
        node = segment.node("a")
        argv = ["ip", "netns", "exec", node.namespace, "sh", "-c", program("nftables", runs, "/dev/stdout")]
        return t.cast("dict[str, list[float]]", json.loads(command.must(argv, deadline=120)))
    finally:
        segment.close()


def program(plane: str, runs: int, result: str) -> str:
    """The shell command that measures in the namespace it runs in."""
    path = f"{CHECKOUT}/plugins/module_utils:{CHECKOUT}/tests"
    words = [PYTHON, "-B", "-m", "bench.reaction_program", plane, str(runs), result]
    return f"ip link set lo up && PYTHONPATH={shlex.quote(path)} {shlex.join(words)}\n"


def _figures(plane: str, seconds: t.Mapping[str, t.Sequence[float]], remark: str) -> list[Figure]:
    return [
        Figure(
            f"verdict to {what}, {plane}", "ms", 2,
            Series(tuple(value * MILLISECONDS for value in values)),
            target=BOUND if what.endswith("the table") else None, remark=remark,
        )
        for what, values in seconds.items()
    ]  # fmt: skip
