# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Running daemons under mutated packets; `make fuzz-wire` sends half a million."""

from __future__ import annotations

from pathlib import Path

import pytest
from netns.segment import Segment

from fuzz.wire import Broken, fuzz_wire

COUNT = 10_000
# Whoever takes all of a processor: one of them at a time.
pytestmark = pytest.mark.xdist_group("hogs")


@pytest.mark.fault("F50")
def test_ten_thousand_mutated_packets_change_nothing(segment: Segment, tmp_path: Path) -> None:
    print("\n".join(fuzz_wire(COUNT, 1, segment, tmp_path)))


@pytest.mark.fault("F50")
def test_a_transition_under_fuzzing_would_be_seen(
    segment: Segment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever believes what the ladder refuses moves: here by sending what it accepts as well."""
    monkeypatch.setattr("fuzz.wire._accepted", lambda *_all: False)
    with pytest.raises(Broken, match="became"):
        fuzz_wire(COUNT // 4, 1, segment, tmp_path)
