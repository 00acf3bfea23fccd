# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of servers for people, of services and servers in the kernel."""

from __future__ import annotations

from mainstay.lvs.keys import destination_key, server_text, service_keys
from mainstay.lvs.table import DestinationKey, ServiceKey
from mainstay.model.config import Config
from mainstay.model.lvs_config import GroupEntry, RealServer, SorryServer, VirtualServer, VirtualServerGroup
from mainstay.model.lvs_defaults import RunningService, running_service

from .pools import real, web

WEB = ServiceKey("TCP", "192.0.2.10", 80)


def grouped(*entries: GroupEntry) -> RunningService:
    config = Config(virtual_server_groups={"G": VirtualServerGroup("G", entries)})
    return running_service(VirtualServer("web", virtual_server_group="G", protocol="TCP"), config)


def marked(*servers: RealServer, ip_family: str | None = None) -> RunningService:
    return running_service(VirtualServer("web", fwmark=5, ip_family=ip_family, real_servers=servers), Config())


def test_a_server_is_called_by_its_address_and_port_and_the_port_may_be_the_services() -> None:
    service = web(real(21), real(22, port=8080), RealServer("2001:db8::21"))
    assert [server_text(s) for s in service.real_servers] == ["192.0.2.21:80", "192.0.2.22:8080", "[2001:db8::21]:80"]
    assert server_text(marked(RealServer("192.0.2.21")).real_servers[0]) == "192.0.2.21:0"


def test_an_address_and_port_is_one_service() -> None:
    assert service_keys(web()) == (WEB,)
    assert service_keys(web(port=None)) == (ServiceKey("TCP", "192.0.2.10", 0),)


def test_a_range_of_addresses_and_ports_is_one_service_for_each() -> None:
    keys = service_keys(grouped(GroupEntry("192.0.2.254", "192.0.3.1", 80, 81)))
    assert [str(key) for key in keys] == [
        f"TCP {address}:{port}"
        for address in ("192.0.2.254", "192.0.2.255", "192.0.3.0", "192.0.3.1")
        for port in (80, 81)
    ]


def test_an_ipv6_range_is_counted_too() -> None:
    keys = service_keys(grouped(GroupEntry("2001:db8::fffe", "2001:db8::1:0", 80)))
    assert [key.address for key in keys] == ["2001:db8::fffe", "2001:db8::ffff", "2001:db8::1:0"]


def test_a_group_is_all_of_its_entries_and_one_named_twice_is_one() -> None:
    keys = service_keys(grouped(GroupEntry("192.0.2.10", port=80), GroupEntry(fwmark=7), GroupEntry(fwmark=7)))
    assert keys == (WEB, ServiceKey("", "", 0, 7, "inet"))


def test_a_mark_is_of_the_family_that_it_or_its_servers_say() -> None:
    assert service_keys(marked(RealServer("192.0.2.21"))) == (ServiceKey("", "", 0, 5, "inet"),)
    assert service_keys(marked(RealServer("2001:db8::21"))) == (ServiceKey("", "", 0, 5, "inet6"),)
    assert service_keys(marked(RealServer("2001:db8::21"), ip_family="inet")) == (ServiceKey("", "", 0, 5, "inet"),)
    assert service_keys(grouped(GroupEntry(fwmark=7, family="inet6"))) == (ServiceKey("", "", 0, 7, "inet6"),)


def test_nat_reaches_the_servers_own_port_and_dr_and_tun_the_services() -> None:
    server = web(real(21, port=8080)).real_servers[0]
    assert destination_key(WEB, server, "NAT") == DestinationKey("192.0.2.21", 8080)
    assert destination_key(WEB, server, "DR") == destination_key(WEB, server, "TUN") == DestinationKey("192.0.2.21", 80)


def test_a_server_without_a_port_has_that_of_each_service() -> None:
    server = (
        grouped().real_servers
        or running_service(
            VirtualServer("web", fwmark=5, real_servers=(RealServer("192.0.2.21"),)), Config()
        ).real_servers
    )
    for port in (0, 80, 443):
        key = ServiceKey("TCP", "192.0.2.10", port)
        assert destination_key(key, server[0], "NAT") == DestinationKey("192.0.2.21", port)
    assert destination_key(WEB, SorryServer("192.0.2.30"), "NAT") == DestinationKey("192.0.2.30", 80)
