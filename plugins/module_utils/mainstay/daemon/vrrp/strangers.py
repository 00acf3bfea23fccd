# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gives all the sockets that strangers write to half of the worker's time at most, however much they write.

A batch that leaves something unread is followed by a pause as long as the batch took. Whoever has something to say
meanwhile stands in line, and the next in line has the batch after the pause.
"""

from __future__ import annotations

import collections
import typing as t

from ...model.units import Instant
from ...net.polling import READABLE, Poller, Timer

ReadSome = t.Callable[[Instant], bool]
"""Reads a batch; whether more may wait."""


class Strangers:
    """The sockets of one worker."""

    def __init__(self, poller: Poller) -> None:
        self._poller = poller
        self._readers: t.Dict[int, ReadSome] = {}
        self._line: t.Deque[int] = collections.deque()
        self._pause: t.Optional[Timer] = None

    def watch(self, descriptor: int, read_some: ReadSome) -> None:
        """Read this socket from now on."""
        self._readers[descriptor] = read_some
        self._watch(descriptor)

    def unwatch(self, descriptor: int) -> None:
        """Read it no more. Must be called before the descriptor is closed."""
        self._poller.unwatch(descriptor)
        del self._readers[descriptor]
        if descriptor in self._line:
            self._line.remove(descriptor)
        if not self._readers and self._pause is not None:
            self._pause.cancel()
            self._pause = None

    def _watch(self, descriptor: int) -> None:
        self._poller.watch(descriptor, READABLE, lambda _ready, now: self._readable(descriptor, now))

    def _readable(self, descriptor: int, now: Instant) -> None:
        if self._pause is not None:
            self._stand_in_line(descriptor)
        else:
            self._turn(descriptor, now)

    def _turn(self, descriptor: int, now: Instant) -> None:
        began = self._poller.now()
        more = self._readers[descriptor](now)
        if more and descriptor in self._readers:
            self._stand_in_line(descriptor)
            self._pause = self._poller.call_at(2 * self._poller.now() - began, self._next)

    def _stand_in_line(self, descriptor: int) -> None:
        self._poller.unwatch(descriptor)
        self._line.append(descriptor)

    def _next(self, now: Instant) -> None:
        self._pause = None
        while self._line and self._pause is None:
            descriptor = self._line.popleft()
            self._watch(descriptor)
            self._turn(descriptor, now)
