# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with a configuration, said so that a person can mend it."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """One fault at one place."""

    path: str
    """Where, as the file spells it: vrrp_instances.VI_1.virtual_router_id."""
    value: object
    """What stands there; None when the key is missing."""
    message: str
    """What is allowed, and the remedy."""

    def __str__(self) -> str:
        shown = "" if self.value is None else f" = {self.value!r}"
        return f"{self.path}{shown}: {self.message}"


class ConfigError(Exception):
    """The configuration is refused as a whole; every problem is listed."""

    def __init__(self, problems: t.Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))
