# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real connections by every way to a server, in both families, and by marks."""

from __future__ import annotations

import contextlib
import socket
import typing as t
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from netns.pool_lab import (
    CLIENT_NEAR_SERVERS,
    DR_VIP,
    NAT_VIP,
    NAT_VIP6,
    OTHER_PORT,
    PATIENCE_SECONDS,
    PORT,
    SERVERS6,
    PoolLab,
)

from mainstay.lvs.table import Destination, DestinationKey, ServiceKey, Tunnel

from .ipvs_director import DIRECT, IpvsDirector, server, service
from .wide_lab import (
    CLIENT6_NEAR_SERVERS,
    DIRECT6,
    DR_VIP6,
    GUE_PORT,
    MARKED,
    MARKED6,
    MARKED_VIP6,
    MARKED_VIPS,
    WEB6,
    await_wrong_checksum,
    gre_device,
    knocking,
    server6,
)

BOTH = {"first": 3, "second": 3}


def answers(lab: PoolLab, address: str, source: str = "", port: int = PORT) -> Counter[str]:
    return Counter(lab.ask(address, port, source) for _ in range(6))


def test_nat_of_ipv6(director: IpvsDirector, wide: PoolLab) -> None:
    director.reconcile(service(WEB6, server6("first"), server6("second")))
    assert answers(wide, NAT_VIP6) == BOTH


def test_direct_routing_of_ipv6(director: IpvsDirector, wide: PoolLab) -> None:
    director.reconcile(service(DIRECT6, server6("first", lb_kind="DR"), server6("second", lb_kind="DR")))
    assert answers(wide, DR_VIP6, CLIENT6_NEAR_SERVERS) == BOTH


@pytest.mark.parametrize("tunnel", [
    Tunnel(), Tunnel("gre"),
    Tunnel("gue", GUE_PORT), Tunnel("gue", GUE_PORT, "csum"), Tunnel("gue", GUE_PORT, "remcsum"),
], ids=lambda tunnel: f"{tunnel.kind} {tunnel.checksum}")  # fmt: skip
def test_a_tunnel_leads_to_a_server_that_unwraps_it(director: IpvsDirector, wide: PoolLab, tunnel: Tunnel) -> None:
    pool = [replace(server(name, lb_kind="TUN"), tunnel=tunnel) for name in BOTH]
    assert director.reconcile(service(DIRECT, *pool)) == []
    assert answers(wide, DR_VIP, CLIENT_NEAR_SERVERS) == BOTH


@pytest.fixture
def summed(wide: PoolLab) -> t.Iterator[PoolLab]:
    """Both servers unwrap only GRE that has a checksum."""
    for name in wide.servers:
        gre_device(wide, name, "icsum")
    yield wide
    for name in wide.servers:
        gre_device(wide, name)


class GreFlags:
    """The first two bytes of each GRE packet that comes to a server."""

    def __init__(self, lab: PoolLab, name: str) -> None:
        with lab.servers[name].inside():
            self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0800))
        self._socket.bind(("eth0", 0x0800))
        self._socket.settimeout(PATIENCE_SECONDS)

    def next(self) -> int:
        """Waits for a packet; an IPv4 header without options is before it."""
        while True:
            packet = self._socket.recv(2048)
            if packet[9] == socket.IPPROTO_GRE:
                return int.from_bytes(packet[20:22], "big")

    def close(self) -> None:
        self._socket.close()


def test_gre_has_the_checksum_that_the_server_asks_for(director: IpvsDirector, summed: PoolLab) -> None:
    """RFC 2784: the first bit says that there is one. Linux drops what has none where one is wanted."""
    pool = [replace(server(name, lb_kind="TUN"), tunnel=Tunnel("gre", 0, "csum")) for name in BOTH]
    director.reconcile(service(DIRECT, *pool))
    with contextlib.closing(GreFlags(summed, "first")) as seen:
        assert answers(summed, DR_VIP, CLIENT_NEAR_SERVERS) == BOTH
        assert seen.next() == 0x8000


