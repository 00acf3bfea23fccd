# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run of requests says."""

from __future__ import annotations

import json

import pytest

from traffic.report import Report, Request, read


def answered(at: float, server: str) -> Request:
    return Request(at=at, took=0.0, server=server, error=None)


def failed(at: float) -> Request:
    return Request(at=at, took=0.0, server=None, error="TimeoutError")


def test_answers_are_counted_by_server_and_failures_apart() -> None:
    report = Report((answered(0, "web1"), answered(1, "web2"), failed(2), answered(3, "web1")))

    assert report.answers == {"web1": 2, "web2": 1}
    assert [each.at for each in report.failures] == [2]


def test_a_part_of_the_run_can_be_looked_at() -> None:
    report = Report((failed(0), answered(1, "web1"), failed(2)))

    assert [each.at for each in report.after(0).before(2).requests] == [1]


def test_the_longest_gap_spans_failed_requests() -> None:
    report = Report((answered(0.0, "web1"), failed(0.5), failed(1.5), answered(3.2, "web1"), answered(3.4, "web1")))

    assert report.longest_gap() == pytest.approx(3.2)


def test_an_outage_at_the_end_of_the_run_counts() -> None:
    report = Report((answered(0.0, "web1"), failed(1.0), failed(4.0)))

    assert report.longest_gap() == pytest.approx(4.0)


def test_only_later_requests_are_left_after_an_instant() -> None:
    report = Report((answered(0.0, "web1"), failed(1.0), answered(2.0, "web2")))

    assert report.after(1.0).answers == {"web2": 1}
    assert report.after(1.0).failures == ()


def test_a_line_that_was_cut_when_the_client_was_killed_is_left_out() -> None:
    whole = json.dumps({"at": 1.0, "took": 0.1, "server": "web1", "error": None}) + "\n"

    assert read(whole + whole[:20]).answers == {"web1": 1}
