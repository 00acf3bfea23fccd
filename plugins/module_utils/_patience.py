# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How modules fail, and how they wait until a daemon has done what it was asked. Private to this collection."""

from __future__ import annotations

import time
import typing as t

_POLL_INTERVAL = 0.2  # seconds
_LEAST = 1.0  # seconds; what a look may take when hardly any time is left


class Failure(Exception):
    """The module fails with this message and these further results."""

    def __init__(self, message: str, **results: t.Any) -> None:
        super().__init__(message)
        self.results = results


def wait_until(missing: t.Callable[[float], str], limit: float) -> str:
    """Look until nothing is missing, `limit` seconds at most; what is still missing then, empty when nothing is.

    `missing` is told how many seconds its look may take.
    """
    deadline = time.monotonic() + limit
    while True:
        text = missing(max(deadline - time.monotonic(), _LEAST))
        if not text or time.monotonic() > deadline:
            return text
        time.sleep(_POLL_INTERVAL)
