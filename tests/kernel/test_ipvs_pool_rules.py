# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Quorum with a sorry server, pool_floor and slow_start through the whole daemon, as ipvsadm shows them."""

from __future__ import annotations

import re
import typing as t
from pathlib import Path

import pytest
from netns.pool_lab import SERVERS, PoolLab

from lab.waiting import wait_for

from .daemon_on_director import GUEST_SECONDS, CheckedPort, DirectorDaemon, balanced
from .ipvs_director import IpvsDirector

SLOW_START = 4.0
RAMPED = "-A -t 198.51.100.10:80 -s wrr"
HELD = "-A -t 198.51.100.10:81 -s wrr"
SORRY = "-a -t 198.51.100.10:80 -r 192.0.2.29:80 -g -w 1"
"""By sorry_server_lb_kind; the servers of the pool have the service's -m."""


def ramped(name: str, weight: int) -> str:
    return f"-a -t 198.51.100.10:80 -r {SERVERS[name]}:80 -m -w {weight}"


def held(name: str) -> str:
    return f"-a -t 198.51.100.10:81 -r {SERVERS[name]}:80 -m -w 1"


@pytest.fixture
def checked(lab: PoolLab) -> t.Iterator[dict[str, CheckedPort]]:
    """The ports that the checks ask, by server; all are open."""
    ports = {name: CheckedPort(namespace) for name, namespace in lab.servers.items()}
    yield ports
    for port in ports.values():
        port.close()


@pytest.fixture
def daemon(
    director: IpvsDirector, lab: PoolLab, checked: dict[str, CheckedPort], tmp_path: Path
) -> t.Iterator[DirectorDaemon]:
    """`web` needs both of its servers; `held` keeps half of its weight whatever happens."""
    web = {
        **balanced(first=10, second=10), "quorum": 15, "slow_start": SLOW_START,
        "sorry_server": "192.0.2.29 80", "sorry_server_lb_kind": "DR",
    }  # fmt: skip
    started = DirectorDaemon(lab, tmp_path, web=web, held={**balanced(81, first=1, second=1), "pool_floor": 50})
    started.start()
    yield started
    started.close()


def weights_on_the_way(daemon: DirectorDaemon, name: str, full: int) -> list[int]:
    """Every weight that ipvsadm shows of the server, in order, until it is the full one."""
    seen: list[int] = []

    def full_weight() -> bool:
        found = re.search(rf"-t 198\.51\.100\.10:80 -r {SERVERS[name]}:80 -m -w (\d+)", daemon.pool())
        weight = int(found.group(1)) if found else 0
        if weight and seen[-1:] != [weight]:
            seen.append(weight)
        return weight == full

    wait_for(full_weight, GUEST_SECONDS, f"{name} at weight {full}, seen {seen}", evidence=daemon.evidence)
    return seen


def test_quorum_sorry_server_floor_and_slow_start(daemon: DirectorDaemon, checked: dict[str, CheckedPort]) -> None:
    everybody = (RAMPED, ramped("first", 10), ramped("second", 10), HELD, held("first"), held("second"))
    daemon.await_pool(*everybody)

    checked["first"].close()
    daemon.await_pool(RAMPED, SORRY, HELD, held("second"))

    checked["second"].close()
    wait_for(
        lambda: daemon.ask("status")["lvs"]["virtual_servers"]["held"]["floor_holds"] == ["192.0.2.22:80"],
        GUEST_SECONDS,
        "pool_floor to hold the server that failed last",
        evidence=daemon.evidence,
    )
    daemon.await_pool(RAMPED, SORRY, HELD, held("second"))

    for port in checked.values():
        port.open()
    climbed = weights_on_the_way(daemon, "first", 10)
    assert climbed == sorted(climbed), "down again on the way up"
    assert len(climbed) >= 3, f"no ramp: {climbed}"
    daemon.await_pool(*everybody)
