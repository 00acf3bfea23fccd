# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the health of its checks to the health of a real server.

A server is down as soon as one of its checks is, and up when all of them are. misc_dynamic replaces the configured
weight (of several the lowest word counts), FILE_CHECK adds to it.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ..model.lvs_defaults import RunningServer
from ..model.units import Instant
from .file_weight import WEIGHT_LIMIT
from .health import DOWN, UNCHECKED, UP, WAITING, Health


@dataclass(frozen=True)
class ServerHealth:
    """Where one real server stands as far as its checks know."""

    state: str
    """up, down, waiting or unchecked."""
    since: Instant
    """When it came into this state."""
    reason: str
    """A sentence; names the check when there are several."""
    weight: t.Optional[int] = None
    """0..65535, what its checks make of the configured weight; None: they leave it."""
    notes: t.Tuple[str, ...] = ()
    trusted: bool = True
    """Of waiting: in the pool all the same; False with alpha."""

    @property
    def in_pool(self) -> bool:
        """Do its checks let it take new connections?"""
        return self.state in (UP, UNCHECKED) or (self.state == WAITING and self.trusted)


def unchecked(now: Instant) -> ServerHealth:
    """The health of a server without a check: always up."""
    return ServerHealth(UNCHECKED, now, "no check configured")


def server_health(server: RunningServer, checks: t.Sequence[Health], now: Instant) -> ServerHealth:
    """`checks` in the order of server.checks, as many. `now` counts only where there is none."""
    if not checks:
        return unchecked(now)
    if len(checks) == 1:
        (one,) = checks  # said shortly: ten thousand servers have one
        trusted = one.in_pool or one.state != WAITING
        return ServerHealth(one.state, one.since, one.reason, _weight(server, checks), one.notes, trusted)
    names = _names(server)
    state = next((word for word in (DOWN, WAITING) if any(check.state == word for check in checks)), UP)
    telling = [(name, check) for name, check in zip(names, checks) if check.state == state]
    since = [check.since for _name, check in telling]
    return ServerHealth(
        state,
        min(since) if state == DOWN else max(since),
        "; ".join(f"{name}{check.reason}" for name, check in telling),
        _weight(server, checks),
        tuple(f"{name}{note}" for name, check in zip(names, checks) for note in check.notes),
        all(check.in_pool for check in checks if check.state == WAITING),
    )


def _names(server: RunningServer) -> t.List[str]:
    """What stands before a reason: "tcp: ", and "http 2: " for the second http."""
    kinds = [check.type for check in server.checks]
    turns = [kinds[: place + 1].count(kind) for place, kind in enumerate(kinds)]
    return [f"{kind} {turn}: " if kinds.count(kind) > 1 else f"{kind}: " for kind, turn in zip(kinds, turns)]


def _weight(server: RunningServer, checks: t.Sequence[Health]) -> t.Optional[int]:
    said = [(check.type, health.weight) for check, health in zip(server.checks, checks)]
    added = [weight for kind, weight in said if kind == "file" and weight is not None]
    replaced = [weight for kind, weight in said if kind != "file" and weight is not None]
    if not added and not replaced:
        return None
    return min(WEIGHT_LIMIT, max(0, min(replaced, default=server.weight) + sum(added)))
