# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/parity/bench.json: what each part of the benchmark measured last, from which the page is made.

A part can be measured anew by itself: on a quiet machine, after a change that touches it. What the others measured
stays, with its date and its machine.
"""

from __future__ import annotations

import json
import typing as t
from dataclasses import asdict, dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
RECORD = CHECKOUT / "docs" / "parity" / "bench.json"


@dataclass(frozen=True)
class Part:
    """One part of the benchmark as the page shows it."""

    date: str
    """YYYY-MM-DD."""
    where: str
    """Kernel, processors, versions, load."""
    rows: t.Sequence[t.Sequence[str]]
    """Cells of the table, a row for each figure."""
    remarks: t.Sequence[str]


def read() -> dict[str, Part]:
    """Every part by name, as it was measured last; none before the first."""
    if not RECORD.exists():
        return {}
    return {name: Part(**part) for name, part in json.loads(RECORD.read_text()).items()}


def write(parts: t.Mapping[str, Part]) -> None:
    """Keep these."""
    document = {name: asdict(part) for name, part in parts.items()}
    RECORD.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n")
