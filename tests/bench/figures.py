# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a benchmark says: series of measured values, their middle and worst, and whether a target is met."""

from __future__ import annotations

import statistics
import typing as t
from dataclasses import dataclass


@dataclass(frozen=True)
class Series:
    """The values of all runs of one measurement, in the figure's unit."""

    values: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def worst(self) -> float:
        """The largest: every figure here is better when smaller."""
        return max(self.values)

    @property
    def runs(self) -> int:
        return len(self.values)


class Target(t.Protocol):
    """What a figure is held against."""

    def met(self, ours: Series, theirs: Series | None) -> bool:
        """Whether the series keeps it."""

    def words(self, unit: str) -> str:
        """For the table."""


@dataclass(frozen=True)
class AtMost:
    """A bound of its own, in the figure's unit."""

    bound: float

    def met(self, ours: Series, theirs: Series | None) -> bool:
        return ours.median <= self.bound

    def words(self, unit: str) -> str:
        return f"≤ {self.bound:g} {unit}".rstrip()


@dataclass(frozen=True)
class NeverMoreThan:
    """A bound for every single run, in the figure's unit."""

    bound: float

    def met(self, ours: Series, theirs: Series | None) -> bool:
        return ours.worst <= self.bound

    def words(self, unit: str) -> str:
        return f"never > {self.bound:g} {unit}".rstrip()


@dataclass(frozen=True)
class AtMostTimes:
    """A bound that is a multiple of keepalived's median."""

    factor: float

    def met(self, ours: Series, theirs: Series | None) -> bool:
        return theirs is not None and ours.median <= self.factor * theirs.median

    def words(self, unit: str) -> str:
        return f"≤ {self.factor:g} × keepalived"


@dataclass(frozen=True)
class Figure:
    """One line of the table."""

    name: str
    unit: str
    digits: int
    """Behind the point."""
    ours: Series
    theirs: Series | None = None
    target: Target | None = None
    remark: str = ""
    """What has to be known to read it."""

    @property
    def met(self) -> bool | None:
        """None without a target."""
        return None if self.target is None else self.target.met(self.ours, self.theirs)

    @property
    def ratio(self) -> float | None:
        """Our median over theirs; None when there is nothing to divide by."""
        if self.theirs is None or self.theirs.median == 0:
            return None
        return self.ours.median / self.theirs.median
