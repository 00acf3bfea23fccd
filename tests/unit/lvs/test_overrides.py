# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Orders of an operator as values and in words."""

from __future__ import annotations

from mainstay.lvs.overrides import Override


def test_an_order_says_where_it_comes_from() -> None:
    said = Override("drain", None, "alice", "2026-11-22T03:10:00+00:00", "disk swap")
    assert str(said) == "ordered by alice at 2026-11-22T03:10:00+00:00 (disk swap)"
    assert str(Override("drain")) == "ordered"


def test_what_keeps_new_connections_away() -> None:
    assert [action for action in ("drain", "maintenance", "force", "weight") if Override(action).takes_out] == [
        "drain", "maintenance",
    ]  # fmt: skip
    assert Override("weight", 0).takes_out
    assert not Override("weight", 1).takes_out
