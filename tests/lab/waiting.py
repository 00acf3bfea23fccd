# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one place that polls: every wait has a deadline and says what it waited for."""

from __future__ import annotations

import time
import typing as t

from lab.errors import DeadlinePassed

T = t.TypeVar("T")


def no_evidence() -> str:
    """Nothing to show beside the message."""
    return ""


def wait_for(
    condition: t.Callable[[], T | None],
    deadline: float,
    what: str,
    *,
    evidence: t.Callable[[], str] = no_evidence,
    interval: float = 0.05,
) -> T:
    """Poll until condition() is truthy and return its value.

    deadline and interval are seconds from now. Raises DeadlinePassed, which carries `what` and what
    evidence() returns, for example the last console lines.
    """
    end = time.monotonic() + deadline
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= end:
            raise DeadlinePassed(_message(deadline, what, evidence()))
        time.sleep(interval)


def _message(deadline: float, what: str, seen: str) -> str:
    text = f"waited {deadline:g} s for {what}"
    return f"{text}; seen last:\n{seen}" if seen else text
