# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Time as integers: nanoseconds of the monotonic clock.

Integers are exact in simulation, do not drift when summed and compare without rounding. Configuration files
say seconds (as keepalived's do); `seconds()` is the one place where they become nanoseconds.
"""

from __future__ import annotations

Instant = int
"""A point on the monotonic clock, in nanoseconds."""

Duration = int
"""A span of time, in nanoseconds."""

NANOSECONDS_PER_SECOND = 1_000_000_000
NANOSECONDS_PER_CENTISECOND = 10_000_000
NANOSECONDS_PER_MILLISECOND = 1_000_000


def seconds(value: float) -> Duration:
    """Nanoseconds in `value` seconds, rounded to the nearest."""
    return round(value * NANOSECONDS_PER_SECOND)


def as_seconds(duration: Duration) -> float:
    """Seconds in `duration`, for people and for files."""
    return duration / NANOSECONDS_PER_SECOND
