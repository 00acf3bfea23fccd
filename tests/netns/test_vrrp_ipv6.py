# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""VRRP version 3 over IPv6: election, failover, what is on the wire, and what is discarded."""

from __future__ import annotations

import signal
import socket
from pathlib import Path

import pytest
from netns.address_watch import AddressWatch
from netns.daemons import Daemon, Document, instance
from netns.segment import DEVICE, Segment
from netns.wire import GROUP_V6, GROUP_V6_MAC, Capture, advert_v6, injector
from scapy.layers.inet6 import ICMPv6ND_NA, ICMPv6NDOptDstLLAddr, IPv6
from scapy.layers.l2 import Ether

from lab.waiting import wait_for

LINK_LOCAL = "fe80::51"
VIP = "2001:db8::51"
ADDRESSES = [f"{LINK_LOCAL}/64", f"{VIP}/128"]


def ipv6_instance(priority: int, **options: object) -> Document:
    return instance(priority, **{"virtual_ipaddress": ADDRESSES, "advert_int": 0.5, **options})


def pair(segment: Segment, folder: Path, **options: object) -> tuple[Daemon, Daemon]:
    """A master of priority 150 and a backup of priority 100, settled."""
    a = Daemon(segment.node("a"), folder, VI_1=ipv6_instance(150, **options)).start()
    a.await_state("MASTER")
    b = Daemon(segment.node("b"), folder, VI_1=ipv6_instance(100, **options)).start()
    b.await_state("BACKUP")
    return a, b


@pytest.mark.conformance("PKT-10", "PKT-13", "PKT-14", "TX-02", "TX-03", "NDP-03", "NDP-04")
def test_adverts_and_neighbour_advertisements_are_decoded_without_fault(segment: Segment, tmp_path: Path) -> None:
    capture = Capture(segment.node("c"), tmp_path, "ip6")
    a = Daemon(segment.node("a"), tmp_path, VI_1=ipv6_instance(150, garp_master_repeat=3, garp_master_delay=0))
    a.start().await_state("MASTER")
    wait_for(lambda: a.status()["counters"]["adverts_sent"] >= 2, 10, "two adverts", evidence=a.evidence)
    own, mac = a.node.link_local, a.node.run("cat", f"/sys/class/net/{DEVICE}/address").stdout.strip()
    a.signal_and_await_end()
    capture.stop()

    packets = capture.packets()
    adverts = [packet for packet in packets if IPv6 in packet and packet[IPv6].nh == 112]
    assert len(adverts) >= 3, capture.words()
    for packet in adverts:
        assert (packet[Ether].dst, packet[Ether].src) == (GROUP_V6_MAC, mac)
        header = packet[IPv6]
        assert (header.src, header.dst, header.hlim, header.tc) == (own, GROUP_V6, 255, 0xC0)
        sent = bytes(header)[40:]
        again = advert_v6(own, [LINK_LOCAL, VIP], priority=sent[2], adv=50)
        assert sent == bytes(again)[40:], "the bytes and the checksum that scapy makes"
    assert [bytes(packet[IPv6])[42] for packet in adverts[-2:]] == [150, 0]
    words = capture.words()
    assert "VRRPv3" in words and "bad vrrp cksum" not in words

    announced = [packet for packet in packets if ICMPv6ND_NA in packet and packet[IPv6].dst == "ff02::1"]
    told = [packet for packet in announced if packet[ICMPv6ND_NA].tgt in (LINK_LOCAL, VIP)]
    assert [packet[ICMPv6ND_NA].tgt for packet in told] == [LINK_LOCAL, VIP] * 3, words
    for packet in told:
        assert (packet[ICMPv6ND_NA].R, packet[ICMPv6ND_NA].S, packet[ICMPv6ND_NA].O) == (1, 0, 1)
        assert (packet[IPv6].hlim, packet[ICMPv6NDOptDstLLAddr].lladdr, packet[Ether].src) == (255, mac, mac)
    assert "bad icmp6 cksum" not in words


@pytest.mark.conformance("NDP-08", "PKT-14")
def test_the_higher_priority_becomes_master_and_holds_the_addresses_alone(segment: Segment, tmp_path: Path) -> None:
    a, b = pair(segment, tmp_path)

    wait_for(lambda: b.status()["master"] == a.node.link_local, 10, "b to know its master", evidence=b.evidence)
    assert a.status()["addresses_held"] == ADDRESSES and b.status()["addresses_held"] == []
    for address in (LINK_LOCAL, VIP):
        shown = a.node.shown(address)
        assert "nodad" in shown and "tentative" not in shown, shown
    assert "deprecated" in a.node.shown(VIP), "a /128 is never chosen as a source"
    assert "deprecated" not in a.node.shown(LINK_LOCAL)
    with b.node.socket(socket.AF_INET6, socket.SOCK_DGRAM) as client:
        client.settimeout(10)
        with b.node.inside():
            client.connect((LINK_LOCAL, 9, 0, socket.if_nametoindex(DEVICE)))
        client.send(b"anybody?")
        with pytest.raises(ConnectionRefusedError):  # it answers, and nobody listens there
            client.recv(100)


