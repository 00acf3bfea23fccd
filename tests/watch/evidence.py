# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was seen from begin to end, kept in a folder so that another process can judge it."""

from __future__ import annotations

import json
import typing as t
from dataclasses import asdict, dataclass
from pathlib import Path

from traffic import report
from traffic.report import Report
from watch.kernels import Sample

REPORTS = Path("build/reports")


@dataclass(frozen=True)
class Expected:
    """What must have happened."""

    holder: str
    """Machine that holds every address in the end, alone."""
    meanwhile: str
    """Machine that held every address alone at some time before; empty when that does not matter."""
    longest_gap: float
    """Seconds that the client may be without an answer."""
    both: float
    """Seconds that both may hold an address when the holder comes back: it speaks before the other lets go."""


@dataclass(frozen=True)
class Folder:
    """The files of one lab's watch; a new watch replaces them."""

    path: Path

    @classmethod
    def of(cls, lab: str) -> Folder:
        return cls(REPORTS / f"watch-{lab}")

    @property
    def pid(self) -> Path:
        """Process that watches."""
        return self.path / "pid"

    @property
    def requests(self) -> Path:
        """What traffic/client.py writes."""
        return self.path / "requests.jsonl"

    @property
    def samples(self) -> Path:
        """There when the watch is over."""
        return self.path / "samples.json"

    @property
    def log(self) -> Path:
        """What the watching process had to say."""
        return self.path / "log"

    @property
    def expected(self) -> Path:
        return self.path / "expected.json"

    def write_samples(self, samples: t.Sequence[Sample]) -> None:
        new = self.samples.with_suffix(".new")
        new.write_text(json.dumps([asdict(sample) for sample in samples]))
        new.replace(self.samples)

    def read_samples(self) -> list[Sample]:
        return [Sample(**fields) for fields in json.loads(self.samples.read_text())]

    def read_report(self) -> Report:
        return report.read(self.requests.read_text())

    def write_expected(self, expected: Expected) -> None:
        self.expected.write_text(json.dumps(asdict(expected)))

    def read_expected(self) -> Expected:
        return Expected(**json.loads(self.expected.read_text()))
