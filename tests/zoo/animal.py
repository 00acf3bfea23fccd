# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One inhabitant of the zoo: a server, the check it gets, and the verdict it must get."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from mainstay.model.check_config import Check

from .servers import Server

FAR = 30.0
"""Seconds. A server that can be judged by what it says gets this deadline: a verdict about the answer and not about the
time shows that the check did not wait."""
SOON = 0.4
"""Seconds. The others get this one, and the reason has to name what was missing."""


@dataclass(frozen=True)
class Animal:
    """One server, its check, the deadline in seconds, the verdict, and the expression its whole reason matches."""

    name: str
    server: t.Callable[[], Server]
    check: Check
    deadline: float
    up: bool
    reason: str
    ran: bool = True
    notes: str = ""
    """The expression that all notes together match."""
