# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The end in order: one worker after the other, each with a deadline after which it is killed."""

from __future__ import annotations

import typing as t

from ..model.units import NANOSECONDS_PER_SECOND, Instant
from ..net.polling import Poller, Timer
from .worker_link import WorkerLink

_PATIENCE = 4 * NANOSECONDS_PER_SECOND
"""Per worker; both fit into the unit's TimeoutStopSec."""


class Ending:
    """Ends the workers in the given order."""

    def __init__(self, poller: Poller, links: t.Iterable[WorkerLink], ended: t.Callable[[bool], None]) -> None:
        """`ended` is called once, when all are gone: True when one of them may have left something behind."""
        self._poller = poller
        self._links = list(links)
        self._ended = ended
        self.begun = False
        self._untidy = False
        self._patience: t.Optional[Timer] = None

    def begin(self, now: Instant) -> None:
        """No worker starts any more, the first one ends now."""
        self.begun = True
        for link in self._links:
            link.retire()
            # One that is dead at this moment did not end in order.
            self._untidy = self._untidy or link.pid is None
        self._end_next(now)

    def reaped(self, link: WorkerLink, status: int, now: Instant) -> None:
        """A worker has ended with this status."""
        if self.begun:
            self._untidy = self._untidy or status != 0
            self._links.remove(link)
            self._end_next(now)

    def _end_next(self, now: Instant) -> None:
        if self._patience is not None:
            self._patience.cancel()
        self._links = [link for link in self._links if link.pid is not None]
        if not self._links:
            self._ended(self._untidy)
            return
        link = self._links[0]
        link.end()
        self._patience = self._poller.call_at(now + _PATIENCE, lambda _now: link.kill("did not end in time"))
