# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a router is in FAULT: it may leave only when every cause is gone (FSM-24)."""

from __future__ import annotations

import typing as t


class FaultCauses:
    """The three sides that causes come from; each replaces only its own."""

    def __init__(self) -> None:
        self.link = ""
        self.tracked: t.Tuple[str, ...] = ()
        self.group = ""

    @property
    def own(self) -> t.Tuple[str, ...]:
        """All but the group's: what the other members of the group have to follow."""
        return ((self.link,) if self.link else ()) + self.tracked

    def __bool__(self) -> bool:
        return bool(self.link or self.tracked or self.group)

    def __str__(self) -> str:
        return "; ".join(self.own + ((self.group,) if self.group else ()))
