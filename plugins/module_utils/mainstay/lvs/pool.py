# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The decision who serves.

A pure function of the service, its members, the decision before and the time:

 1. Each server by itself (candidate.py): the operator's order, else its checks, else damping.
 2. The quorum, in full weights of the live regular servers (quorum.py). Where it, or the whole pool, hangs on damped
    servers, these serve all the same.
 3. pool_floor keeps failed servers in until its share of the configured weight is in service. They are not live: the
    quorum is lost although the floor holds, so that somebody hears of it.
 4. Who else serves depends on the quorum:

        quorum   live backup server   sorry server   who serves
        up       any                  any            live regular servers
        lost     yes                  any            live regular servers, and the live backup servers beside them
        lost     no                   no             the live regular servers that are left
        lost     no                   yes            the sorry server alone, as in keepalived: it replaces the pool

    Two things stand above the last line: a server that the operator forced serves, and pool_floor is never broken;
    while a forced or (with a floor) any regular server serves, the sorry server does not. Servers that pool_floor
    holds serve in every line.
 5. slow_start shapes the weight of a server that comes into service after it failed, be it while it was drained, or
    was in maintenance.

Draining or maintenance of the last server is done as ordered, and said in `why`. A server that the operator drains is
never given new connections; one in maintenance is not in the table.

In a large pool most decisions are about one server. While nothing hangs on the time, no server is there for another
(damped, floor) and the quorum stays up, a regular server that changes is nobody else's business: decide_changes() then
says what decide() would, and looks at no other.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace

from ..model.lvs_defaults import RunningService
from ..model.units import Instant
from .candidate import Candidate, candidate
from .damping import reuse_at, suppressed
from .health import DOWN
from .member import BACKUP, DAMPED, DRAINING, FORCED, MAINTENANCE, WARMING, Member, Memory, Placed, Pool
from .quorum import Quorum, held_by_floor, quorum_after, spared, weight_of
from .reasons import placed_why, pool_why
from .slow_start import next_step, warming_weight


@dataclass(frozen=True)
class Ruling:
    """The decision in terms of candidates, before weights and sentences."""

    quorum: Quorum
    live: t.Tuple[Candidate, ...]
    """Regular servers that could serve, spared ones included."""
    held: t.Tuple[Candidate, ...]
    """By pool_floor."""
    backups: t.Tuple[Candidate, ...]
    """That serve."""
    sorry_in: bool

    @property
    def serving(self) -> t.FrozenSet[str]:
        """Names of all servers that get new connections."""
        ones = () if self.sorry_in else (*self.live, *self.held, *self.backups)
        return frozenset(one.name for one in ones)


def decide(service: RunningService, members: t.Sequence[Member], before: t.Optional[Pool], now: Instant) -> Pool:
    """`members` in the order of service.real_servers. `before`: the previous decision on the service of this name
    (also across a reload), None at the start."""
    memories = {} if before is None else before.memories
    candidates = [candidate(service, member, memories, now) for member in members]
    ruling = _ruling(service, candidates, before)
    serving = ruling.serving
    after = {one.name: _memory_after(one, one.name in serving, now) for one in candidates}
    pool = Pool(
        live_weight=weight_of(ruling.live),
        needed=ruling.quorum.needed,
        quorum_up=ruling.quorum.up,
        sorry_in=ruling.sorry_in,
        backup_in=bool(ruling.backups),
        floor_holds=tuple(one.name for one in ruling.held),
        next_change=_next_change(service, candidates, after, now),
        memories=after,
    )
    told = replace(pool, why=pool_why(service, pool, len(serving)))
    return replace(told, placed=_all_placed(service, candidates, serving, told, now))


def decide_changes(
    service: RunningService, changes: t.Sequence[t.Tuple[Member, Member]], before: Pool, now: Instant
) -> t.Optional[Pool]:
    """What decide() would say when these members alone, each as it was and as it is, differ from those that `before`
    was decided on, for this very service. None where that takes a look at all of them.
    """
    calm = before.quorum_up and before.next_change is None and not (service.flap_damping or service.pool_floor)
    if not calm or any(member.server.backup for _old, member in changes):
        return None
    former = [candidate(service, old, before.memories, now) for old, _new in changes]
    candidates = [candidate(service, new, before.memories, now) for _old, new in changes]
    live = [one for one in candidates if one.live]
    live_weight = before.live_weight + weight_of(live) - weight_of(one for one in former if one.live)
    if live_weight < before.needed:
        return None
    changed = {one.name: _memory_after(one, one.live, now) for one in candidates}
    pool = replace(
        before,
        live_weight=live_weight,
        next_change=_next_change(service, candidates, changed, now),
        memories={**before.memories, **changed},
    )
    told = replace(pool, why=pool_why(service, pool, serving=live_weight))
    placed = _all_placed(service, candidates, [one.name for one in live], told, now)
    return replace(told, placed={**before.placed, **placed})


