# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each real server could do by itself, before the pool is looked at as a whole."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace

from ..model.lvs_defaults import RunningService
from ..model.units import Instant
from . import overrides
from .damping import NO_PENALTY, punished, suppressed
from .health import DOWN
from .member import DAMPED, DRAINING, FORCED, MAINTENANCE, Member, Memory

_STATE_BY_ORDER = {overrides.DRAIN: DRAINING, overrides.MAINTENANCE: MAINTENANCE, overrides.FORCE: FORCED}
_CANNOT_SERVE = (DRAINING, MAINTENANCE, DAMPED, DOWN)


@dataclass(frozen=True)
class Candidate:
    """One real server with what orders, checks and damping make of it."""

    member: Member
    memory: Memory
    weight: int
    """In full, without slow start."""
    state: str
    """forced, draining, maintenance, down, waiting, damped, up or unchecked."""
    name: str
    """As in its ServerId."""

    @property
    def backup(self) -> bool:
        """Is it for lost quorums only?"""
        return self.member.server.backup

    @property
    def live(self) -> bool:
        """May it serve? Then it has a weight, too."""
        return self.state == FORCED or (self.state not in _CANNOT_SERVE and self.member.health.in_pool)


def candidate(service: RunningService, member: Member, memories: t.Mapping[str, Memory], now: Instant) -> Candidate:
    """`memories`: what the decision before left; a server that is not in them is new."""
    name = member.name
    remembered = _remembered(service, member, memories.get(name), now)
    weight = full_weight(member)
    return Candidate(member, remembered, weight, _state(service, member, remembered, weight, now), name)


def full_weight(member: Member) -> int:
    """The order's word, else that of its checks, else the configuration's. Forced means at least 1."""
    order, configured = member.override, member.server.weight
    if order is not None and order.action == overrides.FORCE:
        return max(1, configured)
    if order is not None and order.action == overrides.WEIGHT and order.weight is not None:
        return order.weight
    return configured if member.health.weight is None else member.health.weight


def _state(service: RunningService, member: Member, memory: Memory, weight: int, now: Instant) -> str:
    """Orders win over checks, checks over damping."""
    order, health = member.override, member.health
    if order is not None and order.action in _STATE_BY_ORDER:
        return _STATE_BY_ORDER[order.action]
    if not health.in_pool:
        return health.state
    if not weight:
        return DRAINING
    return DAMPED if suppressed(memory.penalty, service.flap_damping, now) else health.state


def _remembered(service: RunningService, member: Member, memory: t.Optional[Memory], now: Instant) -> Memory:
    """Going down costs a penalty, except while the operator keeps the server out: he may restart what runs there."""
    passing = member.health.in_pool
    if memory is None:
        return Memory(passing)
    fell = memory.passing and member.health.state == DOWN
    excused = member.override is not None and member.override.takes_out
    penalty = memory.penalty if service.flap_damping else NO_PENALTY
    if fell and not excused:
        penalty = punished(penalty, service.flap_damping, now)
    if (passing, penalty) == (memory.passing, memory.penalty):
        return memory
    return replace(memory, passing=passing, penalty=penalty)
