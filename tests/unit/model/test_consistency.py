# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What no single option can see: contradictions, refused with both places named."""

from __future__ import annotations

import copy

import pytest

from .model_samples import GOOD, problems_of, with_value


def second_instance(**changes: object) -> dict:
    document = copy.deepcopy(GOOD)
    other = {"interface": "eth0", "virtual_router_id": 52, "virtual_ipaddress": ["192.0.2.11/24"]}
    document["vrrp_instances"]["VI_2"] = {**other, **changes}
    return document


def test_two_routers_that_share_nothing_are_fine() -> None:
    assert problems_of(second_instance()) == []
    assert problems_of(second_instance(virtual_router_id=51, interface="eth1")) == []


def test_one_virtual_router_id_twice_on_one_interface_is_refused() -> None:
    (problem,) = problems_of(second_instance(virtual_router_id=51))

    assert problem.path == "vrrp_instances.VI_2.virtual_router_id"
    assert "already used on eth0 by vrrp_instances.VI_1" in problem.message


def test_one_address_in_two_instances_is_refused() -> None:
    (problem,) = problems_of(second_instance(virtual_ipaddress=["192.0.2.12/24", "192.0.2.10/32"]))

    assert problem.path == "vrrp_instances.VI_2.virtual_ipaddress[1]"
    assert "vrrp_instances.VI_1.virtual_ipaddress[0]" in problem.message


@pytest.mark.parametrize(
    ("advert_int", "vip_lease", "period"),
    [(1, 1, "1 s"), (10, 10, "10 s"), (10, 3, "10 s"), (2.5, 2, "2.5 s")],
)
def test_a_lease_that_refreshes_cannot_keep_alive_is_refused_with_the_remedy(
    advert_int: float, vip_lease: float, period: str
) -> None:
    (problem,) = problems_of(second_instance(advert_int=advert_int, vip_lease=vip_lease))

    assert (problem.path, problem.value) == ("vrrp_instances.VI_2.vip_lease", vip_lease)
    assert f"must be longer than the refresh period, {period} with advert_int {period}" in problem.message
    assert "leave it out" in problem.message


@pytest.mark.parametrize(("advert_int", "vip_lease"), [(1, 2), (0.01, 1), (10, 11), (10, 0)])
def test_a_lease_that_a_living_master_keeps_is_fine(advert_int: float, vip_lease: float) -> None:
    assert problems_of(second_instance(advert_int=advert_int, vip_lease=vip_lease)) == []


def test_one_service_address_twice_is_refused_unless_the_protocol_differs() -> None:
    document = copy.deepcopy(GOOD)
    document["virtual_servers"]["dns"] = {"address": "192.0.2.10", "port": 80, "protocol": "TCP"}

    (problem,) = problems_of(document)
    assert problem.path == "virtual_servers.dns.address"
    assert "already served by virtual_servers.web" in problem.message

    document["virtual_servers"]["dns"]["protocol"] = "UDP"
    assert problems_of(document) == []


def test_one_real_server_twice_in_a_pool_is_refused() -> None:
    server = {"address": "192.0.2.21", "port": 80}
    (problem,) = problems_of(with_value(("virtual_servers", "web", "real_servers"), [server, dict(server)]))

    assert problem.path == "virtual_servers.web.real_servers[1]"
    assert "use weight" in problem.message


def test_direct_routing_cannot_change_the_port() -> None:
    place = ("virtual_servers", "web", "real_servers", 0, "port")
    (problem,) = problems_of(with_value(place, 8080))
    assert problem.path == "virtual_servers.web.real_servers[0].port"
    assert "must be 80" in problem.message

    document = with_value(place, 8080)
    document["virtual_servers"]["web"]["lb_kind"] = "NAT"
    assert problems_of(document) == []
