# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sentences of a decision: what an operator reads at three in the morning."""

from __future__ import annotations

import typing as t

from ..model.lvs_defaults import RunningService
from ..model.units import NANOSECONDS_PER_SECOND, Duration, Instant
from .candidate import Candidate
from .damping import decayed, reuse_at
from .member import BACKUP, DAMPED, DRAINING, FORCED, MAINTENANCE, WARMING, Pool
from .overrides import WEIGHT
from .table import endpoint_text


def pool_why(service: RunningService, pool: Pool, serving: int) -> str:
    """The service's own sentence. `serving`: 0 when no real server takes new connections."""
    state = "up" if pool.quorum_up else "LOST"
    quorum = f"the quorum is {state}: live weight {pool.live_weight}, {pool.needed} needed"
    floor = f"pool_floor {service.pool_floor} % keeps in {', '.join(pool.floor_holds)}" if pool.floor_holds else ""
    return "; ".join(part for part in (quorum, floor, _who_serves(service, pool, serving)) if part)


def _who_serves(service: RunningService, pool: Pool, serving: int) -> str:
    """Nothing to say while the pool is as it should be."""
    if pool.sorry_in:
        return f"the sorry server {sorry_text(service)} takes the connections"
    if not serving:
        return "NOTHING takes new connections"
    if pool.backup_in:
        return "backup servers take connections"
    return "" if pool.quorum_up else "the servers that are left take the connections"


def sorry_text(service: RunningService) -> str:
    """192.0.2.30:80; its port is the service's where it names none."""
    sorry = service.sorry_server
    return "" if sorry is None else endpoint_text(sorry.address, sorry.port or service.port or 0)


def placed_why(
    service: RunningService, one: Candidate, pool: Pool, state: str, weight: t.Optional[int], now: Instant
) -> str:
    """Why this server has this state and weight."""
    parts = [_own_reason(one)]
    if one.name in pool.floor_holds:
        parts.append(f"kept in by pool_floor {service.pool_floor} %")
    elif state == WARMING:
        parts.append(_warming(one, pool, weight, now))
    elif state == BACKUP or (one.backup and weight):
        parts.append(_backup(pool, bool(weight)))
    elif one.state == DAMPED:
        parts.append(_damped(service, one, bool(weight), now))
    if not weight and one.live and not one.backup:
        parts.append(f"but {pool.why}")
    if state in (DRAINING, MAINTENANCE) and not pool.quorum_up:
        parts.append(f"{service.name} without it: {pool.why}")
    return "; ".join(parts)


def _own_reason(one: Candidate) -> str:
    """What the checks say, which is as old as the age that is shown before it; behind it what the order says."""
    order, said = one.member.override, one.member.health.reason
    if one.state == FORCED:
        return f"{said}; force {order}: in service whatever checks say"
    if one.state == MAINTENANCE:
        return f"{said}; maintenance {order}: not in the pool"
    if one.state == DRAINING:
        return f"{said}; {_drained_by(one)}: no new connections"
    return f"{said}{_other_weight(one)}"


def _drained_by(one: Candidate) -> str:
    order, health = one.member.override, one.member.health
    if order is not None and order.takes_out:
        return f"{'weight 0' if order.action == WEIGHT else order.action} {order}"
    return f"weight 0 {'in the configuration' if health.weight is None else 'by its checks'}"


def _other_weight(one: Candidate) -> str:
    """Who wants another weight than the configuration."""
    order, configured = one.member.override, one.member.server.weight
    if order is not None and order.action == WEIGHT:
        return f"; weight {one.weight} {order}, configured {configured}"
    return f"; weight {one.weight} by its checks, configured {configured}" if one.weight != configured else ""


def _warming(one: Candidate, pool: Pool, weight: t.Optional[int], now: Instant) -> str:
    begun = pool.memories[one.name].warming_since or 0
    rest = _whole_seconds(begun + one.member.server.slow_start - now)
    return f"slow_start: weight {weight} of {one.weight}, all of it in {rest} s"


def _backup(pool: Pool, serves: bool) -> str:
    if not serves:
        return "backup: ready, takes connections while the quorum is lost"
    return "backup" if pool.quorum_up else "backup: serves because the quorum is lost"


def _damped(service: RunningService, one: Candidate, serves: bool, now: Instant) -> str:
    penalty, half_life = one.memory.penalty, service.flap_damping
    flaps = f"it flaps (penalty {decayed(penalty, half_life, now):.0f})"
    rest = _whole_seconds(reuse_at(penalty, half_life) - now)
    return f"{flaps}, but there are not enough servers without it" if serves else f"{flaps}: stays out another {rest} s"


def _whole_seconds(duration: Duration) -> int:
    """Rounded up: what is said is over when it says so."""
    return -(-duration // NANOSECONDS_PER_SECOND)
