# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the decision on a pool to the services that the kernel should hold."""

from __future__ import annotations

import typing as t

import pytest

from mainstay.lvs.desired import desired_services
from mainstay.lvs.draining import Leaving
from mainstay.lvs.overrides import MAINTENANCE
from mainstay.lvs.pool import decide
from mainstay.lvs.server_health import ServerHealth
from mainstay.lvs.table import Destination, DestinationKey, Service, ServiceKey, Tunnel
from mainstay.model.config import Config
from mainstay.model.lvs_config import GroupEntry, RealServer, SorryServer, VirtualServer, VirtualServerGroup
from mainstay.model.lvs_defaults import RunningService, running_service
from mainstay.model.units import seconds

from .pools import NOW, SORRY, failed, members, order, real, web

WEB = ServiceKey("TCP", "192.0.2.10", 80)


def desired(service: RunningService, *said: ServerHealth | tuple[ServerHealth, t.Any]) -> dict[ServiceKey, Service]:
    return desired_services(service, decide(service, members(service, *said), None, NOW), {})


def pool(service: RunningService, *said: t.Any) -> dict[str, int]:
    """Weights in the table."""
    return {str(key): entry.weight for key, entry in desired(service, *said)[WEB].destinations.items()}


def test_a_service_becomes_an_entry_with_its_whole_pool() -> None:
    service = web(
        real(21, 3, uthreshold=100, lthreshold=50), real(22, port=8080),
        lb_algo="wrr", persistence_timeout=seconds(300), persistence_granularity=24, persistence_engine="sip",
    )  # fmt: skip
    first, second = DestinationKey("192.0.2.21", 80), DestinationKey("192.0.2.22", 8080)
    assert desired(service) == {
        WEB: Service(
            WEB, "wrr", 300, {first: Destination(first, "NAT", 3, 100, 50), second: Destination(second, "NAT", 1)},
            persistence_granularity=24, persistence_engine="sip",
        )
    }  # fmt: skip


def test_without_persistence_its_details_mean_nothing() -> None:
    entry = desired(web(real(21), persistence_granularity=24, persistence_engine="sip"))[WEB]
    assert (entry.persistence_timeout, entry.persistence_granularity, entry.persistence_engine) == (0, None, "")


@pytest.mark.parametrize(
    ("settings", "flags"),
    [
        ({}, set()),
        ({"protocol": "UDP", "ops": True}, {"ops"}),
        ({"lb_algo": "sh", "sh_port": True}, {"port"}),
        ({"lb_algo": "sh", "sh_fallback": True}, {"fallback"}),
        ({"lb_algo": "mh", "mh_port": True, "mh_fallback": True}, {"port", "fallback"}),
    ],
)
def test_flags(settings: dict[str, t.Any], flags: set[str]) -> None:
    (entry,) = desired(web(real(21), **settings)).values()
    assert entry.flags == flags


def test_each_server_has_its_own_forwarding_and_tunnel() -> None:
    service = web(
        real(21), real(22, lb_kind="DR"), real(23, tun_type="gre", tun_checksum="csum"),
        lb_kind="TUN", tun_type="gue", tun_port=6080,
    )  # fmt: skip
    ways = {str(key): (one.lb_kind, one.tunnel) for key, one in desired(service)[WEB].destinations.items()}
    assert ways == {
        "192.0.2.21:80": ("TUN", Tunnel("gue", 6080, "nocsum")),
        "192.0.2.22:80": ("DR", None),
        "192.0.2.23:80": ("TUN", Tunnel("gre", 0, "csum")),
    }


def test_a_group_is_many_services_with_the_same_pool() -> None:
    entries = (GroupEntry("192.0.2.10", "192.0.2.11", 80), GroupEntry(fwmark=5))
    config = Config(virtual_server_groups={"G": VirtualServerGroup("G", entries)})
    servers = (RealServer("192.0.2.21"), RealServer("192.0.2.22", 8080))
    service = running_service(
        VirtualServer("web", virtual_server_group="G", protocol="TCP", real_servers=servers), config
    )
    assert {str(key): [str(one) for one in entry.destinations] for key, entry in desired(service).items()} == {
        "TCP 192.0.2.10:80": ["192.0.2.21:80", "192.0.2.22:8080"],
        "TCP 192.0.2.11:80": ["192.0.2.21:80", "192.0.2.22:8080"],
        "fwmark 5": ["192.0.2.21:0", "192.0.2.22:8080"],
    }


def test_with_every_server_down_the_service_stays_with_an_empty_pool() -> None:
    assert pool(web(real(21), real(22)), failed(), failed()) == {}


def test_with_inhibit_on_failure_a_failed_server_stays_at_weight_0_and_the_servers_own_word_wins() -> None:
    service = web(real(21), real(22, inhibit_on_failure=False), real(23), inhibit_on_failure=True)
    assert pool(service, failed(), failed()) == {"192.0.2.21:80": 0, "192.0.2.23:80": 1}


def test_maintenance_is_out_of_the_table_even_with_inhibit_on_failure() -> None:
    service = web(real(21), real(22), inhibit_on_failure=True)
    assert pool(service, (failed(), order(MAINTENANCE))) == {"192.0.2.22:80": 1}


def test_the_sorry_server_replaces_the_pool_while_the_quorum_is_lost() -> None:
    service = web(real(21), real(22), quorum=2, sorry_server=SORRY)
    assert pool(service) == {"192.0.2.21:80": 1, "192.0.2.22:80": 1}
    assert pool(service, failed()) == {"192.0.2.30:80": 1}, "as in keepalived the live one is taken out"


def test_with_sorry_server_inhibit_it_stands_by_at_weight_0() -> None:
    service = web(real(21), sorry_server=SORRY, sorry_server_inhibit=True)
    assert pool(service) == {"192.0.2.30:80": 0, "192.0.2.21:80": 1}
    assert pool(service, failed()) == {"192.0.2.30:80": 1}


def test_the_sorry_server_may_be_forwarded_to_in_another_way() -> None:
    service = web(real(21), sorry_server=SorryServer("192.0.2.30"), lb_kind="DR", sorry_server_lb_kind="NAT")
    place = DestinationKey("192.0.2.30", 80)
    assert desired(service, failed())[WEB].destinations == {place: Destination(place, "NAT", 1)}


def test_a_sorry_server_that_is_a_real_server_too_serves_when_either_does() -> None:
    service = web(real(21), sorry_server=SorryServer("192.0.2.21", 80), sorry_server_inhibit=True)
    assert pool(service) == {"192.0.2.21:80": 1}
    assert pool(service, failed()) == {"192.0.2.21:80": 1}


def test_who_leaves_is_there_at_weight_0() -> None:
    service = web(real(21))
    gone = DestinationKey("192.0.2.29", 80)
    leaving = {(WEB, gone): Leaving(Destination(gone, "NAT", 0), NOW + 1)}
    made = desired_services(service, decide(service, members(service), None, NOW), leaving)
    assert {str(key): one.weight for key, one in made[WEB].destinations.items()} == {
        "192.0.2.29:80": 0, "192.0.2.21:80": 1,
    }  # fmt: skip
