# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a worker process still turns: it beats, and what it owes is told and in the end not waited for.

The beats it owes are counted in turns of our own, not by the clock: when the whole machine was frozen, no worker has
had a chance to beat.
"""

from __future__ import annotations

import typing as t

from ..model.units import NANOSECONDS_PER_SECOND, Instant
from ..net.polling import Poller
from .journal import Journal
from .worker_process import HEARTBEAT

_STALE_BEATS = 4
STALE = _STALE_BEATS * HEARTBEAT
"""A worker that has said nothing for so long is not alive."""
_HUNG = 20
"""Beats in a row that a worker may owe; 10 s."""
_HUNG_CONFIGURING = 60
"""The same while it takes a configuration, which is one long turn: the largest file takes a few seconds of it."""


class Heartbeat:
    """Of one process, from its start to its end."""

    def __init__(
        self,
        poller: Poller,
        journal: Journal,
        who: str,
        configuring: t.Callable[[], bool],
        hung: t.Callable[[str], None],
    ) -> None:
        """`who`: the worker's title. `configuring`: it has a configuration to take. `hung` gets a sentence, once."""
        self._poller = poller
        self._journal = journal
        self._who = who
        self._configuring = configuring
        self._hung = hung
        self._heard = poller.now()
        self._owed = 0
        self._told = False
        self._next = poller.call_at(self._heard + HEARTBEAT, self._count)

    def alive(self, now: Instant) -> bool:
        """It spoke lately."""
        return now - self._heard <= STALE

    def beat(self, instant: Instant, now: Instant) -> None:
        """It beat at this instant, by its own clock: a backlog of old beats does not make it look fresh."""
        self._heard = max(self._heard, instant)
        self._owed = 0
        if self._told and self.alive(now):
            self._told = False
            self._journal.info(self._who, "speaks again")

    def end(self) -> None:
        """Nothing is expected any more."""
        self._next.cancel()

    def _count(self, now: Instant) -> None:
        self._owed += 1
        patience, limit = (_HUNG, _HUNG_CONFIGURING) if self._configuring() else (_STALE_BEATS, _HUNG)
        if self._owed > patience and not self._told:
            self._told = True
            silent = patience * HEARTBEAT
            self._journal.warning(self._who, f"has not been heard for {silent / NANOSECONDS_PER_SECOND:g} s")
        if self._owed >= limit:
            self._hung(f"hangs: it has not been heard for {self._owed * HEARTBEAT / NANOSECONDS_PER_SECOND:g} s")
            return
        self._next = self._poller.call_at(now + HEARTBEAT, self._count)
