# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How often the same thing may be said: hostile or broken input must never fill the journal."""

from __future__ import annotations

import typing as t

from ..model.units import Duration, Instant


class LogLimit:
    """One line per key and period."""

    def __init__(self, period: Duration) -> None:
        self._period = period
        self._said_at: t.Dict[str, Instant] = {}

    def allows(self, key: str, now: Instant) -> bool:
        """Whether it may be said now; if so, the period starts anew. Use keys of a bounded number."""
        said_at = self._said_at.get(key)
        if said_at is not None and now - said_at < self._period:
            return False
        self._said_at[key] = now
        return True
