# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cells and columns of pages for people. What could steer a terminal is replaced."""

from __future__ import annotations

import typing as t

Section = t.Mapping[str, t.Any]
Row = t.Sequence[object]

GAP = "  "
STALE = "?"
"""Marks what a silent worker said last."""


def of(effective: object, configured: object) -> str:
    """One figure where both agree, else "90 of 100"."""
    return text(configured) if effective == configured else f"{text(effective)} of {text(configured)}"


def table(head: t.Sequence[str], rows: t.Sequence[Row]) -> t.List[str]:
    """Columns as wide as their widest cell; the last one is left ragged."""
    cells = [list(head), *[[text(cell) for cell in row] for row in rows]]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]
    return [GAP.join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in cells]


def time(value: object) -> str:
    """ISO 8601 without the T and the offset: the machine's own time."""
    return text(value)[:19].replace("T", " ")


def text(value: object) -> str:
    """Of one cell: nothing in it can steer a terminal."""
    shown = "-" if value is None or value == "" else str(value)
    return "".join(character if character.isprintable() else "?" for character in shown)


def section_of(section: Section, key: str) -> Section:
    """A mapping in a mapping; an empty one where there is none."""
    found = section.get(key)
    return found if isinstance(found, t.Mapping) else {}
