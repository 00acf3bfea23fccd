# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signals as events of the reactor: a handler runs between two turns, never inside one."""

from __future__ import annotations

import contextlib
import os
import signal
import types
import typing as t

from ..model.units import Instant
from ..net.polling import READABLE, Poller

Handler = t.Callable[[Instant], None]


class Signals:
    """Calls one handler per signal; the same signal several times before its turn is one call."""

    def __init__(self, poller: Poller, handlers: t.Mapping[int, Handler]) -> None:
        self._poller = poller
        self._handlers = handlers
        self._reader, self._writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        poller.watch(self._reader, READABLE, self._ready)
        signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)
        for number in handlers:
            signal.signal(number, _noted)

    def close(self) -> None:
        """Back to the default of each signal."""
        signal.set_wakeup_fd(-1)
        for number in self._handlers:
            signal.signal(number, signal.SIG_DFL)
        self._poller.unwatch(self._reader)
        os.close(self._reader)
        os.close(self._writer)

    def _ready(self, _bits: int, now: Instant) -> None:
        arrived = b""
        with contextlib.suppress(BlockingIOError):
            arrived = os.read(self._reader, 4096)
        for number in sorted(set(arrived)):
            if number in self._handlers:
                self._handlers[number](now)


def signal_name(number: int) -> str:
    """SIGTERM; "signal 40" of one without a name, as those for real time are."""
    with contextlib.suppress(ValueError):
        return signal.Signals(number).name
    return f"signal {number}"


def _noted(_number: int, _frame: t.Optional[types.FrameType]) -> None:
    """Python writes the number to the wake-up descriptor before it calls this."""
