# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A service through checks, orders, reloads and time: what must hold, holds at every step and between the edits."""

from __future__ import annotations

import typing as t
from dataclasses import replace

import pytest

from mainstay.lvs import desired, draining, pool, reconcile
from mainstay.lvs.member import Memory, Pool

from .pool_world import PoolWorld, Wrong

SEEDS = range(40)
STEPS = 120


def live(seed: int) -> PoolWorld:
    world = PoolWorld(seed)
    world.decide()
    for _turn in range(STEPS):
        world.step()
    return world


@pytest.mark.parametrize("seed", SEEDS)
def test_whatever_happens_every_promise_holds(seed: int) -> None:
    live(seed)


def test_the_short_way_to_a_decision_is_often_there() -> None:
    """Else nothing would be said by its never differing from the long one."""
    assert sum(live(seed).decided_shortly for seed in SEEDS) > 300


@pytest.mark.parametrize("seed", SEEDS[:8])
def test_several_results_between_two_decisions_keep_every_promise(seed: int) -> None:
    world = PoolWorld(seed)
    world.decide()
    for _turn in range(STEPS // 4):
        for _server in range(3):
            world.result()
        world.decide()
        world.reload()
        world.decide()


# ---- broken on purpose

_operations = reconcile.operations
_leaving_after = draining.leaving_after
_decide = pool.decide


def _removals_first(*given: t.Any) -> t.List[t.Any]:
    return sorted(_operations(*given), key=lambda edit: type(edit).__name__ != "RemoveDestination")


def _forgetful(service: t.Any, members: t.Any, before: t.Any, now: int) -> Pool:
    """Without the decision before."""
    return _decide(service, members, None, now)


def _leavers_serve_on(*given: t.Any) -> t.Any:
    after = _leaving_after(*given)
    return {place: replace(one, destination=replace(one.destination, weight=1)) for place, one in after.items()}


_memory_after = pool._memory_after


def _ramps_for_ever(one: t.Any, serves: bool, now: int) -> Memory:
    memory = _memory_after(one, serves, now)
    return memory if memory.warming_since is None else replace(memory, warming_since=now)


_sorry = desired._sorry


def _sorry_always(service: t.Any, key: t.Any, made: Pool, standby: bool) -> t.Any:
    return _sorry(service, key, replace(made, sorry_in=not standby), standby)


_decide_changes = pool.decide_changes


def _without_the_last(service: t.Any, changes: t.Any, before: Pool, now: int) -> t.Any:
    return _decide_changes(service, changes[:-1], before, now)


def _whatever_the_quorum(service: t.Any, changes: t.Any, before: Pool, now: int) -> t.Any:
    return _decide_changes(service, changes, replace(before, needed=-99), now)


BROKEN: list[tuple[str, t.Any, str, t.Any]] = [
    ("servers go before others come", reconcile, "operations", _removals_first),
    ("nobody leaves in order", draining, "leaving_after", lambda *given: {}),
    ("who leaves serves on", draining, "leaving_after", _leavers_serve_on),
    ("slow start has no next step", pool, "next_step", lambda *given: None),
    ("a slow start begins again and again", pool, "_memory_after", _ramps_for_ever),
    ("the end of damping is not waited for", pool, "_next_change", lambda *given: None),
    ("the change that was named is over", pool, "_next_change", lambda _service, _ones, _after, now: now),
    ("the decision before is forgotten", pool, "decide", _forgetful),
    ("the sorry server stays beside the pool", desired, "_sorry", _sorry_always),
    ("one change is overlooked", pool, "decide_changes", _without_the_last),
    ("changes are not held against the quorum", pool, "decide_changes", _whatever_the_quorum),
    ("the few edits are none", desired, "_edited", lambda standing, _changed, _pool: standing.destinations),
]


@pytest.mark.parametrize(("module", "name", "wrong"), [pytest.param(*rest, id=title) for title, *rest in BROKEN])
def test_a_wrong_rule_is_caught(monkeypatch: pytest.MonkeyPatch, module: t.Any, name: str, wrong: t.Any) -> None:
    monkeypatch.setattr(module, name, wrong)
    with pytest.raises(Wrong):
        for seed in SEEDS:
            live(seed)