def test_gre_without_the_checksum_that_the_server_asks_for_is_dropped(director: IpvsDirector, summed: PoolLab) -> None:
    bare = replace(server("first", lb_kind="TUN"), tunnel=Tunnel("gre"))
    director.reconcile(service(DIRECT, bare))
    with contextlib.closing(GreFlags(summed, "first")) as seen, knocking(summed):
        assert seen.next() == 0
        await_wrong_checksum(summed.servers["first"], "gre-in")


def test_a_tunnel_of_ipv6(director: IpvsDirector, wide: PoolLab) -> None:
    director.reconcile(service(DIRECT6, server6("first", lb_kind="TUN"), server6("second", lb_kind="TUN")))
    assert answers(wide, DR_VIP6, CLIENT6_NEAR_SERVERS) == BOTH


def test_servers_of_ipv6_behind_a_service_of_ipv4(director: IpvsDirector, wide: PoolLab) -> None:
    director.reconcile(service(DIRECT, server6("first", lb_kind="TUN"), server("second", lb_kind="TUN")))
    assert answers(wide, DR_VIP, CLIENT_NEAR_SERVERS) == BOTH


def test_a_mark_makes_one_service_of_many_addresses_and_ports(director: IpvsDirector, wide: PoolLab) -> None:
    director.reconcile(service(MARKED, server("first"), server("second")))
    asked = [wide.ask(address, port) for port in (80, 81, 4711) for address in MARKED_VIPS]
    assert Counter(asked) == BOTH, "one rr goes through all of them"
    with pytest.raises(ConnectionRefusedError):
        wide.ask(NAT_VIP)


def test_a_mark_of_ipv6_is_a_service_of_its_own(director: IpvsDirector, wide: PoolLab) -> None:
    director.reconcile(service(MARKED, server("first")), service(MARKED6, server6("second")))
    assert answers(wide, MARKED_VIP6) == {"second": 6}
    assert answers(wide, MARKED_VIPS[0]) == {"first": 6}


def test_a_service_of_every_port_leads_to_the_same_port_of_its_server(director: IpvsDirector, wide: PoolLab) -> None:
    pool = Destination(DestinationKey(SERVERS6["first"], 0), "NAT", 1)
    director.reconcile(service(ServiceKey("TCP", NAT_VIP6, 0), pool, persistence=300))
    assert wide.ask(NAT_VIP6, PORT) == "first"
    assert wide.ask(NAT_VIP6, OTHER_PORT) == f"first:{OTHER_PORT}"
    with pytest.raises(ConnectionRefusedError):
        wide.ask(NAT_VIP6, PORT + 1)


def test_sctp_is_balanced(director: IpvsDirector, wide: PoolLab) -> None:
    director.reconcile(service(ServiceKey("SCTP", NAT_VIP, PORT), server("second")))
    with wide.servers["second"].inside():
        listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_SCTP)
    listening.bind(("0.0.0.0", PORT))
    listening.listen()
    listening.settimeout(PATIENCE_SECONDS)
    with wide.client.inside():
        asking = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_SCTP)
    asking.settimeout(PATIENCE_SECONDS)
    asking.connect((NAT_VIP, PORT))
    accepted, peer = listening.accept()
    assert peer[0] == asking.getsockname()[0]
    for one in (accepted, asking, listening):
        one.close()
    assert "__ip_vs_sctp_init" in Path("/proc/kallsyms").read_text(), "what docs/load-balancing.md tells to look for"


def test_sctp_that_no_service_has_is_refused_by_the_director(director: IpvsDirector, wide: PoolLab) -> None:
    director.reconcile(service(ServiceKey("SCTP", NAT_VIP, PORT + 1), server("second")))
    with wide.client.inside(), socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_SCTP) as asking:
        asking.settimeout(PATIENCE_SECONDS)
        with pytest.raises(ConnectionRefusedError):
            asking.connect((NAT_VIP, PORT))
