# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the decision on a pool takes and gives: values only."""

from __future__ import annotations

import functools
import typing as t
from dataclasses import dataclass, field

from ..model.lvs_defaults import RunningServer
from ..model.units import Instant
from .damping import NO_PENALTY, Penalty
from .health import DOWN, UNCHECKED, UP, WAITING
from .keys import server_text
from .overrides import Override
from .server_health import ServerHealth

DRAINING = "draining"
MAINTENANCE = "maintenance"
WARMING = "warming"
DAMPED = "damped"
FORCED = "forced"
BACKUP = "backup"
STATES = (UP, WAITING, UNCHECKED, WARMING, FORCED, DRAINING, BACKUP, DAMPED, DOWN, MAINTENANCE)


@dataclass(frozen=True)
class Member:
    """One real server as the decision sees it."""

    server: RunningServer
    health: ServerHealth
    override: t.Optional[Override] = None

    @functools.cached_property
    def name(self) -> str:
        """The server's part of its ServerId. Written once: a decision on a large pool asks a thousand servers."""
        return server_text(self.server)


@dataclass(frozen=True)
class Placed:
    """What becomes of one real server."""

    weight: t.Optional[int]
    """None: not in the table; 0: in it without new connections."""
    state: str
    """up, waiting, unchecked, warming, forced, draining, backup (checked and ready, not needed), damped, down or
    maintenance. A server that is down and has a weight is kept in by pool_floor."""
    why: str
    """A sentence for somebody who was just woken."""

    @property
    def serving(self) -> bool:
        """Does it take new connections?"""
        return bool(self.weight)


@dataclass(frozen=True)
class Memory:
    """What one decision leaves to the next about one server."""

    passing: bool = True
    """Its checks let it into the pool."""
    penalty: Penalty = NO_PENALTY
    cold: bool = False
    """It was out because it failed, or for maintenance, and has not been at full weight since."""
    warming_since: t.Optional[Instant] = None
    """When it came into service cold."""


@dataclass(frozen=True)
class Pool:
    """The decision on one virtual_server."""

    placed: t.Mapping[str, Placed] = field(default_factory=dict)
    """Per server, named as in its ServerId, in the order of the configuration."""
    live_weight: int = 0
    """Full weights of the regular servers that checks or an order let serve."""
    needed: int = 1
    """Live weight at which the quorum turns: below it while it is up, from it on while it is down."""
    quorum_up: bool = True
    sorry_in: bool = False
    backup_in: bool = False
    floor_holds: t.Tuple[str, ...] = ()
    """Servers that failed and are in service only because of pool_floor; the most recently failed first."""
    next_change: t.Optional[Instant] = None
    """When time alone changes the decision; None: never."""
    why: str = ""
    """The service's own sentence."""
    memories: t.Mapping[str, Memory] = field(default_factory=dict)

    @property
    def serving(self) -> bool:
        """Does anything take new connections?"""
        return self.sorry_in or any(placed.serving for placed in self.placed.values())
