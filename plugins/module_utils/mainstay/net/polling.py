# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What net/ needs of an event loop. daemon/reactor.py is the loop; tests bring a scripted one."""

from __future__ import annotations

import typing as t

from ..model.units import Instant

READABLE = 1
WRITABLE = 2

Ready = t.Callable[[int, Instant], None]
"""Called with READABLE | WRITABLE bits (errors set both) and the instant of the wake-up."""

Due = t.Callable[[Instant], None]
"""Called no earlier than its deadline, with the instant of the wake-up."""


class Timer(t.Protocol):
    """One pending call."""

    def cancel(self) -> None:
        """Never call it; cancelling twice or after the call is harmless."""


class Poller(t.Protocol):
    """File descriptors and deadlines of one thread."""

    def now(self) -> Instant:
        """The monotonic clock, in nanoseconds."""

    def wall_seconds(self) -> int:
        """Seconds since 1970: for what carries a date, never for a deadline."""

    def watch(self, descriptor: int, interest: int, ready: Ready) -> None:
        """Call `ready` whenever the descriptor is ready for `interest`; watching again replaces."""

    def unwatch(self, descriptor: int) -> None:
        """Stop watching; an unknown descriptor is harmless. Must be called before the descriptor is closed."""

    def call_at(self, deadline: Instant, due: Due) -> Timer:
        """Call `due` once, no earlier than `deadline`."""
