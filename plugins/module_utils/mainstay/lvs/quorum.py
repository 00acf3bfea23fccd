# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many live servers are enough, and what may not fall below it: quorum, damping's yielding, pool_floor.

Weights are counted in full: a server in slow start counts with what it will have, else a pool that comes back would
wait for its quorum until it is warm. Only regular servers count, never backup servers.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ..model.lvs_defaults import RunningService
from .candidate import Candidate
from .health import DOWN
from .member import DAMPED, Pool


@dataclass(frozen=True)
class Quorum:
    """The state of one service's quorum."""

    up: bool
    stay_at: int
    """Up stays up from this live weight on."""
    rise_at: int
    """Down becomes up at this live weight."""

    @property
    def needed(self) -> int:
        """The weight at which it turns."""
        return self.stay_at if self.up else self.rise_at


def quorum_after(service: RunningService, regular: t.Sequence[Candidate], before: t.Optional[Pool]) -> Quorum:
    """As keepalived: up at quorum + hysteresis, down below quorum - hysteresis, both cut to what the configuration
    can reach, and without any weight always down.

    At the start it counts as up: a restart must not cost a quorum that lies inside the hysteresis. A damped server
    passes its checks and counts: damping never costs the quorum (see spared()).
    """
    reachable = _configured(regular)
    quorum = max(1, min(service.quorum, reachable))
    rise_at = max(quorum, min(quorum + service.hysteresis, reachable))
    stay_at = max(1, quorum - service.hysteresis)
    live = weight_of(one for one in regular if one.live or one.state == DAMPED)
    was_up = before is None or before.quorum_up
    return Quorum(live >= (stay_at if was_up else rise_at), stay_at, rise_at)


def spared(candidates: t.Sequence[Candidate], stay_at: int) -> t.List[Candidate]:
    """The damped ones if what is live without them would not be enough; they serve then, flapping or not."""
    enough = weight_of(one for one in candidates if one.live) >= stay_at
    return [] if enough else [one for one in candidates if one.state == DAMPED]


def held_by_floor(
    service: RunningService, regular: t.Sequence[Candidate], serving: t.Sequence[Candidate]
) -> t.List[Candidate]:
    """Who serves only because pool_floor wants it: damped ones first, then those that failed most recently.

    The floor is a share of the whole configured weight, also while the operator has taken servers out; those
    are never held.
    """
    missing = -(-_configured(regular) * service.pool_floor // 100) - weight_of(serving)
    names = {one.name for one in serving}
    held: t.List[Candidate] = []
    for one in sorted(regular, key=_most_recently_failed):
        if missing > 0 and one.weight and one.state in (DAMPED, DOWN) and one.name not in names:
            held.append(one)
            missing -= one.weight
    return held


def weight_of(candidates: t.Iterable[Candidate]) -> int:
    """Full weights together."""
    return sum(one.weight for one in candidates)


def _configured(regular: t.Sequence[Candidate]) -> int:
    return sum(one.member.server.weight for one in regular)


def _most_recently_failed(one: Candidate) -> t.Tuple[bool, int]:
    return one.state == DOWN, -one.member.health.since
