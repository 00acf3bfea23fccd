# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Slots: weights as a row that an engine counts through."""

from __future__ import annotations

from collections import Counter

from hypothesis import given, strategies as st

from mainstay.lvs.slots import MAGLEV_ROWS, SLOT_LIMIT, slots

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


# ---- mh


def moved(before: str, after: str) -> int:
    """Slots of servers that are there before and after, and that another server has now."""
    return sum(1 for old, new in zip(before, after) if old != new and old in after)


@given(st.lists(st.integers(0, 9), min_size=1, max_size=6))
def test_mh_gives_everyone_a_share_by_weight_of_a_long_row(weights: list[int]) -> None:
    drawn = Counter(row(*weights, lb_algo="mh"))
    whole = sum(weights)
    assert sum(drawn.values()) in (MAGLEV_ROWS if whole else (0,))
    for letter, weight in zip("abcdef", weights):
        assert abs(drawn[letter] - sum(drawn.values()) * weight / max(whole, 1)) <= max(weights), drawn


def test_mh_leaves_the_clients_of_the_others_where_they_are_when_one_goes() -> None:
    whole, short = row(1, 1, 1, 1, 1, lb_algo="mh"), row(1, 1, 0, 1, 1, lb_algo="mh")
    assert moved(whole, short) < 0.1 * len(whole), "nearly all others stay"
    hashed = row(1, 1, 1, 1, 1, lb_algo="sh") * 50, row(1, 1, 0, 1, 1, lb_algo="sh") * 60
    assert moved(*hashed) > 0.5 * len(hashed[0]), "which cannot be said of sh"


def test_mh_is_the_same_row_on_every_director() -> None:
    """Worked out once and written down: a change of the order would move every client at an upgrade."""
    assert row(1, 1, lb_algo="mh")[:24] == row(2, 2, lb_algo="mh")[:24] == "ababbbbaababbbababbbbaab"


def test_mh_takes_weights_that_are_too_long_for_its_row() -> None:
    counted = Counter(row(65535, 65534, 1, lb_algo="mh"))
    assert sum(counted.values()) == MAGLEV_ROWS[1] and counted["c"] >= 1
