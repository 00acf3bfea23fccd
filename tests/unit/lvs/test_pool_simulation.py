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


def live(seed: int) -> None:
    world = PoolWorld(seed)
    world.decide()
    for _turn in range(STEPS):
        world.step()


@pytest.mark.parametrize("seed", SEEDS)
def test_whatever_happens_every_promise_holds(seed: int) -> None:
    live(seed)


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
]


@pytest.mark.parametrize(("module", "name", "wrong"), [pytest.param(*rest, id=title) for title, *rest in BROKEN])
def test_a_wrong_rule_is_caught(monkeypatch: pytest.MonkeyPatch, module: t.Any, name: str, wrong: t.Any) -> None:
    monkeypatch.setattr(module, name, wrong)
    with pytest.raises(Wrong):
        for seed in SEEDS:
            live(seed)
