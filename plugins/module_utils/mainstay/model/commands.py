# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A command that an operator configured: what to run, and as whom."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass


@dataclass(frozen=True)
class Command:
    """One program with its arguments. There is no shell: what looks like one is passed on as it stands."""

    argv: t.Tuple[str, ...]
    """The program's absolute path, then its arguments."""
    user: t.Optional[str] = None
    """Who runs it; None: global_defs.script_user."""
    group: t.Optional[str] = None
    """None: the user's own group."""
