# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the start of the program to its first advert."""

from __future__ import annotations

import signal
import time
import typing as t
from pathlib import Path

from netns.daemons import Daemon
from netns.segment import Segment

from bench.figures import AtMost, Figure, Series
from bench.pair import OURS, THEIRS, machine
from bench.release import from_release, installed
from bench.wire import AdvertWatch
from lab.waiting import wait_for

OWNER = 255
"""Sends at once, RFC 9568 6.4.1; every other priority waits for a master first."""


def measure(runs: int, folder: Path, say: t.Callable[[str], None]) -> list[Figure]:
    """Ours and keepalived in turn, one at a time."""
    seen: dict[str, list[float]] = {OURS: [], THEIRS: []}
    release = installed(folder / "installed")
    for count in range(runs):
        say(f"start, run {count + 1}")
        for kind, values in seen.items():
            values.append(_run(kind, folder / f"{kind}{count}", release))
    ours, theirs = (Series(tuple(seen[kind])) for kind in (OURS, THEIRS))
    return [Figure("start to first advert", "s", 3, ours, theirs, AtMost(0.8))]


def _run(kind: str, folder: Path, release: Path) -> float:
    segment = Segment("s")
    try:
        node = segment.node("a")
        one = machine(kind, node, folder, OWNER)
        if isinstance(one, Daemon):
            one.through = from_release(release)
        adverts = AdvertWatch(node)
        try:
            begin = time.monotonic()
            one.launch() if isinstance(one, Daemon) else one.start()
            return adverts.next_advert() - begin
        finally:
            adverts.close()
            node.signal_all(signal.SIGKILL)
            wait_for(lambda: not node.processes(), 10, f"{kind} to end")
    finally:
        segment.close()
