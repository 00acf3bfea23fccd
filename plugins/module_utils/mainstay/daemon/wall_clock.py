# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The machine's own time, for people; nothing is ever due by it."""

from __future__ import annotations

import datetime

from ..model.units import Duration, as_seconds


def wall_clock(ago: Duration = 0) -> str:
    """This machine's own time with its offset, as every time of the status; or what it was so long ago."""
    then = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=as_seconds(ago))
    return then.astimezone().isoformat(timespec="milliseconds")