def test_sigterm_hands_over_and_a_killed_master_loses_its_addresses_first(segment: Segment, tmp_path: Path) -> None:
    a, b = pair(segment, tmp_path)
    a.signal_and_await_end()
    b.await_state("MASTER")
    assert b.status()["counters"]["priority_zero_received"] == 1
    assert b.node.holds(VIP) and not a.node.holds(VIP)

    a.start()
    a.await_state("MASTER")
    b.await_state("BACKUP")
    with AddressWatch([a.node, b.node], VIP) as watch:
        a.node.kill_all()
        b.await_state("MASTER")
        wait_for(lambda: b.node.holds(VIP), 5, "b to hold the address", evidence=b.evidence)
        assert not a.node.holds(VIP)
        assert watch.both_held(a.node, b.node) == 0, (watch.holdings(a.node), watch.holdings(b.node))


def test_carrier_loss_is_a_fault_and_without_a_link_local_address_it_says_so(segment: Segment, tmp_path: Path) -> None:
    a, b = pair(segment, tmp_path)
    a.node.cut()
    a.await_state("FAULT")
    b.await_state("MASTER")
    a.node.heal()
    a.await_state("MASTER")

    a.node.ip(f"address delete {a.node.link_local}/64 dev {DEVICE}")
    a.await_state("FAULT")
    assert a.status()["problems"] == [f"no link-local IPv6 address on {DEVICE} to send from, apart from virtual ones"]
    assert not a.node.holds(VIP)


@pytest.mark.conformance_negative("PKT-10", "PKT-13", "PKT-14", "NDP-03")
def test_what_does_not_come_from_the_link_or_is_malformed_changes_nothing(segment: Segment, tmp_path: Path) -> None:
    a, _b = pair(segment, tmp_path)
    stranger = segment.node("c")
    wait_for(lambda: stranger.link_local, 10, "c to have a link-local address")
    before = a.status()
    source, good = stranger.link_local, [LINK_LOCAL, VIP]

    with injector(stranger, GROUP_V6_MAC) as send:
        send(advert_v6(source, good, hlim=254))
        send(advert_v6(source, good, hlim=1))
        send(advert_v6("2001:db8::99", good))
        send(advert_v6(source, good, version=2))
        send(advert_v6(source, [VIP, LINK_LOCAL]))
        send(advert_v6(source, good, adv=0))
        send(advert_v6(source, good, ipcount=1))
        corrupted = bytearray(bytes(advert_v6(source, good)))
        corrupted[46] ^= 0x55
        send(IPv6(bytes(corrupted)))

    expected = {
        "advert_int": 1, "checksum": 1, "length": 1, "link_local_first": 1, "source": 1, "ttl": 2, "version": 1,
    }  # fmt: skip
    wait_for(
        lambda: a.status()["counters"]["discarded"] == expected,
        10,
        f"a to count {expected}",
        evidence=lambda: f"{a.status()['counters']}\n{a.evidence()}",
    )
    now = a.status()
    assert (now["state"], now["transitions"], now["master"]) == ("MASTER", before["transitions"], before["master"])

    with injector(stranger, GROUP_V6_MAC) as send:  # the counterpart: without a fault it is heard
        send(advert_v6(source, good, adv=50))
    wait_for(lambda: not a.node.holds(VIP), 10, "a to yield", evidence=a.evidence)


@pytest.mark.conformance_negative("NDP-08")
@pytest.mark.fault("F45")
def test_an_address_that_failed_duplicate_address_detection_is_repaired(segment: Segment, tmp_path: Path) -> None:
    """Somebody puts our address there by hand, another machine has it: the kernel would never use it again."""
    a = Daemon(segment.node("a"), tmp_path, VI_1=ipv6_instance(150, vip_lease=0)).start()
    a.await_state("MASTER")
    segment.node("c").ip(f"address add {VIP}/128 dev {DEVICE} nodad")
    a.node.signal_all(signal.SIGSTOP)
    a.node.ip(f"address delete {VIP}/128 dev {DEVICE}")
    a.node.ip(f"address add {VIP}/128 dev {DEVICE}")
    wait_for(lambda: "dadfailed" in a.node.shown(VIP), 15, "duplicate address detection to fail")
    a.node.signal_all(signal.SIGCONT)

    def repaired() -> bool:
        shown = a.node.shown(VIP)
        return "nodad" in shown and "dadfailed" not in shown

    wait_for(repaired, 15, "the address to be usable again", evidence=a.evidence)
    assert any("duplicate address detection failed" in problem for problem in a.status()["problems"])
    a.await_state("MASTER")


def test_ipv4_and_ipv6_with_one_id_are_two_routers_on_one_interface(segment: Segment, tmp_path: Path) -> None:
    """INT-01."""
    both = {"VI_4": instance(150, advert_int=0.5), "VI_6": ipv6_instance(100)}
    crossed = {"VI_4": instance(100, advert_int=0.5), "VI_6": ipv6_instance(150)}
    a = Daemon(segment.node("a"), tmp_path, **both).start()
    b = Daemon(segment.node("b"), tmp_path, **crossed).start()

    for daemon, states in ((a, ("MASTER", "BACKUP")), (b, ("BACKUP", "MASTER"))):
        daemon.await_state(states[0], name="VI_4")
        daemon.await_state(states[1], name="VI_6")
    assert a.node.holds() and not a.node.holds(VIP) and b.node.holds(VIP) and not b.node.holds()
    assert a.status("VI_4")["counters"]["discarded"] == {} == b.status("VI_6")["counters"]["discarded"]
