# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with a configuration, said so that a person can mend it."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

_SHOWN = 60
"""Characters of a value that a message repeats."""


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
        shown = "" if self.value is None else f" = {shown_value(self.value)}"
        return f"{self.path}{shown}: {self.message}"

    def document(self) -> t.Dict[str, object]:
        """JSON-able form, for answers; a long or nested value is cut."""
        plain = self.value is None or isinstance(self.value, (bool, int, float))
        return {
            "path": self.path,
            "value": self.value if plain else shown_value(self.value).strip("'"),
            "message": self.message,
        }


class ConfigError(Exception):
    """The configuration is refused as a whole; every problem is listed."""

    def __init__(self, problems: t.Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


def shown_value(value: object) -> str:
    """The value as a message repeats it: escaped, at most a line."""
    if isinstance(value, t.Mapping):
        return "a mapping"
    if isinstance(value, (list, tuple)):
        return "a list" if value else "an empty list"
    if isinstance(value, int) and value.bit_length() > 256:
        return "a number of more than 77 digits"  # Python refuses to spell the longest ones
    if isinstance(value, bool):
        return "true" if value else "false"
    text = ascii(value)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "..."