def _ruling(service: RunningService, candidates: t.Sequence[Candidate], before: t.Optional[Pool]) -> Ruling:
    regular = [one for one in candidates if not one.backup]
    quorum = quorum_after(service, regular, before)
    live = [one for one in regular if one.live]
    live += spared(regular, quorum.stay_at)
    held = held_by_floor(service, regular, live)
    backups = _backups(candidates, quorum)
    standing = [*live, *held] if service.pool_floor else [one for one in live if one.state == FORCED]
    sorry_in = service.sorry_server is not None and not (quorum.up or backups or standing)
    return Ruling(quorum, tuple(live), tuple(held), tuple(backups), sorry_in)


def _backups(candidates: t.Sequence[Candidate], quorum: Quorum) -> t.List[Candidate]:
    """The live ones while the quorum is lost; without any those that are only damped. A forced one always."""
    backups = [one for one in candidates if one.backup]
    if quorum.up:
        return [one for one in backups if one.state == FORCED]
    return [one for one in backups if one.live] + spared(backups, 1)


def _memory_after(one: Candidate, serves: bool, now: Instant) -> Memory:
    """Who fails or is in maintenance goes cold, drained or not; who serves cold warms up until the ramp is over."""
    memory, server = one.memory, one.member.server
    begun = None
    if not serves:
        cold = memory.cold or DOWN in (one.state, one.member.health.state) or one.state == MAINTENANCE
    elif not memory.cold or one.state in (FORCED, DOWN):
        cold = False
    else:
        begun = now if memory.warming_since is None else memory.warming_since
        cold = next_step(one.weight, server.slow_start, begun, now) is not None
    begun = begun if cold else None
    same = (cold, begun) == (memory.cold, memory.warming_since)
    return memory if same else replace(memory, cold=cold, warming_since=begun)


def _next_change(
    service: RunningService, candidates: t.Sequence[Candidate], after: t.Mapping[str, Memory], now: Instant
) -> t.Optional[Instant]:
    """The end of a damping, or the next step of a slow start."""
    instants: t.List[t.Optional[Instant]] = []
    for one in candidates:
        memory = after[one.name]
        if suppressed(memory.penalty, service.flap_damping, now):
            instants.append(reuse_at(memory.penalty, service.flap_damping))
        if memory.warming_since is not None:
            instants.append(next_step(one.weight, one.member.server.slow_start, memory.warming_since, now))
    return min((instant for instant in instants if instant is not None), default=None)


def _all_placed(
    service: RunningService, candidates: t.Sequence[Candidate], serving: t.Collection[str], pool: Pool, now: Instant
) -> t.Dict[str, Placed]:
    placed = {}
    for one in candidates:
        serves = one.name in serving
        weight = _serving_weight(one, pool, now) if serves else _idle_weight(one, pool)
        state = _state(one, weight, serves, one.name in pool.floor_holds)
        placed[one.name] = Placed(weight, state, placed_why(service, one, pool, state, weight, now))
    return placed


def _serving_weight(one: Candidate, pool: Pool, now: Instant) -> int:
    begun = pool.memories[one.name].warming_since
    return one.weight if begun is None else warming_weight(one.weight, one.member.server.slow_start, begun, now)


def _idle_weight(one: Candidate, pool: Pool) -> t.Optional[int]:
    """Drained ones stay for their connections, failed ones if inhibit_on_failure wants it; backup servers that are
    not needed are not in the table."""
    if one.state == MAINTENANCE or (one.backup and pool.quorum_up):
        return None
    return 0 if one.state == DRAINING or one.member.server.inhibit_on_failure else None


def _state(one: Candidate, weight: t.Optional[int], serves: bool, held: bool) -> str:
    """A damped server that serves because it is needed is as its checks say; one that the floor holds stays damped."""
    if not serves:
        return BACKUP if one.backup and one.live else one.state
    if weight != one.weight:
        return WARMING
    return one.member.health.state if one.state == DAMPED and not held else one.state
