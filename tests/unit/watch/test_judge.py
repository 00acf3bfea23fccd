# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a watch over two directors is judged by."""

from __future__ import annotations

import pytest

from demo.promises import Ledger
from traffic.report import Report, Request
from watch.evidence import Expected
from watch.judge import double_holds, judge, spells
from watch.kernels import Sample

VIP = "192.0.2.10"
STEP = 0.1  # seconds between two samples


def seen(*holders: str) -> list[Sample]:
    """One sample for each word: "1", "2", "12" (both) or "" (nobody)."""
    return [
        Sample(number * STEP, {VIP: [f"director{digit}" for digit in word]}) for number, word in enumerate(holders)
    ]


def answers(*instants: float) -> Report:
    return Report(tuple(Request(at=at, took=0.0, server="web1", error=None) for at in instants))


def broken(samples: list[Sample], report: Report, expected: Expected) -> list[str]:
    ledger = Ledger(lambda line: None)
    judge(samples, report, expected, ledger)
    return [promise.text for promise in ledger.broken]


UNWATCHED = [*seen("1", "2"), Sample(9.0, {VIP: ["director2"]})]
TAKEOVER = Expected("director2", meanwhile="", longest_gap=1.0, both=0.0)


def test_a_takeover_with_nobody_in_between_is_good() -> None:
    assert broken(seen("1", "1", "", "2"), answers(0.0, 0.1, 0.3), TAKEOVER) == []


@pytest.mark.parametrize(
    ("samples", "report", "complaint"),
    [
        (seen("1", "12", "2"), answers(0.0), "no two directors held an address"),
        (seen("1", "", "1"), answers(0.0), "in the end director2 held everything, alone"),
        (seen("1", "", ""), answers(0.0), "in the end director2 held everything, alone"),
        (seen("1", "2"), answers(0.0, 1.5), "the client was answered again within 1 s"),
        (seen("1", "2"), Report(()), "the client was answered again within 1 s"),
        (UNWATCHED, answers(0.0), "the kernels were asked at least every 0.5 s"),
    ],
    ids=["both hold it", "the wrong one", "nobody", "a long gap", "no answer at all", "nobody looked"],
)
def test_what_must_not_happen_is_named(samples: list[Sample], report: Report, complaint: str) -> None:
    assert broken(samples, report, TAKEOVER) == [complaint]


def test_one_that_comes_back_may_hold_it_for_a_moment_with_the_other() -> None:
    back = Expected("director1", meanwhile="", longest_gap=1.0, both=0.2)
    complaint = ["no two directors held an address, but for 0.2 s at its return"]

    assert broken(seen("2", "12", "1"), answers(0.0), back) == []
    assert broken(seen("2", "12", "12", "12", "1"), answers(0.0), back) == complaint, "too long"
    assert broken(seen("1", "12", "2", "1"), answers(0.0), back) == complaint, "a takeover is no return"


def test_a_failure_that_nobody_took_over_is_noticed() -> None:
    there_and_back = Expected("director1", meanwhile="director2", longest_gap=1.0, both=0.0)

    assert broken(seen("1", "", "2", "1"), answers(0.0), there_and_back) == []
    assert broken(seen("1", "", "", "1"), answers(0.0), there_and_back) == ["director2 took over"]


def test_the_story_of_an_address() -> None:
    assert [(holders, round(seconds, 3)) for holders, seconds in spells(seen("1", "1", "", "2", "2"), VIP)] == [
        ("director1", 0.2), ("nobody", 0.1), ("director2", 0.1)
    ]  # fmt: skip


def test_a_double_hold_in_the_very_last_sample_counts() -> None:
    assert double_holds(seen("1", "12"), TAKEOVER) == ["director1 0.10 s, director1+director2 0.00 s"]
