# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page says what was measured, on what, by which command, and what was missed."""

from __future__ import annotations

from bench.failover import WATCHED_SECONDS
from bench.figures import AtMost, AtMostTimes, Figure, Series
from bench.record import CHECKOUT, read
from bench.report import HEADINGS, Machine, page, part, row, table, where

TAKEOVER = Figure("takeover", "s", 3, Series((3.61, 3.62)), Series((3.6, 3.6)), AtMostTimes(1.02))
MEMORY = Figure("memory", "MB", 1, Series((41.0,)), target=AtMost(40), remark="a remark")
QUIET = Machine("6.1", 2, ("Mainstay 1.0.0", "keepalived 2.2.7"), 0.1)


def test_a_line_carries_both_medians_both_worsts_ratio_runs_and_verdict() -> None:
    assert row(TAKEOVER) == (
        "takeover", "3.615 s", "3.620 s", "3.600 s", "3.600 s", "1.004", "2 + 2", "≤ 1.02 × keepalived", "met",
    )  # fmt: skip


def test_a_missed_target_stands_out_and_what_was_not_measured_is_empty() -> None:
    assert row(MEMORY) == ("memory", "41.0 MB", "41.0 MB", "", "", "", "1", "≤ 40 MB", "**missed**")


def test_every_line_of_the_table_has_a_cell_for_every_heading() -> None:
    lines = table(map(row, [TAKEOVER, MEMORY])).splitlines()
    assert [line.count("|") for line in lines] == [len(HEADINGS) + 1] * 4


def test_a_busy_machine_is_mentioned() -> None:
    assert "busy" not in where(QUIET)
    assert "load 3.0" in where(Machine("6.1", 2, (), 3.0))


def test_the_page_names_command_machine_date_and_remarks_of_each_part() -> None:
    parts = {"failover": part([TAKEOVER], QUIET, "2026-01-31"), "memory": part([MEMORY], QUIET, "2026-02-01")}
    written = page(parts, "make bench", 10.0)
    for expected in (
        "`make bench`", "failover: 2026-01-31, Linux 6.1, 2 CPUs", "memory: 2026-02-01", "keepalived 2.2.7", "a remark",
    ):  # fmt: skip
        assert expected in written, written


def test_the_page_of_the_documents_is_what_was_measured_last() -> None:
    written = (CHECKOUT / "docs" / "benchmarks.md").read_text()
    assert written == page(read(), "make bench", WATCHED_SECONDS), "made by `make bench`, not by hand"
