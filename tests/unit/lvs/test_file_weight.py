# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The number in a track_file, what is added to a server's weight, and when it is out."""

from __future__ import annotations

import pytest

from mainstay.lvs.file_weight import WEIGHT_LIMIT, file_weight


@pytest.mark.parametrize(
    ("value", "weight", "reverse", "added"),
    [
        (5, 1, False, 5),
        (5, 1, True, -5),
        (3, -2, False, -6),
        (3, -2, True, 6),
        (0, 254, False, 0),
        (-WEIGHT_LIMIT + 1, 1, False, -WEIGHT_LIMIT + 1),
        (WEIGHT_LIMIT, 2, False, WEIGHT_LIMIT),
        (-(10**18), 254, True, WEIGHT_LIMIT),
    ],
)
def test_the_number_times_the_weight_is_added(value: int, weight: int, reverse: bool, added: int) -> None:
    told = file_weight(value, weight, reverse)
    assert (told.up, told.added) == (True, added)


@pytest.mark.parametrize(
    ("value", "weight", "reverse"),
    [(-WEIGHT_LIMIT, 1, False), (WEIGHT_LIMIT, 1, True), (-300, 254, False), (10**18, -1, False)],
)
def test_too_little_takes_the_server_out_and_says_so(value: int, weight: int, reverse: bool) -> None:
    told = file_weight(value, weight, reverse)
    assert (told.up, told.added) == (False, None)
    assert f"times weight {weight} that is -" in told.why and "-65535 or less is out" in told.why


@pytest.mark.parametrize(
    ("value", "reverse", "up"),
    [(0, False, True), (1, False, False), (-1, False, False), (0, True, False), (7, True, True)],
)
def test_without_a_weight_the_number_itself_decides(value: int, reverse: bool, up: bool) -> None:
    assert file_weight(value, 0, reverse).up is up
    assert file_weight(value, 0, reverse).added is None
