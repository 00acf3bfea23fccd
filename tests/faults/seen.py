# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was seen while a fault lasted, by the kernel's notifications, and the sentence that tells it."""

from __future__ import annotations

import statistics
import time
import typing as t
from dataclasses import dataclass

from netns.address_watch import AddressWatch

from bench.pair import Pair

_SAME = 0.05
"""Seconds: runs that differ by less are told by their median alone."""
_ALWAYS = 0.9
"""Of the time watched: it would have gone on."""


@dataclass(frozen=True)
class Seen:
    """One run."""

    watched: float
    nobody: float
    """Seconds in which no machine held the address."""
    both: float
    """Seconds in which both did."""
    takeovers: int
    """Times that the backup got the address."""
    both_in_the_end: bool
    rests: bool
    """Whether the master alone held it in the end."""


class Watching:
    """A pair from now on."""

    def __init__(self, pair: Pair) -> None:
        self._pair = pair
        self._watch = AddressWatch([pair.master, pair.backup])
        self._began = time.monotonic()

    def close(self) -> None:
        self._watch.__exit__()

    def seen(self) -> Seen:
        """Up to now."""
        now = time.monotonic()
        master, backup = (self._watch.holdings(node) for node in (self._pair.master, self._pair.backup))
        holds_now = [bool(spans) and spans[-1].until >= now for spans in (master, backup)]
        return Seen(
            watched=now - self._began,
            nobody=self._watch.nobody_held(self._began, now),
            both=self._watch.both_held(self._pair.master, self._pair.backup),
            takeovers=len(backup),
            both_in_the_end=all(holds_now),
            rests=holds_now == [True, False],
        )


def sentence(runs: t.Sequence[Seen], returns: bool = True) -> str:
    """Medians of some runs, and the worst where it differs."""
    if not runs:
        return "did not come to rest any more"
    parts = [f"nobody held it for {_span([run.nobody for run in runs])}"]
    both = [run.both for run in runs]
    if statistics.median(both) > _ALWAYS * statistics.median(run.watched for run in runs):
        parts.append("both held it all the time")
    else:
        goes_on = any(run.both_in_the_end for run in runs)
        parts.append(f"both for {_span(both)}" + (" and on" if goes_on else ""))
    parts.append(_times(round(statistics.median(run.takeovers for run in runs))))
    if returns and not all(run.rests for run in runs):
        parts.append("not back at rest by itself")
    return ", ".join(parts)


def _times(takeovers: int) -> str:
    return {0: "no takeover", 1: "one takeover"}.get(takeovers, f"{takeovers} takeovers")


def _span(values: t.Sequence[float]) -> str:
    middle, worst = statistics.median(values), max(values)
    if worst < 0.0005:
        return "0 s"
    return f"{middle:.2f} s" + (f" (worst {worst:.2f} s)" if worst - middle > _SAME else "")
