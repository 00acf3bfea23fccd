# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From configuration and health to the table that the kernel should hold."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mainstay.lvs.desired import desired_table
from mainstay.lvs.health import Health
from mainstay.lvs.table import Destination, DestinationKey, Service, ServiceKey
from mainstay.model.config import RealServer, VirtualServer
from mainstay.model.units import seconds

WEB = ServiceKey("TCP", "192.0.2.10", 80)
FIRST = DestinationKey("192.0.2.21", 80)
SECOND = DestinationKey("192.0.2.22", 8080)
UP = Health("up", 0, "HTTP 200")
DOWN = Health("down", 0, "HTTP 503")

SERVICE = VirtualServer(
    "web", "192.0.2.10", 80, "TCP", lb_algo="wrr", lb_kind="DR",
    real_servers=(RealServer("192.0.2.21", 80, weight=3), RealServer("192.0.2.22", 8080)),
)  # fmt: skip


def weights(service: VirtualServer, **health: Health) -> dict[str, int]:
    """Weights in the pool by the last octet of the address."""
    book = {(WEB, FIRST): health.get("first", UP), (WEB, SECOND): health.get("second", UP)}
    pool = desired_table({"web": service}, book)[WEB].destinations
    return {key.address.rpartition(".")[2]: destination.weight for key, destination in pool.items()}


def test_a_service_becomes_an_entry_with_its_whole_pool() -> None:
    table = desired_table({"web": replace(SERVICE, persistence_timeout=seconds(300))}, {})
    assert table == {
        WEB: Service(
            key=WEB,
            lb_algo="wrr",
            persistence_timeout=300,
            destinations={
                FIRST: Destination(FIRST, "DR", 3),
                SECOND: Destination(SECOND, "DR", 1),
            },
        )
    }


@pytest.mark.parametrize("state", ["up", "waiting", "unchecked"])
def test_only_a_server_that_is_down_is_out(state: str) -> None:
    assert weights(SERVICE, first=Health(state, 0, "")) == {"21": 3, "22": 1}


def test_a_failed_server_leaves_the_pool() -> None:
    assert weights(SERVICE, first=DOWN) == {"22": 1}


def test_with_inhibit_on_failure_a_failed_server_stays_at_weight_0() -> None:
    assert weights(replace(SERVICE, inhibit_on_failure=True), first=DOWN) == {"21": 0, "22": 1}


@pytest.mark.parametrize(("of_server", "of_service", "expected"), [
    (True, False, {"21": 0, "22": 1}),
    (False, True, {"22": 1}),
])  # fmt: skip
def test_the_servers_own_inhibit_on_failure_wins(of_server: bool, of_service: bool, expected: dict[str, int]) -> None:
    first, second = SERVICE.real_servers
    servers = (replace(first, inhibit_on_failure=of_server), second)
    assert weights(replace(SERVICE, inhibit_on_failure=of_service, real_servers=servers), first=DOWN) == expected


def test_with_every_server_down_the_service_stays_with_an_empty_pool() -> None:
    assert weights(SERVICE, first=DOWN, second=DOWN) == {}


def test_health_is_per_service_and_server() -> None:
    """The same machine behind two services: one check fails, the other service keeps it."""
    other = replace(SERVICE, name="other", port=81)
    table = desired_table({"web": SERVICE, "other": other}, {(WEB, FIRST): DOWN})
    assert FIRST not in table[WEB].destinations
    assert FIRST in table[ServiceKey("TCP", "192.0.2.10", 81)].destinations
