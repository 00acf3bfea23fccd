# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gives the socket that strangers write to half of the worker's time at most, however much they write."""

from __future__ import annotations

import typing as t

from ...model.units import Instant
from ...net.polling import READABLE, Poller, Timer

ReadSome = t.Callable[[Instant], bool]
"""Reads a batch; whether more may wait."""

Pausing = t.Callable[[Instant], None]
"""Called at the end of a batch that left something unread."""


class HalfTime:
    """After a batch that left something, the socket is left alone for as long as the batch took.

    Each socket for itself: two that are flooded at once take turns, and deadlines come between two batches.
    """

    def __init__(self, poller: Poller, read_some: ReadSome, pausing: t.Optional[Pausing] = None) -> None:
        self._poller = poller
        self._read_some = read_some
        self._pausing = pausing
        self._descriptor: t.Optional[int] = None
        self._pause: t.Optional[Timer] = None

    def watch(self, descriptor: int) -> None:
        """Read this socket from now on."""
        self.stop()
        self._descriptor = descriptor
        self._poller.watch(descriptor, READABLE, self._readable)

    def stop(self) -> None:
        """Read nothing any more. Must be called before the descriptor is closed."""
        if self._pause is not None:
            self._pause.cancel()
        if self._descriptor is not None:
            self._poller.unwatch(self._descriptor)
        self._pause = self._descriptor = None

    def _readable(self, _ready: int, now: Instant) -> None:
        began = self._poller.now()
        if self._read_some(now) and self._descriptor is not None:
            ended = self._poller.now()
            self._poller.unwatch(self._descriptor)
            self._pause = self._poller.call_at(2 * ended - began, self._go_on)
            if self._pausing is not None:
                self._pausing(ended)

    def _go_on(self, _now: Instant) -> None:
        self._pause = None
        if self._descriptor is not None:
            self._poller.watch(self._descriptor, READABLE, self._readable)
