# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The machine's own time, for people; nothing is ever due by it."""

from __future__ import annotations

import time

from ..model.units import NANOSECONDS_PER_MILLISECOND, Duration

_MILLISECONDS = 1000
_LAST_YEAR = 9999


def wall_clock(ago: Duration = 0) -> str:
    """This machine's own time with its offset, as every time of the status; or what it was so long ago."""
    return time_text((time.time_ns() - ago) // NANOSECONDS_PER_MILLISECOND)


def time_text(milliseconds: int) -> str:
    """So long after 1970, as ISO 8601 with this machine's offset. Raises ValueError for what no calendar has.

    Without datetime, which is a third of a megabyte in a daemon.
    """
    whole, rest = divmod(milliseconds, _MILLISECONDS)
    try:
        at = time.localtime(whole)
    except (OverflowError, OSError) as error:
        raise ValueError(f"{whole} s after 1970: {error}") from error
    if not 0 < at.tm_year <= _LAST_YEAR:
        raise ValueError(f"the year {at.tm_year} is beyond the calendar")
    offset = time.strftime("%z", at)
    return f"{at.tm_year:04}-{time.strftime('%m-%dT%H:%M:%S', at)}.{rest:03}{offset[:3]}:{offset[3:]}"
