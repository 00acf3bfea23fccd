# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tracked objects move the priority or are a FAULT (FSM-25, OWN-02), with keepalived's arithmetic."""

from __future__ import annotations

from typing import Optional

import pytest

from mainstay.vrrp.events import Influence
from mainstay.vrrp.tracking import Tracked, assess

BASE = 100


def tracked(weight: int, result: Optional[int], reverse: bool = False, kind: str = "script") -> Tracked:
    detail = "" if kind == "file" else "exit status 1"
    return Tracked(kind, "chk_web", weight, reverse, result, detail, since=7)


@pytest.mark.conformance("FSM-25")
@pytest.mark.parametrize("kind", ["script", "interface", "process", "bfd"])
@pytest.mark.parametrize(
    ("weight", "reverse", "up", "down"),
    [(20, False, 120, 100), (20, True, 80, 100), (-20, False, 100, 80), (-20, True, 100, 120)],
)
def test_a_weight_counts_while_up_or_while_down(kind: str, weight: int, reverse: bool, up: int, down: int) -> None:
    assert assess(BASE, [tracked(weight, True, reverse, kind)]).effective_priority == up
    assert assess(BASE, [tracked(weight, False, reverse, kind)]).effective_priority == down
    assert assess(BASE, [tracked(weight, None, reverse, kind)]).effective_priority == down, "unknown counts as down"
    assert not assess(BASE, [tracked(weight, None, reverse, kind)]).faults


@pytest.mark.parametrize("kind", ["script", "interface", "process", "bfd"])
def test_without_a_weight_down_is_a_fault_with_its_cause(kind: str) -> None:
    assert assess(BASE, [tracked(0, True, kind=kind)]).faults == ()
    assert assess(BASE, [tracked(0, False, kind=kind)]).faults == (f"{kind} chk_web is down: exit status 1",)
    assert assess(BASE, [tracked(0, False, reverse=True, kind=kind)]).faults == ()
    assert "is up, which counts as down" in assess(BASE, [tracked(0, True, reverse=True, kind=kind)]).faults[0]


def test_without_a_weight_no_result_yet_is_a_fault() -> None:
    for reverse in (False, True):
        (fault,) = assess(BASE, [tracked(0, None, reverse)]).faults
        assert fault == "script chk_web waits for its first result"


@pytest.mark.parametrize(
    ("weight", "reverse", "value", "priority", "is_fault"),
    [
        (1, False, 10, 110, False),
        (2, False, -10, 80, False),
        (2, True, 10, 80, False),
        (-1, False, 30, 70, False),
        (1, False, 0, 100, False),
        (1, False, None, 100, False),
        (1, False, -253, 1, False),
        (1, False, -254, 100, True),
        (2, False, -127, 100, True),
        (-254, True, -1, 100, True),
        (1, False, 1000, 254, False),
        (0, False, 0, 100, False),
        (0, False, 1, 100, True),
        (0, False, -1, 100, True),
        (0, True, 1, 100, False),
        (0, True, 0, 100, True),
    ],
)
def test_a_files_number_is_multiplied_by_the_weight(
    weight: int, reverse: bool, value: Optional[int], priority: int, is_fault: bool
) -> None:
    assessment = assess(BASE, [tracked(weight, value, reverse, "file")])
    assert assessment.effective_priority == priority
    assert bool(assessment.faults) is is_fault
    if is_fault:
        assert f"file chk_web holds {value}" in assessment.faults[0]


def test_a_file_without_a_number_is_not_said_to_hold_0() -> None:
    garbage = Tracked("file", "load", 0, True, 0, "holds no whole number of up to 18 digits ('abc')")
    (fault,) = assess(BASE, [garbage]).faults
    assert fault == "file load holds no whole number of up to 18 digits ('abc'), which counts as 0"


@pytest.mark.conformance_negative("FSM-25")
def test_the_sum_is_clamped_not_each_part() -> None:
    many = [tracked(200, True), tracked(200, True), tracked(-150, False)]
    assert assess(BASE, many).effective_priority == 254
    assert assess(BASE, [*many, tracked(-253, False)]).effective_priority == 97
    assert assess(BASE, [tracked(-150, False)]).effective_priority == 1


def test_why_names_who_moves_the_priority_and_since_when() -> None:
    assessment = assess(BASE, [tracked(-10, False), tracked(20, False)])
    assert assessment.why == (Influence("chk_web", -10, since=7),)


@pytest.mark.conformance("OWN-02")
def test_an_owner_keeps_255_and_has_faults_like_anybody() -> None:
    assessment = assess(255, [tracked(-100, False), tracked(0, False)])
    assert assessment.effective_priority == 255
    assert assessment.why == ()
    assert len(assessment.faults) == 1
