# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the demo promises, and whether it held."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Promise:
    """One promise with what was seen."""

    text: str
    held: bool
    seen: str


@dataclass
class Ledger:
    """The promises in the order they were checked; each is shown the moment it is."""

    show: t.Callable[[str], None]
    promises: list[Promise] = field(default_factory=list)

    def check(self, text: str, held: bool, seen: str) -> None:
        promise = Promise(text, held, seen)
        self.promises.append(promise)
        self.show(f"  {'ok  ' if held else 'FAIL'}  {text}: {seen}")

    @property
    def broken(self) -> list[Promise]:
        return [promise for promise in self.promises if not promise.held]
