# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The same for ours and for keepalived, side by side: what mostly waits need not wait twice."""

from __future__ import annotations

import typing as t
from concurrent.futures import ThreadPoolExecutor

from bench.pair import OURS, THEIRS

T = t.TypeVar("T")


def side_by_side(work: t.Callable[[str], T]) -> tuple[T, T]:
    """What `work` makes of ours and of keepalived."""
    with ThreadPoolExecutor(2) as threads:
        ours, theirs = threads.map(work, (OURS, THEIRS))
    return ours, theirs
