# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The same for ours and for keepalived, side by side: what mostly waits need not wait twice."""

from __future__ import annotations

import typing as t
from concurrent.futures import ThreadPoolExecutor

from bench.figures import Series
from bench.fleet import NotSettled
from bench.pair import OURS, THEIRS

T = t.TypeVar("T")

UNSETTLED = "keepalived's pair did not settle within a minute of its start: its masters and backups took turns"


def side_by_side(work: t.Callable[[str], T]) -> tuple[T, T | None]:
    """What `work` makes of ours and of keepalived; None for a keepalived pair that never settled, which happens."""
    with ThreadPoolExecutor(2) as threads:
        ours, theirs = threads.submit(work, OURS), threads.submit(work, THEIRS)
        try:
            return ours.result(), theirs.result()
        except NotSettled as unsettled:
            if unsettled.kind == OURS:
                raise
        return ours.result(), None


def series(values: t.Sequence[float] | None) -> Series | None:
    """For keepalived's column: empty when there is nothing to show."""
    return Series(tuple(values)) if values else None
