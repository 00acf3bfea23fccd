# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults on several pairs of both kinds at once; what burns the processor one pair after the other."""

from __future__ import annotations

import time
import typing as t
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bench.pair import OURS, THEIRS, Pair

from . import injectors
from .seen import Seen, Watching, sentence
from .table import Fault

KINDS = (OURS, THEIRS)
Say = t.Callable[[str], None]
Figures = t.Dict[str, t.Dict[str, str]]
"""Id of the fault -> kind of daemon -> what was seen."""


def measure(faults: t.Sequence[Fault], runs: int, folder: Path, say: Say) -> Figures:
    """Every fault once on each of `runs` pairs of both kinds."""
    figures: Figures = {}
    pairs: list[Pair] = []
    try:
        for number in range(runs):
            pairs += [Pair(kind, number, folder) for kind in KINDS]
        for fault in faults:
            seen = _everywhere(fault, pairs, say)
            figures[fault.id] = {kind: sentence(seen[kind], fault.returns) for kind in KINDS}
            for kind in KINDS:
                say(f"{fault.id} {kind}: {figures[fault.id][kind]}")
    finally:
        for pair in pairs:
            pair.close()
    return figures


def _everywhere(fault: Fault, pairs: t.Sequence[Pair], say: Say) -> dict[str, list[Seen]]:
    """A pair that does not come to rest any more is told and left out."""
    seen: dict[str, list[Seen]] = {kind: [] for kind in KINDS}
    with ThreadPoolExecutor(1 if fault.alone else len(pairs)) as threads:
        for pair, run in [(pair, threads.submit(_one, fault, pair)) for pair in pairs]:
            error = run.exception()
            if error is None:
                seen[pair.kind].append(run.result())
            else:
                say(f"{fault.id} {pair.kind}: {error}")
                injectors.end_master(pair)
    return seen


def _one(fault: Fault, pair: Pair) -> Seen:
    pair.settle()
    if fault.in_step:
        pair.await_advert()
    watching = Watching(pair)
    try:
        fault.strike(pair)
        time.sleep(fault.watched)
        fault.mend(pair)
        time.sleep(fault.after)
        seen = watching.seen()
        if not seen.rests:
            injectors.end_master(pair)  # the next fault is to find a pair at rest
        return seen
    finally:
        watching.close()
