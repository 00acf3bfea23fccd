# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One virtual_router_id on two interfaces: each router talks and listens on its own (INT-02, INT-10)."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from netns.daemons import Daemon, instance
from netns.segment import DEVICE, VIP, Node, Segment
from netns.wire import GROUP_MAC, advert
from scapy.layers.inet import IP
from scapy.layers.l2 import Ether

from lab.waiting import wait_for

SIDE, SIDE_VIP = "side0", "198.51.100.10"
QUICK = {"advert_int": 0.3}


def add_side(segment: Segment) -> tuple[Node, Node]:
    """a and c have a second cable between them."""
    a, c = segment.node("a"), segment.node("c")
    a.ip(f"link add {SIDE} type veth peer name {SIDE} netns {c.namespace}")
    for number, node in ((1, a), (3, c)):
        node.ip(f"address add 198.51.100.{number}/24 dev {SIDE}")
        node.ip(f"link set {SIDE} up")
    return a, c


def both(a: Node, folder: Path) -> Daemon:
    side = instance(150, **QUICK, interface=SIDE, virtual_ipaddress=[f"{SIDE_VIP}/24"])
    daemon = Daemon(a, folder, VI_1=instance(150, **QUICK), VI_S=side).start()
    for name in ("VI_1", "VI_S"):
        daemon.await_state("MASTER", name=name)
    return daemon


@pytest.mark.conformance("INT-02", "INT-10")
def test_each_router_is_heard_on_its_own_interface_alone(segment: Segment, tmp_path: Path) -> None:
    a, c = add_side(segment)
    daemon = both(a, tmp_path)
    assert a.holds(VIP) and a.holds(SIDE_VIP)
    heard = {device: sources(c, device, daemon) for device in (DEVICE, SIDE)}
    assert heard == {DEVICE: {a.address}, SIDE: {"198.51.100.1"}}


def sources(node: Node, device: str, daemon: Daemon) -> set[str]:
    """Who sends adverts there, as a raw socket of that interface hears them."""
    with node.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0) as raw:
        raw.bind((device, 0x0800))
        raw.settimeout(0.2)
        found: set[str] = set()
        packets = 0

        def four_adverts() -> bool:
            nonlocal packets
            try:
                packet = IP(raw.recv(2048))
            except TimeoutError:
                return False
            if packet.proto == 112:
                packets += 1
                found.add(packet.src)
            return packets >= 4

        wait_for(four_adverts, 15, f"four adverts on {device}", evidence=daemon.evidence)
        return found


@pytest.mark.conformance_negative("INT-02", "INT-10")
def test_a_better_router_on_one_interface_moves_nobody_on_the_other(segment: Segment, tmp_path: Path) -> None:
    a, c = add_side(segment)
    daemon = both(a, tmp_path)
    before = daemon.status("VI_1")["counters"]["adverts_received"]
    with c.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as raw:
        raw.bind((SIDE, 0))
        raw.send(bytes(Ether(dst=GROUP_MAC) / advert("198.51.100.3", priority=254, adv=100)))
    daemon.await_state("BACKUP", name="VI_S")
    assert daemon.status("VI_1")["counters"]["adverts_received"] == before
    assert daemon.state() == "MASTER" and a.holds(VIP) and not a.holds(SIDE_VIP)
