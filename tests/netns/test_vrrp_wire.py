# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What leaves the daemon, judged by decoders no one here wrote; and what may come in without effect."""

from __future__ import annotations

import socket
import time
import typing as t
from pathlib import Path

import pytest
from netns.daemons import Daemon, instance
from netns.segment import DEVICE, VIP, Node, Segment
from netns.wire import GROUP, GROUP_MAC, Capture, advert, cut_to, injector
from scapy.layers.inet import IP
from scapy.layers.l2 import ARP, Ether
from scapy.layers.vrrp import VRRPv3

from lab.waiting import wait_for

QUICK = {"advert_int": 0.5}


def hardware_address(node: Node) -> str:
    return node.run("cat", f"/sys/class/net/{DEVICE}/address").stdout.strip()


@pytest.mark.conformance("PKT-11", "PKT-13", "PKT-14", "PKT-15", "TX-02", "TX-03", "TX-05", "NDP-02", "NDP-04")
def test_adverts_and_gratuitous_arp_are_decoded_without_fault(segment: Segment, tmp_path: Path) -> None:
    """And priority 0 at the end. Without a macvlan the MAC is the interface's own (PKT-15)."""
    capture = Capture(segment.node("c"), tmp_path, "ip proto 112 or arp")
    a = Daemon(segment.node("a"), tmp_path, VI_1=instance(150, **QUICK, garp_master_repeat=3, garp_master_delay=0))
    a.start().await_state("MASTER")
    wait_for(lambda: a.status()["counters"]["adverts_sent"] >= 2, 10, "two adverts", evidence=a.evidence)
    a.signal_and_await_end()
    capture.stop()

    packets = capture.packets()
    adverts = [packet for packet in packets if IP in packet and packet[IP].proto == 112]
    assert len(adverts) >= 3, capture.words()
    for packet in adverts:
        assert packet[Ether].dst == GROUP_MAC and packet[Ether].src == hardware_address(a.node)
        assert (packet[IP].src, packet[IP].dst) == (a.node.address, GROUP)
        assert (packet[IP].ttl, packet[IP].tos) == (255, 0xC0)
        message = packet[VRRPv3]
        assert (message.version, message.type, message.vrid, message.adv) == (3, 1, 51, 50)
        assert message.addrlist == [VIP]
    assert [packet[VRRPv3].priority for packet in adverts[-2:]] == [150, 0]
    announced = [packet for packet in packets if ARP in packet and packet[ARP].psrc == VIP]
    assert len(announced) == 3, capture.words()
    for packet in announced:
        assert packet[Ether].dst == "ff:ff:ff:ff:ff:ff"
        assert (packet[ARP].op, packet[ARP].pdst, packet[ARP].hwsrc) == (1, VIP, hardware_address(a.node))
    assert "bad vrrp cksum" not in capture.words()


def malformed(source: str) -> t.Iterator[tuple[str, t.Any]]:
    """Every kind of bad packet, with the counter it belongs to."""
    good = advert(source)
    for length in range(8):
        yield "truncated", cut_to(good, length)
    for length in range(8, 12):
        yield "length", cut_to(good, length)
    for ttl in (0, 1, 64, 254):
        yield "ttl", advert(source, ttl=ttl)
    yield "checksum", advert(source, chksum=0x1234)
    for version in (0, 2, 4, 15):
        yield "version", advert(source, version=version)
    for kind in (0, 2, 15):
        yield "type", advert(source, type=kind)
    for stranger in (0, 50, 52, 255):
        yield "virtual_router_id", advert(source, vrid=stranger)
    yield "address_count", advert(source, addrlist=[])
    yield "advert_int", advert(source, adv=0)
    yield "advert_int", advert(source, adv=0, priority=0)
    yield "source", advert("240.1.2.3")  # our own VIP as the source would not pass the kernel of the master


@pytest.mark.conformance_negative("PKT-13", "TX-02", "TX-03", "TX-05")
def test_malformed_packets_are_counted_by_reason_and_change_nothing(segment: Segment, tmp_path: Path) -> None:
    a = Daemon(segment.node("a"), tmp_path, VI_1=instance(150, **QUICK)).start()
    b = Daemon(segment.node("b"), tmp_path, VI_1=instance(100, **QUICK)).start()
    a.await_state("MASTER")
    b.await_state("BACKUP")
    wait_for(lambda: b.status()["master"] == a.node.address, 10, "b to know its master", evidence=b.evidence)
    before = {daemon: daemon.status() for daemon in (a, b)}
    expected: dict[str, int] = {}

    with injector(segment.node("c")) as send:
        for reason, packet in malformed(segment.node("c").address):
            send(packet)
            expected[reason] = expected.get(reason, 0) + 1

    for daemon, was in before.items():
        wait_for(
            lambda daemon=daemon: daemon.status()["counters"]["discarded"] == expected,
            10,
            f"{daemon.node.name} to count {expected}",
            evidence=lambda daemon=daemon: f"{daemon.status()['counters']}\n{daemon.evidence()}",
        )
        now = daemon.status()
        assert (now["state"], now["transitions"], now["master"]) == (was["state"], was["transitions"], was["master"])
    assert a.node.holds() and not b.node.holds()


def test_a_flood_of_bad_packets_is_logged_once_a_second_for_each_reason(segment: Segment, tmp_path: Path) -> None:
    a = Daemon(segment.node("a"), tmp_path, VI_1=instance(150, **QUICK)).start()
    a.await_state("MASTER")
    kinds = dict(malformed(segment.node("c").address))
    before, began = a.status(), time.monotonic()

    with injector(segment.node("c")) as send:
        for _count in range(50):
            for packet in kinds.values():
                send(packet)

    expected = dict.fromkeys(kinds, 50)
    wait_for(lambda: a.status()["counters"]["discarded"] == expected, 10, f"{expected} counted", evidence=a.evidence)
    periods = int(time.monotonic() - began) + 1
    lines = [line for line in a.log.read_text().splitlines() if "discarded a packet" in line]
    assert len(kinds) <= len(lines) <= len(kinds) * periods, "\n".join(lines)
    now = a.status()
    assert (now["state"], now["transitions"], now["master"]) == ("MASTER", before["transitions"], before["master"])
    assert a.node.holds()


