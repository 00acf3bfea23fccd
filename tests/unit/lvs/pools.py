# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Services, servers and their health for tests: a short way to write them."""

from __future__ import annotations

import typing as t

from mainstay.lvs.health import DOWN, UP, WAITING
from mainstay.lvs.member import Member, Pool
from mainstay.lvs.overrides import Override
from mainstay.lvs.server_health import ServerHealth
from mainstay.model.config import Config
from mainstay.model.lvs_config import RealServer, SorryServer, VirtualServer
from mainstay.model.lvs_defaults import RunningService, running_service
from mainstay.model.units import seconds

SORRY = SorryServer("192.0.2.30", 80)
NOW = seconds(1000)


def web(*servers: RealServer, **settings: t.Any) -> RunningService:
    """The service web, 192.0.2.10:80, ready to run."""
    said = {"address": "192.0.2.10", "port": 80, "protocol": "TCP", **settings}
    return running_service(VirtualServer("web", real_servers=servers, **said), Config())


def real(number: int, weight: int = 1, **settings: t.Any) -> RealServer:
    """192.0.2.`number`:80."""
    return RealServer(f"192.0.2.{number}", weight=weight, **settings)


def passing(reason: str = "HTTP 200", weight: int | None = None) -> ServerHealth:
    return ServerHealth(UP, 0, reason, weight)


def failed(reason: str = "connection refused", since: int = 0) -> ServerHealth:
    return ServerHealth(DOWN, since, reason)


def waiting(trusted: bool = True) -> ServerHealth:
    return ServerHealth(WAITING, 0, "not checked yet", trusted=trusted)


def order(action: str, weight: int | None = None) -> Override:
    return Override(action, weight, by="alice", at="2026-11-22T03:10:00+00:00", reason="disk swap")


def members(service: RunningService, *said: ServerHealth | tuple[ServerHealth, Override]) -> list[Member]:
    """The service's servers in their order with this health, and order if there is one; the rest pass."""
    row = [*said, *[passing()] * (len(service.real_servers) - len(said))]
    pairs = [one if isinstance(one, tuple) else (one, None) for one in row]
    return [Member(server, *pair) for server, pair in zip(service.real_servers, pairs)]


def weights(pool: Pool) -> dict[int, int | None]:
    """Weight in the table by the number that real() was given."""
    return {int(name.partition(":")[0].rpartition(".")[2]): placed.weight for name, placed in pool.placed.items()}


def states(pool: Pool) -> list[str]:
    return [placed.state for placed in pool.placed.values()]
