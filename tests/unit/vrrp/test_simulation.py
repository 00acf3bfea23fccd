# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Machines that break at random keep every invariant; routers and groups with one wrong rule do not, and are caught.

A seed that fails is told in full by: PYTHONPATH=plugins/module_utils:tests python -m sim --seed SEED
"""

from __future__ import annotations

import pytest
from sim.broken import BROKEN
from sim.crossed import crossed_scenarios, masters_in_the_end
from sim.run import simulate
from sim.scenario import scenario

SEEDS = 2500
"""`make sim` tries many more."""
_CHUNKS = 5
_CAUGHT_WITHIN = 900


@pytest.mark.conformance("INT-04", "INT-05")
@pytest.mark.parametrize("chunk", range(_CHUNKS))
@pytest.mark.fault("F07", "F34", "F35", "F38")
def test_i1_i2_i3_i4_i5_i6_i9_hold_whatever_breaks(chunk: int) -> None:
    outcomes = (simulate(seed) for seed in range(1 + chunk, SEEDS + 1, _CHUNKS))
    breaches = [outcome.breach for outcome in outcomes if outcome.breach]
    assert not breaches, "\n".join(breaches)


def test_i12_the_same_seed_tells_the_same_story() -> None:
    digests = [simulate(seed).digest for seed in range(1, 21)]
    assert digests == [simulate(seed).digest for seed in range(1, 21)]
    assert len(set(digests)) == 20


def test_the_seeds_contain_what_they_are_for() -> None:
    """A simulation proves nothing about what never happens in it."""
    plans = [scenario(seed) for seed in range(1, 301)]
    assert {fault.kind for plan in plans for fault in plan.faults} >= {
        "crash", "freeze", "thaw", "stop", "pause", "resume", "link_down", "link_up", "gate", "weight", "demote",
        "restore", "reload", "cut", "partition", "loss", "duplication", "straggling", "heal", "attack",
    }  # fmt: skip
    assert {(plan.settings.version, plan.settings.family) for plan in plans} == {(2, 4), (3, 4), (3, 6)}
    assert {(plan.grouped, plan.unicast) for plan in plans} == {(a, b) for a in (False, True) for b in (False, True)}
    assert {plan.segments for plan in plans} == {1, 2, 3}


@pytest.mark.parametrize(
    "happening",
    [
        "unexpired lease", "without an advert of ours", "alarm interval_capped", "alarm two_masters",
        "alarm two_owners", "SendAdvert(priority=0)", "MASTER -> FAULT", "FAULT -> BACKUP", "MASTER -> BACKUP",
        "MASTER -> INIT", "preempt_delay is over", "state MASTER asks for a short wait", "startup delay is over",
        "demoted by an operator", "every member of the sync group wants it", "is in FAULT: carrier lost",
        "script gate is down", "PriorityMoved(effective_priority=254)", "LesserMasterHeard", "discards checksum",
    ],
)  # fmt: skip
def test_the_stories_show_what_they_are_for(happening: str, stories: str) -> None:
    assert happening in stories, f"nothing in 300 seeds shows {happening!r}"


@pytest.fixture(scope="module")
def stories() -> str:
    return "\n".join(line for seed in range(1, 301) for line in simulate(seed).story)


@pytest.mark.conformance("INT-05")
def test_int_05_groups_with_contradictory_priorities_do_not_oscillate() -> None:
    plans = list(crossed_scenarios(range(1, 1001)))
    assert len(plans) > 50
    assert {len(masters_in_the_end(plan)) for plan in plans} == {1}


@pytest.mark.conformance_negative("INT-04", "INT-05")
@pytest.mark.parametrize("name", BROKEN)
def test_one_wrong_rule_is_caught(name: str) -> None:
    parts, symptom = BROKEN[name]
    breaches = (simulate(seed, parts).breach for seed in range(1, _CAUGHT_WITHIN + 1))
    assert any(breach and symptom in breach for breach in breaches), f"{_CAUGHT_WITHIN} seeds show no {symptom!r}"
