# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Targets are held against medians, where one bad run decides nothing, or against every single run."""

from __future__ import annotations

import pytest

from bench.figures import AtMost, AtMostTimes, Figure, NeverMoreThan, Series, Target

QUICK, SLOW = Series((1.0, 1.0, 9.0)), Series((2.0, 2.0, 2.0))


def figure(ours: Series, theirs: Series | None, target: Target | None) -> Figure:
    return Figure("takeover", "s", 3, ours, theirs, target)


def test_a_series_tells_its_middle_its_worst_and_its_size() -> None:
    assert (QUICK.median, QUICK.worst, QUICK.runs) == (1.0, 9.0, 3)


@pytest.mark.parametrize(
    ("ours", "theirs", "target", "met"),
    [
        (QUICK, None, AtMost(1.0), True),
        (SLOW, None, AtMost(1.99), False),
        (QUICK, None, NeverMoreThan(9.0), True),
        (QUICK, None, NeverMoreThan(1.0), False),
        (SLOW, QUICK, AtMostTimes(2.0), True),
        (SLOW, QUICK, AtMostTimes(1.02), False),
        (SLOW, None, AtMostTimes(2.0), False),
        (SLOW, None, None, None),
    ],
)
def test_a_target_is_met_by_the_median_or_by_every_run(
    ours: Series, theirs: Series | None, target: Target | None, met: bool | None
) -> None:
    assert figure(ours, theirs, target).met is met


def test_the_ratio_is_ours_over_theirs_and_there_is_none_over_nothing() -> None:
    assert figure(QUICK, SLOW, None).ratio == 0.5
    assert figure(QUICK, Series((0.0,)), None).ratio is None
    assert figure(QUICK, None, None).ratio is None
