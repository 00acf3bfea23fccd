# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the number in a track_file does to a real server that follows it (FILE_CHECK).

The number times the weight is added to the server's weight (with reverse: taken off). -65535 or less of it takes the
server out. With weight 0 the number itself decides: any but 0 takes it out (with reverse: 0 does).
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

WEIGHT_LIMIT = 65535
"""What a weight of ip_vs goes up to."""


@dataclass(frozen=True)
class FileWeight:
    """Whether the server may take connections, and what is added to its weight."""

    up: bool
    added: t.Optional[int]
    """-65534..65535; None: the weight is left alone."""
    why: str
    """What became of the number, to follow it in a sentence; may be empty."""


def file_weight(value: int, weight: int, reverse: bool) -> FileWeight:
    """`value`: the number in the file; `weight` -254..254 multiplies it."""
    if not weight:
        return FileWeight((value == 0) != reverse, None, "")
    change = -value * weight if reverse else value * weight
    if change <= -WEIGHT_LIMIT:
        return FileWeight(False, None, f", times weight {weight} that is {change}: {-WEIGHT_LIMIT} or less is out")
    return FileWeight(True, min(change, WEIGHT_LIMIT), f": {change:+d} to its weight")
