# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Slots: weights as a row that an engine counts through."""

from __future__ import annotations

from collections import Counter

from hypothesis import given, strategies as st

from mainstay.lvs.slots import SLOT_LIMIT, slots

from .tables import server, service


def row(*weights: int, lb_algo: str = "wrr") -> str:
    """The row as letters: a for the first server, b for the second."""
    pool = [server(number, weight) for number, weight in enumerate(weights)]
    letters = {destination.key: "abcdef"[number] for number, destination in enumerate(pool)}
    return "".join(letters[key] for key in slots(service(*pool, lb_algo=lb_algo)))


def test_rr_gives_everyone_one_slot_whatever_the_weight() -> None:
    assert row(5, 1, 9, lb_algo="rr") == "abc"


def test_wrr_gives_slots_by_weight_in_lowest_terms() -> None:
    assert row(1, 1) == "ab"
    assert row(100, 200) == "bab"


def test_a_heavy_server_does_not_get_its_share_in_one_burst() -> None:
    assert row(6, 2) == "abaa" or "aaaa" not in row(6, 2) * 2


def test_weight_0_is_no_slot_for_any_scheduler() -> None:
    assert row(0, 1) == row(0, 1, lb_algo="rr") == row(0, 1, lb_algo="sh") == "b"
    assert row(0, 0) == row() == ""


def test_weights_that_would_need_too_long_a_row_are_scaled_down() -> None:
    counted = Counter(row(65535, 65534, 1))
    assert counted["a"] + counted["b"] <= SLOT_LIMIT
    assert abs(counted["a"] - counted["b"]) <= 1
    assert counted["c"] == 1, "a weight above 0 is at least one slot"


@given(st.lists(st.integers(1, 65535), min_size=1, max_size=6))
def test_shares_follow_the_weights(weights: list[int]) -> None:
    drawn = Counter(row(*weights))
    for letter, weight in zip("abcdef", weights):
        share = weight / sum(weights)
        rounding = (len(weights) + 1) / len(list(drawn.elements()))
        assert abs(drawn[letter] / sum(drawn.values()) - share) <= rounding, (letter, drawn)
