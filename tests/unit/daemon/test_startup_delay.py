# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long instances hold still at the start."""

from __future__ import annotations

import pytest

from mainstay.daemon.vrrp.startup_delay import boot_instant, hold_until
from mainstay.model.config import GlobalDefs
from mainstay.model.units import seconds

BOOTED, STARTED = seconds(1000), seconds(1030)


@pytest.mark.parametrize(
    ("after_start", "after_boot", "until"),
    [(0, 0, 1030), (20, 0, 1050), (0, 60, 1060), (20, 40, 1050), (20, 60, 1060), (0, 10, 1030)],
)
def test_the_later_end_counts(after_start: float, after_boot: float, until: float) -> None:
    defs = GlobalDefs(vrrp_startup_delay=seconds(after_start), vrrp_delay_after_boot=seconds(after_boot))

    assert hold_until(defs, STARTED, BOOTED) == seconds(until)


def test_the_machine_was_booted_before_its_monotonic_clock_began_or_then() -> None:
    """Time that it slept is missing in the monotonic clock; the two are read 1 ms apart at most."""
    assert boot_instant() <= 1_000_000
