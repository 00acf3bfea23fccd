# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A regular expression over a stranger's bytes, in bounded time.

Theory of operation. `re` backtracks: (a+)+$ over thirty bytes takes seconds, and a server chooses the bytes. But its
engine looks for signals while it runs, and an exception of the signal's handler ends the search. So an interval timer
of the process stands behind every search. Signals reach the main thread only, so only it may search; a SIGALRM handler
of somebody else is put back afterwards.
"""

from __future__ import annotations

import signal
import typing as t

SEARCH_SECONDS = 0.05
"""No pattern that belongs in a health check needs more: 256 KiB take 1 ms."""


class _TooLong(Exception):
    """The time of a search is over."""


class _Alarm:
    """Ends one search, and nothing that comes after it: a signal may be heard a moment late."""

    def __init__(self) -> None:
        self.armed = True

    def ring(self, _number: int, _frame: object) -> None:
        if self.armed:
            self.armed = False
            raise _TooLong


def bounded_search(pattern: t.Pattern[bytes], body: bytes) -> t.Optional[bool]:
    """Does `pattern` occur in `body`? None: not known within SEARCH_SECONDS. Main thread only."""
    alarm = _Alarm()
    before = signal.signal(signal.SIGALRM, alarm.ring)
    try:
        signal.setitimer(signal.ITIMER_REAL, SEARCH_SECONDS)
        found = pattern.search(body) is not None
        alarm.armed = False
    except _TooLong:
        return None
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    return found