def test_a_good_packet_of_a_better_router_does_take_the_address(segment: Segment, tmp_path: Path) -> None:
    """The counterpart of the bad ones: the same packet without a fault is heard."""
    a = Daemon(segment.node("a"), tmp_path, VI_1=instance(150, **QUICK)).start()
    a.await_state("MASTER")

    with injector(segment.node("c")) as send:
        send(advert(segment.node("c").address, adv=50))

    wait_for(lambda: not a.node.holds(), 10, "a to yield", evidence=a.evidence)
    wait_for(lambda: "advertises priority 200" in a.log.read_text(), 10, "the reason", evidence=a.evidence)


@pytest.mark.conformance("TX-04")
@pytest.mark.conformance_negative("TX-04")
@pytest.mark.fault("F47")
def test_a_blocked_output_is_told_and_the_lease_lets_go(segment: Segment, tmp_path: Path) -> None:
    """TX-04: nobody hears this master, so it must not keep the addresses."""
    a = Daemon(segment.node("a"), tmp_path, VI_1=instance(150, **QUICK)).start()
    a.await_state("MASTER")
    chain = "type filter hook output priority 0; ip protocol 112 drop"
    assert a.node.run("nft", f"table ip t {{ chain o {{ {chain}; }}; }}").rc == 0

    wait_for(lambda: not a.node.holds(), 10, "the lease to end", evidence=a.evidence)
    problem = wait_for(lambda: a.status()["problems"], 10, "the problem to be shown", evidence=a.evidence)
    assert "adverts cannot be sent on eth0: Operation not permitted" in problem[0]

    assert a.node.run("nft", "delete table ip t").rc == 0
    wait_for(a.node.holds, 10, "the address to be back", evidence=a.evidence)
    assert a.state() == "MASTER"


def arp_request(node: Node, address: str) -> t.Any:
    return Ether(src=hardware_address(node), dst="ff:ff:ff:ff:ff:ff") / ARP(
        op=1, hwsrc=hardware_address(node), psrc=node.address, pdst=address
    )


@pytest.mark.conformance("NDP-07", "FSM-04", "FSM-11")
@pytest.mark.conformance_negative("NDP-07")
def test_the_master_answers_for_the_address_and_the_backup_never_does(segment: Segment, tmp_path: Path) -> None:
    a = Daemon(segment.node("a"), tmp_path, VI_1=instance(150, **QUICK)).start()
    b = Daemon(segment.node("b"), tmp_path, VI_1=instance(100, **QUICK)).start()
    a.await_state("MASTER")
    b.await_state("BACKUP")
    asker = segment.node("c")
    capture = Capture(asker, tmp_path, "arp")
    with asker.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as raw:
        raw.bind((DEVICE, 0))
        for _count in range(3):
            raw.send(bytes(arp_request(asker, VIP)))

    def answers() -> list[str]:
        return [one[ARP].hwsrc for one in capture.packets() if one[ARP].op == 2 and one[ARP].psrc == VIP]

    wait_for(lambda: len(answers()) >= 3, 10, "three answers", evidence=capture.words)
    capture.stop()
    assert set(answers()) == {hardware_address(a.node)}


@pytest.mark.conformance("NDP-10")
def test_the_group_is_joined_at_the_start_and_again_when_the_link_is_back(segment: Segment, tmp_path: Path) -> None:
    capture = Capture(segment.node("c"), tmp_path, "igmp or (ip6[6] = 0 and ip6[48] = 143)")
    addresses = ["fe80::51/64", "2001:db8::51/64"]
    a = Daemon(segment.node("a"), tmp_path, VI_1=instance(150), VI_6=instance(150, virtual_ipaddress=addresses))
    a.start().await_state("MASTER")

    def joins() -> tuple[int, int]:
        words = capture.words()
        return words.count("[gaddr 224.0.0.18"), words.count("[gaddr ff02::12")

    wait_for(lambda: min(joins()) >= 1, 10, "both groups to be joined", evidence=capture.words)
    before = joins()
    a.node.ip(f"link set {DEVICE} down")
    a.await_state("FAULT")
    a.node.ip(f"link set {DEVICE} up")
    wait_for(lambda: all(now > was for now, was in zip(joins(), before)), 10, "a new join", evidence=capture.words)
    capture.stop()


@pytest.mark.conformance("NDP-12")
def test_a_lesser_master_is_answered_with_an_advert_and_a_burst(segment: Segment, tmp_path: Path) -> None:
    options = {**QUICK, "garp_master_repeat": 1, "garp_master_delay": 0}
    options |= {"garp_lower_prio_repeat": 3, "garp_lower_prio_delay": 0}
    a = Daemon(segment.node("a"), tmp_path, VI_1=instance(150, **options)).start()
    a.await_state("MASTER")
    capture = Capture(segment.node("c"), tmp_path, "arp")
    with injector(segment.node("c")) as send:
        send(advert(segment.node("c").address, priority=50, adv=50))

    def announced() -> int:
        return sum(1 for one in capture.packets() if one[ARP].psrc == VIP == one[ARP].pdst)

    wait_for(lambda: announced() >= 3, 10, "three announcements", evidence=capture.words)
    capture.stop()
    assert announced() == 3 and a.state() == "MASTER"
