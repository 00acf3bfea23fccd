# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Takeover, handover and double holding: the same four faults for our pairs and keepalived's, side by side."""

from __future__ import annotations

import threading
import time
import typing as t
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from bench.figures import AtMost, AtMostTimes, Figure, Series
from bench.pair import OURS, THEIRS, Pair
from lab.waiting import wait_for

WATCHED_SECONDS = 10.0
"""How long two holders are watched for; keepalived's never stop."""

_TAKEOVER_SECONDS = 20.0
_APART_SECONDS = 0.2
"""Between the strikes of one round, so that no takeover disturbs another."""


@dataclass(frozen=True)
class Fault:
    """Something that happens to a master, and how it is made good."""

    name: str
    strike: t.Callable[[Pair], float]
    mend: t.Callable[[Pair], None]
    watched: float = 0.0
    """Seconds to watch for double holding; 0: until the backup has taken over."""


@dataclass
class Seen:
    """Seconds, a value a run."""

    takeover: list[float] = field(default_factory=list)
    both: list[float] = field(default_factory=list)


FAULTS = (
    Fault("link cut", Pair.cut, Pair.heal),
    Fault("SIGTERM", Pair.stop, Pair.await_end),
    Fault("SIGKILL", Pair.kill, Pair.await_end, WATCHED_SECONDS),
    Fault("SIGSTOP", Pair.freeze, Pair.thaw, WATCHED_SECONDS),
)


class Round:
    """All pairs suffer one fault; nothing starts or ends while any of them is watched."""

    def __init__(self, pairs: t.Sequence[Pair]) -> None:
        self._pairs = pairs
        self._together = threading.Barrier(len(pairs))

    def run(self, fault: Fault) -> dict[str, Seen]:
        """One run of each pair."""
        with ThreadPoolExecutor(len(self._pairs)) as threads:
            ends = [threads.submit(self._one, at, fault) for at in range(len(self._pairs))]
        # One that failed broke the barrier for all others: it is the one to tell about.
        for error in sorted(filter(None, (end.exception() for end in ends)), key=_is_consequence):
            raise error
        seen = {OURS: Seen(), THEIRS: Seen()}
        for kind, takeover, both in (end.result() for end in ends):
            seen[kind].takeover.append(takeover)
            seen[kind].both.append(both)
        return seen

    def _one(self, at: int, fault: Fault) -> tuple[str, float, float]:
        pair = self._pairs[at]
        try:
            pair.settle()
            self._together.wait()
            time.sleep(at * _APART_SECONDS)
            pair.await_advert()
            struck = fault.strike(pair)
            takeover, both = self._watch(pair, fault, struck)
            self._together.wait()
            fault.mend(pair)
        except BaseException:
            self._together.abort()  # the others must not wait for ever
            raise
        return pair.kind, takeover, both

    def _watch(self, pair: Pair, fault: Fault, struck: float) -> tuple[float, float]:
        what = f"the backup of {pair.segment.prefix} to take over after {fault.name}"
        taken = wait_for(lambda: pair.taken_over(struck), _TAKEOVER_SECONDS, what, evidence=pair.evidence)
        until = max(struck + fault.watched, taken)
        time.sleep(max(0.0, until - time.monotonic()))
        return taken - struck, pair.both_held(struck, until)


def _is_consequence(error: BaseException) -> bool:
    return isinstance(error, threading.BrokenBarrierError)


def measure(runs: int, pairs: int, folder: Path, say: t.Callable[[str], None]) -> list[Figure]:
    """Every fault `runs` times or a few more, on `pairs` pairs of each kind at once."""
    made: list[Pair] = []
    seen = {(fault.name, kind): Seen() for fault in FAULTS for kind in (OURS, THEIRS)}
    try:
        for number in range(pairs):
            made += [Pair(OURS, number, folder), Pair(THEIRS, number, folder)]
        for fault in FAULTS:
            for count in range(-(-runs // pairs)):
                say(f"{fault.name}, round {count + 1}")
                for kind, one in Round(made).run(fault).items():
                    seen[fault.name, kind].takeover += one.takeover
                    seen[fault.name, kind].both += one.both
    finally:
        for pair in made:
            pair.close()
    return _figures(seen)


def _figures(seen: t.Mapping[tuple[str, str], Seen]) -> list[Figure]:
    def series(fault: str, what: str) -> tuple[Series, Series]:
        ours, theirs = (Series(tuple(getattr(seen[fault, kind], what))) for kind in (OURS, THEIRS))
        return ours, theirs

    watched = f"watched for {WATCHED_SECONDS:g} s; keepalived's two holders last until somebody comes"
    return [
        Figure("takeover after a link cut", "s", 3, *series("link cut", "takeover"), AtMostTimes(1.02)),
        Figure("handover on stop (SIGTERM)", "s", 3, *series("SIGTERM", "takeover"), AtMostTimes(1.05)),
        Figure("both hold the VIP after SIGKILL of all", "s", 3, *series("SIGKILL", "both"), AtMost(0), watched),
        Figure("takeover after SIGKILL of all", "s", 3, *series("SIGKILL", "takeover")),
        Figure("both hold the VIP after SIGSTOP of all", "s", 3, *series("SIGSTOP", "both"), AtMost(0), watched),
        Figure("takeover after SIGSTOP of all", "s", 3, *series("SIGSTOP", "takeover")),
    ]
