# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The faults of docs/parity/faults.yml beside their tests and what was measured, and the page of all.

What was measured stands in docs/parity/fault-figures.json, written by `make faults`:
{"about": {...}, "figures": {"F27": {"mainstay": "sentence", "keepalived": "sentence"}}}.
"""

from __future__ import annotations

import json
import typing as t
from dataclasses import dataclass
from pathlib import Path

import yaml

from .marks import ROOT, Claims
from .table import heading, row, strangers

SOURCE = ROOT / "docs" / "parity" / "faults.yml"
FIGURES = ROOT / "docs" / "parity" / "fault-figures.json"
PAGE = ROOT / "docs" / "faults.md"


@dataclass(frozen=True)
class Fault:
    """One line of the catalogue."""

    id: str
    fault: str
    expected: str
    tests: t.Sequence[str]
    gap: str
    """Why it is not automated; empty when it is."""
    mainstay: str
    """What was measured, or why nothing is."""
    keepalived: str


def faults(claims: Claims, source: Path = SOURCE, figures: Path = FIGURES) -> dict[str, list[Fault]]:
    """Title of the group -> its faults."""
    measured = json.loads(figures.read_text(encoding="utf-8"))["figures"] if figures.exists() else {}
    groups = yaml.safe_load(source.read_text(encoding="utf-8"))
    return {
        title: [_fault(one, entry, claims, measured.get(one, {})) for one, entry in group.items()]
        for title, group in groups.items()
    }


def problems(claims: Claims, source: Path = SOURCE) -> list[str]:
    """Faults that neither have a test nor say why, and ids that tests name and nobody wrote down."""
    listed = [one for group in faults(claims, source).values() for one in group]
    found = [
        f"{one.id} has no test: mark one, or write 'gap' in {source.name}"
        for one in listed
        if not one.tests and not one.gap
    ]
    found += [f"{one.id} has a 'gap' and a test: remove one" for one in listed if one.gap and one.tests]
    known = {one.id for one in listed}
    return found + strangers(claims["fault"], known, source.name)


def page(claims: Claims) -> str:
    """docs/faults.md."""
    groups = faults(claims)
    listed = [one for group in groups.values() for one in group]
    automated = sum(bool(one.tests) for one in listed)
    lines = [
        "# Faults",
        "",
        f"{automated} of {len(listed)} faults are automated. Both columns of figures come from one harness.",
        "",
        "Written by `make docs` from `docs/parity/faults.yml`, the marks in `tests/` and what `make faults` measured.",
    ]
    for title, group in groups.items():
        lines += heading(title, ("id", "fault", "expected", "Mainstay", "keepalived", "test"))
        lines += [_row(one) for one in group]
    return "\n".join(lines) + "\n"


def _fault(one: str, entry: t.Mapping[str, str], claims: Claims, measured: t.Mapping[str, str]) -> Fault:
    tests = claims["fault"].get(one, ())
    sides = (measured.get(side, entry.get(f"no_figure_of_{side}", "")) for side in ("mainstay", "keepalived"))
    expected = entry["expected"] + (f" (figures: {entry['figures_of']})" if measured and "figures_of" in entry else "")
    return Fault(one, entry["fault"], expected, tests, entry.get("gap", ""), *sides)


def _row(one: Fault) -> str:
    proof = f"`{one.tests[0].removeprefix('tests/')}`" if one.tests else f"none: {one.gap}"
    return row((one.id, one.fault, one.expected, one.mainstay, one.keepalived, proof))
