# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults on several pairs of both kinds at once; what burns the processor one pair after the other."""

from __future__ import annotations

import contextlib
import itertools
import time
import typing as t
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bench.pair import Pair

from . import injectors
from .seen import Seen, Watching, sentence
from .table import Fault

Say = t.Callable[[str], None]
Figures = t.Dict[str, t.Dict[str, str]]
"""Id of the fault -> kind of daemon -> what was seen."""


def measure(faults: t.Sequence[Fault], runs: int, folder: Path, say: Say) -> Figures:
    """Every fault once on each of `runs` pairs of both kinds; those without a burden follow each other on the same."""
    together = [fault for fault in faults if fault.burden is None]
    figures = _on_pairs(together, runs, folder, say) if together else {}
    for fault in faults:
        if fault.burden is not None:
            figures |= _on_pairs([fault], runs, folder / fault.id, say)
    return figures


def _on_pairs(faults: t.Sequence[Fault], runs: int, folder: Path, say: Say) -> Figures:
    """New ones, with the burden of the first fault."""
    figures: Figures = {}
    first = faults[0]
    pairs: list[Pair] = []
    with contextlib.ExitStack() as stack:
        for number, kind in itertools.product(range(runs), first.kinds):
            pairs.append(Pair(kind, number, folder))
            stack.callback(pairs[-1].close)
            if first.burden is not None:
                first.burden(pairs[-1], stack)
        for fault in faults:
            seen = _everywhere(fault, pairs, say)
            figures[fault.id] = {kind: said(seen[kind], fault) for kind in fault.kinds}
            for kind, words in figures[fault.id].items():
                say(f"{fault.id} {kind}: {words}")
    return figures


def said(seen: t.Sequence[Seen | None], fault: Fault) -> str:
    """None of them is a pair of which nothing ran."""
    if seen and not any(seen):
        return "ends at its start"
    return sentence([one for one in seen if one is not None], fault.returns)


def _everywhere(fault: Fault, pairs: t.Sequence[Pair], say: Say) -> dict[str, list[Seen | None]]:
    """A pair that does not come to rest any more is told and left out, but for one of which nothing runs (None)."""
    seen: dict[str, list[Seen | None]] = {kind: [] for kind in fault.kinds}
    with ThreadPoolExecutor(1 if fault.alone else len(pairs)) as threads:
        for pair, run in [(pair, threads.submit(_one, fault, pair)) for pair in pairs]:
            error = run.exception()
            if error is None:
                seen[pair.kind].append(run.result())
            else:
                say(f"{fault.id} {pair.kind}: {error}")
                seen[pair.kind] += [] if pair.master.processes() else [None]
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
