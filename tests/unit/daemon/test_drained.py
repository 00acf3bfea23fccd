# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When it is certain that a server is drained: by two looks, each at a count of its own."""

from __future__ import annotations

import typing as t

from mainstay.daemon.drained import Looks


def confirmed(*looks: t.Tuple[t.Optional[int], bool]) -> t.List[bool]:
    """What each look makes of it; of each the instant of the count, and whether it found the server drained."""
    row = Looks()
    return [row.confirm({"lvs": {"counted_at": counted_at}}, drained) for counted_at, drained in looks]


def test_the_second_look_confirms_the_first() -> None:
    assert confirmed((1, True), (2, True)) == [False, True]


def test_a_second_look_at_the_same_count_confirms_nothing() -> None:
    assert confirmed((1, True), (1, True), (1, True), (2, True)) == [False, False, False, True]


def test_a_connection_in_between_begins_a_new_row() -> None:
    assert confirmed((1, True), (2, False), (3, True), (4, True)) == [False, False, False, True]


def test_of_a_server_that_is_in_no_pool_there_is_nothing_to_count() -> None:
    assert confirmed((None, True), (None, True)) == [False, True]
