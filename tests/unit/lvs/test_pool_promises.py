# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every decision that a small pool can come to, held against every promise; and that the promises catch what is wrong.

Two regular servers of unequal weight and a backup server, each in every situation, under every combination of quorum,
hysteresis, floor and sorry server, with the quorum up and lost before. Then larger pools at random.
"""

from __future__ import annotations

import itertools
import random
import typing as t
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from mainstay.lvs import candidate, pool, quorum
from mainstay.lvs.damping import Penalty
from mainstay.lvs.member import Member, Memory, Pool
from mainstay.lvs.overrides import DRAIN, FORCE, MAINTENANCE, WEIGHT, Override
from mainstay.lvs.server_health import ServerHealth
from mainstay.model.lvs_config import RealServer
from mainstay.model.lvs_defaults import RunningService
from mainstay.model.units import seconds

from .pools import NOW, SORRY, failed, order, passing, real, waiting, web
from .promises import Decision, complaints, report

Situation = t.Tuple[ServerHealth, t.Optional[Override], bool]
"""Health, order, and whether the server is damped."""

SITUATIONS: list[Situation] = [
    (passing(), None, False),
    (passing(), None, True),
    (failed(since=1), None, False),
    (waiting(trusted=False), None, False),
    (passing(), order(DRAIN), False),
    (passing(), order(MAINTENANCE), False),
    (failed(), order(FORCE), True),
    (passing(), order(WEIGHT, 0), False),
]
MORE: list[Situation] = [
    *SITUATIONS,
    (failed(since=2), None, True),
    (failed(), order(DRAIN), False),
    (failed(), order(MAINTENANCE), False),
    (waiting(), order(WEIGHT, 3), False),
    (failed(), order(WEIGHT, 2), False),
    (passing(weight=0), None, True),
    (passing(weight=5), None, False),
    (waiting(trusted=False), order(FORCE), False),
]

SERVERS = (real(21, weight=1), real(22, weight=2), real(23, weight=1, backup=True))
QUORUMS = [(1, 0), (2, 0), (2, 1), (3, 2), (5, 0)]
FLOORS = [0, 50, 100]
SETTINGS = list(itertools.product(QUORUMS, FLOORS, (None, SORRY)))
FEWER = list(itertools.product(QUORUMS, FLOORS[:2], (None, SORRY)))

PENALTY = Penalty(3000.0, NOW, suppressed=True)
HALF_LIFE = seconds(60)


def service_of(servers: t.Sequence[RealServer], setting: t.Tuple[t.Any, ...]) -> RunningService:
    (needed, hysteresis), floor, sorry = setting
    return web(
        *servers, quorum=needed, hysteresis=hysteresis, pool_floor=floor, sorry_server=sorry,
        flap_damping=HALF_LIFE, inhibit_on_failure=floor == 50,
    )  # fmt: skip


def decided(service: RunningService, row: t.Sequence[Situation], was_up: t.Optional[bool]) -> Decision:
    """The decision on servers in these situations."""
    members = [Member(server, health, said) for server, (health, said, _damped) in zip(service.real_servers, row)]
    damped = frozenset(member.name for member, (_health, _said, flaps) in zip(members, row) if flaps)
    before = None
    if was_up is not None or damped:
        memories = {m.name: Memory(m.health.in_pool, *([PENALTY] if m.name in damped else [])) for m in members}
        before = Pool(quorum_up=bool(was_up), memories=memories)
    return Decision(service, members, before, pool.decide(service, members, before, NOW), NOW, damped)


def every_decision() -> Iterator[Decision]:
    rows = list(itertools.product(SITUATIONS, repeat=len(SERVERS)))
    for service in (service_of(SERVERS, setting) for setting in FEWER):
        for row in rows:
            yield decided(service, row, was_up=False)
            yield decided(service, row, was_up=True)


def some_decisions(number: int) -> Iterator[Decision]:
    """Of larger pools, in more situations, and at the start too; always the same ones."""
    chance = random.Random(20260301)
    for _turn in range(number):
        servers = [
            real(20 + n, chance.randint(0, 3), backup=chance.random() < 0.3) for n in range(chance.randint(0, 6))
        ]
        row = [chance.choice(MORE) for _server in servers]
        yield decided(service_of(servers, chance.choice(SETTINGS)), row, chance.choice((None, False, True)))


def test_every_decision_on_a_small_pool_keeps_every_promise() -> None:
    for decision in every_decision():
        broken = list(complaints(decision))
        assert not broken, "\n".join([*broken, report(decision)])


def test_so_do_larger_pools_at_random() -> None:
    for decision in some_decisions(4000):
        broken = list(complaints(decision))
        assert not broken, "\n".join([*broken, report(decision)])


def test_the_order_of_the_configuration_decides_nothing() -> None:
    for decision in some_decisions(600):
        if decision.pool.floor_holds:
            continue
        turned = pool.decide(decision.service, decision.members[::-1], decision.before, NOW)
        assert turned.placed == decision.pool.placed, report(decision)


# ---- broken on purpose: decisions with one wrong rule each

_decide = pool.decide
_held = quorum.held_by_floor
_quorum_after = quorum.quorum_after
_ruling = pool._ruling
_idle_weight = pool._idle_weight
_state = candidate._state


def _no_hysteresis(service: t.Any, regular: t.Any, before: t.Any) -> quorum.Quorum:
    return _quorum_after(replace(service, hysteresis=0), regular, before)


def _quorum_never_cut(service: t.Any, regular: t.Any, before: t.Any) -> quorum.Quorum:
    cut = _quorum_after(service, regular, before)
    return replace(cut, up=cut.up and sum(one.weight for one in regular if one.live) >= service.quorum)


def _quorum_forgets(service: t.Any, regular: t.Any, before: t.Any) -> quorum.Quorum:
    """It turns round every time inside the band."""
    was_up = before is None or before.quorum_up
    return _quorum_after(service, regular, Pool(quorum_up=not was_up))


def _without(**changes: t.Any) -> Callable[..., pool.Ruling]:
    def ruling(*given: t.Any) -> pool.Ruling:
        return replace(_ruling(*given), **changes)

    return ruling


def _sorry_beside_the_rest(service: t.Any, candidates: t.Any, before: t.Any) -> pool.Ruling:
    made = _ruling(service, candidates, before)
    return replace(made, sorry_in=service.sorry_server is not None and not made.quorum.up)


def _drain_of_the_last_is_ignored(service: t.Any, member: Member, memory: t.Any, weight: int, now: int) -> str:
    state = _state(service, member, memory, weight, now)
    return "up" if state == "draining" and service.quorum == 1 else state


def _checks_win(service: t.Any, member: Member, memory: t.Any, weight: int, now: int) -> str:
    return _state(service, replace(member, override=None), memory, weight, now)


def _alpha_forgotten(one: candidate.Candidate) -> bool:
    return one.state in ("up", "waiting", "unchecked", "forced")


def _damping_first(service: t.Any, member: Member, memory: Memory, weight: int, now: int) -> str:
    return "damped" if memory.penalty.suppressed else _state(service, member, memory, weight, now)


def _inhibit_for_all(one: t.Any, made: Pool) -> t.Optional[int]:
    return 0 if _idle_weight(one, made) is None else _idle_weight(one, made)


def _drained_leave(one: t.Any, made: Pool) -> t.Optional[int]:
    return None


def _earliest_first(one: candidate.Candidate) -> t.Tuple[bool, int]:
    return one.state == "down", one.member.health.since


def _floor_too_generous(service: t.Any, regular: t.Any, serving: t.Any) -> t.List[candidate.Candidate]:
    return _held(replace(service, pool_floor=service.pool_floor and 100), regular, serving)


def _forgets_one(service: t.Any, members: t.Any, before: t.Any, now: int) -> Pool:
    made = _decide(service, members, before, now)
    return replace(made, placed=dict(list(made.placed.items())[1:]))


BROKEN: list[tuple[str, t.Any, str, t.Any]] = [
    ("nobody yields to the quorum", pool, "spared", lambda candidates, stay_at: []),
    ("everybody damped is spared", pool, "spared", lambda ones, _stay: [one for one in ones if one.state == "damped"]),
    ("no floor", pool, "held_by_floor", lambda service, regular, serving: []),
    ("a floor of all or nothing", pool, "held_by_floor", _floor_too_generous),
    ("the floor takes the oldest failures", quorum, "_most_recently_failed", _earliest_first),
    ("no hysteresis", pool, "quorum_after", _no_hysteresis),
    ("a quorum that nobody can reach", pool, "quorum_after", _quorum_never_cut),
    ("a quorum that swings", pool, "quorum_after", _quorum_forgets),
    ("backup servers never come", pool, "_backups", lambda candidates, quorum: []),
    ("backup servers always come", pool, "_backups", lambda ones, _quorum: [one for one in ones if one.backup]),
    ("the sorry server never comes", pool, "_ruling", _without(sorry_in=False)),
    ("the sorry server comes whoever serves", pool, "_ruling", _sorry_beside_the_rest),
    ("live servers are forgotten", pool, "_ruling", _without(live=())),
    ("the last server is not drained", candidate, "_state", _drain_of_the_last_is_ignored),
    ("checks win over orders", candidate, "_state", _checks_win),
    ("alpha is forgotten", candidate.Candidate, "live", property(_alpha_forgotten)),
    ("damping wins over orders", candidate, "_state", _damping_first),
    ("maintenance stays in the table", pool, "_idle_weight", _inhibit_for_all),
    ("drained servers lose their connections", pool, "_idle_weight", _drained_leave),
    ("an order's weight counts for nothing", candidate, "full_weight", lambda member: member.server.weight),
    ("a server is lost on the way", pool, "decide", _forgets_one),
    ("nobody says why", pool, "placed_why", lambda *given: "because"),
]


@pytest.mark.parametrize(("module", "name", "wrong"), [pytest.param(*rest, id=title) for title, *rest in BROKEN])
def test_a_wrong_rule_is_caught(monkeypatch: pytest.MonkeyPatch, module: t.Any, name: str, wrong: t.Any) -> None:
    monkeypatch.setattr(module, name, wrong)
    assert any(list(complaints(decision)) for decision in some_decisions(1500)), "no promise is against it"
