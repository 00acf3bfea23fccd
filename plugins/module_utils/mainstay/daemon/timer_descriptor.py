# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One timerfd on CLOCK_MONOTONIC, armed with absolute nanoseconds.

epoll's own timeout counts milliseconds and rounds up; a timerfd fires within microseconds of its instant,
which is what adverts of 10 ms need. Python has timerfd from 3.13; before that the C library is asked
through ctypes.
"""

from __future__ import annotations

import ctypes
import os
import time
import typing as t

from ..model.units import NANOSECONDS_PER_SECOND, Instant

_ABSOLUTE_TIME = 1
"""TFD_TIMER_ABSTIME of timerfd_settime(2)."""
_FIRED = -1
"""In the place of the deadline: it has come, and the kernel does not know of another one yet."""


class _TimerSpecification(ctypes.Structure):
    """struct itimerspec: interval, then first expiry, each as seconds and nanoseconds."""

    _fields_: t.ClassVar = [
        ("interval_seconds", ctypes.c_long),
        ("interval_nanoseconds", ctypes.c_long),
        ("expiry_seconds", ctypes.c_long),
        ("expiry_nanoseconds", ctypes.c_long),
    ]


class TimerDescriptor:
    """A descriptor that becomes readable at an instant; errors are OSError."""

    def __init__(self) -> None:
        self._library = None if hasattr(os, "timerfd_create") else ctypes.CDLL(None, use_errno=True)
        self.descriptor = self._create()
        self._armed: t.Optional[Instant] = None
        self._specification = _TimerSpecification()
        self._by_reference = ctypes.byref(self._specification)

    def _create(self) -> int:
        flags = os.O_NONBLOCK | os.O_CLOEXEC  # the same bits as TFD_NONBLOCK and TFD_CLOEXEC
        if self._library is None:
            return int(
                os.timerfd_create(time.CLOCK_MONOTONIC, flags=flags)  # type: ignore[attr-defined,unused-ignore]
            )
        return self._checked(self._library.timerfd_create(time.CLOCK_MONOTONIC, flags))

    def arm(self, deadline: t.Optional[Instant]) -> None:
        """Become readable at `deadline` (at once when it is past); None disarms.

        Asks the kernel only for a change.
        """
        if deadline == self._armed:
            return
        self._armed = deadline
        # Expiry 0 would disarm, so the earliest instant is 1 ns.
        expiry = 0 if deadline is None else max(1, deadline)
        if self._library is None:
            os.timerfd_settime_ns(  # type: ignore[attr-defined,unused-ignore]
                self.descriptor, flags=_ABSOLUTE_TIME, initial=expiry
            )
            return
        specification = self._specification
        specification.expiry_seconds, specification.expiry_nanoseconds = divmod(expiry, NANOSECONDS_PER_SECOND)
        self._checked(self._library.timerfd_settime(self.descriptor, _ABSOLUTE_TIME, self._by_reference, None))

    def disarmed(self) -> None:
        """It has fired: the next `arm` reaches the kernel, even for the same instant or for none, and clears it.

        So it need not be read, which saves a system call for each deadline.
        """
        self._armed = _FIRED

    def close(self) -> None:
        """Give the descriptor back."""
        os.close(self.descriptor)

    @staticmethod
    def _checked(result: int) -> int:
        if result < 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), "timerfd")
        return result
