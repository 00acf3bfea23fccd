# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tables of the pages, in Markdown, and what every list of ids has to agree on."""

from __future__ import annotations

import typing as t


def heading(title: str, columns: t.Sequence[str]) -> list[str]:
    """A section and the head of its table."""
    return ["", f"## {title}", "", row(columns), "|---" * len(columns) + "|"]


def row(cells: t.Iterable[str]) -> str:
    """One line of it; a cell may hold a bar."""
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def strangers(claimed: t.Mapping[str, t.Sequence[str]], known: t.Collection[str], listed_in: str) -> list[str]:
    """Ids that tests name and nobody wrote down."""
    unknown = {one: tests[0] for one, tests in claimed.items() if one not in known}
    return [f"{test} names {one}, which is not in {listed_in}" for one, test in unknown.items()]
