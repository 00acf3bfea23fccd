# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Adverts to peers one by one, to other groups and from other addresses; a third host's are not believed."""

from __future__ import annotations

from pathlib import Path

import pytest
from netns.daemons import Daemon, Document, instance
from netns.segment import DEVICE, VIP, Segment
from netns.wire import Capture, advert, injector
from scapy.layers.inet import IP
from scapy.layers.l2 import ARP, Ether

from lab.waiting import wait_for

QUICK = {"advert_int": 0.5}
BROADCAST = "ff:ff:ff:ff:ff:ff"


def unicast(priority: int, *peers: object, **options: object) -> Document:
    return instance(priority, **{**QUICK, "unicast_peer": list(peers), **options})


def pair(segment: Segment, folder: Path, **options: object) -> tuple[Daemon, Daemon]:
    """A master of priority 150 and a backup of priority 100 that talk to each other alone."""
    first, second = segment.node("a"), segment.node("b")
    a = Daemon(first, folder, VI_1=unicast(150, second.address, **options)).start()
    a.await_state("MASTER")
    b = Daemon(second, folder, VI_1=unicast(100, first.address, **options)).start()
    b.await_state("BACKUP")
    wait_for(lambda: b.status()["master"] == first.address, 10, "b to know its master", evidence=b.evidence)
    return a, b


@pytest.mark.conformance("RX-19", "RX-20", "TX-02", "PKT-14")
def test_a_pair_without_multicast_elects_and_hands_over(segment: Segment, tmp_path: Path) -> None:
    capture = Capture(segment.node("c"), tmp_path, "ip proto 112 or igmp")
    on_b = Capture(segment.node("b"), tmp_path, "ip proto 112")
    a, b = pair(segment, tmp_path, unicast_ttl=64)
    assert a.node.holds() and not b.node.holds()

    a.signal_and_await_end()
    b.await_state("MASTER")
    assert b.status()["counters"]["priority_zero_received"] == 1
    capture.stop()
    on_b.stop()

    groups = [packet for packet in capture.packets() if IP in packet and packet[IP].proto == 112]
    assert groups == [], "not one advert to the group"
    adverts = [packet for packet in on_b.packets() if packet[IP].src == a.node.address]
    assert adverts and {(packet[IP].dst, packet[IP].ttl, packet[IP].tos) for packet in adverts} == {
        (b.node.address, 64, 0xC0)
    }
    assert "bad vrrp cksum" not in on_b.words()


@pytest.mark.conformance_negative("RX-19", "RX-20")
def test_a_third_host_is_not_believed_and_there_is_no_way_back_to_multicast(segment: Segment, tmp_path: Path) -> None:
    a, b = pair(segment, tmp_path)
    stranger = segment.node("c").address
    before = a.status()

    with injector(segment.node("c"), BROADCAST) as send:
        spoof = advert(stranger, priority=254, adv=50)
        spoof[IP].dst = a.node.address
        send(spoof)
    with injector(segment.node("c")) as send:
        send(advert(b.node.address, priority=254, adv=50))

    # The group's packet is not even received: nobody here has joined it.
    expected = {"unicast_peer": 1}
    evidence = lambda: f"{a.status()['counters']}\n{a.evidence()}"  # noqa: E731
    wait_for(lambda: a.status()["counters"]["discarded"] == expected, 10, f"{expected}", evidence=evidence)
    now = a.status()
    assert (now["state"], now["transitions"]) == ("MASTER", before["transitions"]) and a.node.holds()

    b.signal_and_await_end()
    sent = a.status()["counters"]["adverts_sent"]
    capture = Capture(segment.node("c"), tmp_path, "ip proto 112")
    wait_for(lambda: a.status()["counters"]["adverts_sent"] >= sent + 4, 10, "four adverts", evidence=a.evidence)
    capture.stop()
    assert len(capture.packets()) == 0, "without its peer it still talks to nobody else"


@pytest.mark.conformance_negative("RX-19")
def test_who_has_no_peers_does_not_heed_what_is_sent_to_it_alone(segment: Segment, tmp_path: Path) -> None:
    a = Daemon(segment.node("a"), tmp_path, VI_1=instance(150, **QUICK)).start()
    a.await_state("MASTER")
    with injector(segment.node("c"), BROADCAST) as send:
        alone = advert(segment.node("c").address, priority=254, adv=50)
        alone[IP].dst = a.node.address
        del alone[IP].chksum
        send(alone)
    wait_for(lambda: a.status()["counters"]["discarded"] == {"destination": 1}, 10, "it", evidence=a.evidence)
    assert a.state() == "MASTER" and a.node.holds()


def test_a_peer_s_ttl_range_counts(segment: Segment, tmp_path: Path) -> None:
    """RX-04."""
    first, second = segment.node("a"), segment.node("b")
    near = {"address": second.address, "min_ttl": 254}
    a = Daemon(first, tmp_path, VI_1=unicast(150, near)).start()
    b = Daemon(second, tmp_path, VI_1=unicast(200, first.address, unicast_ttl=64)).start()
    b.await_state("MASTER")
    a.await_state("MASTER")  # it discards what came too far
    wait_for(lambda: a.status()["counters"]["discarded"].get("ttl", 0) >= 3, 10, "discards", evidence=a.evidence)

    b.write(VI_1=unicast(200, first.address, unicast_ttl=255))
    assert b.ask("reload")["ok"]
    a.await_state("BACKUP")


def test_ipv6_peers_elect_without_multicast(segment: Segment, tmp_path: Path) -> None:
    nodes = [segment.node(name) for name in "ab"]
    for number, node in enumerate(nodes, 1):
        node.ip(f"address add 2001:db8::{number}/64 dev {DEVICE}")
    vips = {"virtual_ipaddress": ["fe80::51/64", "2001:db8::51/64"]}
    a = Daemon(nodes[0], tmp_path, VI_1=unicast(150, "2001:db8::2", **vips)).start()
    a.await_state("MASTER")
    b = Daemon(nodes[1], tmp_path, VI_1=unicast(100, "2001:db8::1", **vips)).start()
    b.await_state("BACKUP")
    wait_for(lambda: b.status()["master"] == "2001:db8::1", 10, "b to know its master", evidence=b.evidence)

    a.signal_and_await_end()
    b.await_state("MASTER")
    assert b.node.holds("2001:db8::51")


def test_one_machine_serves_peers_a_group_and_another_group_on_one_interface(segment: Segment, tmp_path: Path) -> None:
    """The same id in two groups is two routers; what one socket hears is never another router's stranger."""
    first, second = segment.node("a"), segment.node("b")

    def instances(priority: int, peer: str, source: str) -> dict[str, Document]:
        return {
            "usual": instance(priority, **QUICK),
            "other": instance(priority, **QUICK, mcast_dst_ip="224.0.0.99", virtual_ipaddress=["192.0.2.11/24"]),
            "peers": unicast(priority, peer, virtual_router_id=60, virtual_ipaddress=["192.0.2.12/24"]),
            "source": instance(
                priority, **QUICK, virtual_router_id=61, mcast_src_ip=source, virtual_ipaddress=["192.0.2.13/24"]
            ),
        }

    for number, node in ((101, first), (102, second)):
        node.ip(f"address add 192.0.2.{number}/24 dev {DEVICE}")
    a = Daemon(first, tmp_path, **instances(150, second.address, "192.0.2.101")).start()
    b = Daemon(second, tmp_path, **instances(100, first.address, "192.0.2.102")).start()
    for name in ("usual", "other", "peers", "source"):
        a.await_state("MASTER", name=name)
        b.await_state("BACKUP", name=name)
    wait_for(lambda: b.status("source")["master"] == "192.0.2.101", 10, "the source", evidence=b.evidence)
    for name in ("usual", "other", "peers", "source"):
        assert b.status(name)["counters"]["discarded"] == {}, name
        assert a.status(name)["counters"]["discarded"] == {}, name


@pytest.mark.conformance("RX-21")
@pytest.mark.fault("F39")
def test_two_routers_with_one_address_are_told_and_only_one_stays_master(segment: Segment, tmp_path: Path) -> None:
    """F39: each kernel drops the other's adverts, as they come from an address of its own."""
    first, second = segment.node("a"), segment.node("b")
    second.ip(f"address delete {second.address}/24 dev {DEVICE}")
    second.ip(f"address add {first.address}/24 dev {DEVICE}")
    a = Daemon(first, tmp_path, VI_1=instance(100, **QUICK)).start()
    b = Daemon(second, tmp_path, VI_1=instance(100, **QUICK)).start()

    def told() -> list[str]:
        return [problem for daemon in (a, b) for problem in daemon.status()["problems"]]

    wait_for(lambda: any("is our own address" in problem for problem in told()), 15, "an alarm", evidence=a.evidence)
    wait_for(lambda: {a.state(), b.state()} == {"MASTER", "BACKUP"}, 15, "one master", evidence=b.evidence)
    master, backup = (a, b) if a.state() == "MASTER" else (b, a)
    assert master.node.holds() and not backup.node.holds()
    assert backup.status()["counters"]["adverts_received"] > 0


@pytest.mark.conformance_negative("RX-21")
def test_a_sound_segment_shows_no_conflict(segment: Segment, tmp_path: Path) -> None:
    a, b = pair(segment, tmp_path)
    sent = a.status()["counters"]["adverts_sent"]
    wait_for(lambda: a.status()["counters"]["adverts_sent"] >= sent + 4, 10, "four adverts", evidence=a.evidence)
    assert a.status()["problems"] == [] == b.status()["problems"]


@pytest.mark.conformance("NDP-04")
def test_announcements_keep_the_gap_of_their_interface(segment: Segment, tmp_path: Path) -> None:
    capture = Capture(segment.node("c"), tmp_path, "arp")
    vips = [f"192.0.2.{number}/24" for number in range(20, 25)]
    options = {**QUICK, "virtual_ipaddress": vips, "garp_master_repeat": 2, "garp_master_delay": 0}
    a = Daemon(segment.node("a"), tmp_path)
    a.write_document(global_defs={"vrrp_garp_interval": 0.05}, vrrp_instances={"VI_1": instance(150, **options)})
    a.start().await_state("MASTER")

    def announced() -> list[tuple[float, str]]:
        return [(float(one.time), one[ARP].psrc) for one in capture.packets() if one[ARP].psrc == one[ARP].pdst]

    wait_for(lambda: len(announced()) >= 10, 10, "ten announcements", evidence=capture.words)
    capture.stop()
    times = [at for at, _address in announced()]
    assert [address for _at, address in announced()] == [vip.partition("/")[0] for vip in vips] * 2
    assert min(later - earlier for earlier, later in zip(times, times[1:])) > 0.04
    assert {packet[Ether].dst for packet in capture.packets()} == {BROADCAST}


def test_a_new_label_scope_and_broadcast_reach_the_kernel_at_a_reload(segment: Segment, tmp_path: Path) -> None:
    a = Daemon(segment.node("a"), tmp_path, VI_1=instance(150, **QUICK)).start()
    a.await_state("MASTER")
    transitions = a.status()["transitions"]
    assert "scope global" in a.node.shown(VIP) and "eth0:v" not in a.node.shown(VIP), a.node.shown(VIP)

    a.write(VI_1=instance(150, **QUICK, virtual_ipaddress=[f"{VIP}/24 brd + label eth0:v preferred_lft 0"]))
    assert a.ask("reload")["ok"]
    wait_for(lambda: "eth0:v" in a.node.shown(VIP), 5, "the label", evidence=a.evidence)
    shown = a.node.shown(VIP)
    assert "brd 192.0.2.255 scope global" in shown and "deprecated" in shown, shown

    a.write(VI_1=instance(150, **QUICK, virtual_ipaddress=[f"{VIP}/32 scope link"]))
    assert a.ask("reload")["ok"]
    wait_for(lambda: f"{VIP}/32 scope link" in a.node.shown(VIP), 5, "the scope", evidence=a.evidence)
    assert (a.state(), a.status()["transitions"], a.status()["problems"]) == ("MASTER", transitions, [])


def test_a_scope_that_the_kernel_does_not_take_is_a_problem_with_its_remedy(segment: Segment, tmp_path: Path) -> None:
    vips = [f"{VIP}/24 scope link"]
    a = Daemon(segment.node("a"), tmp_path, VI_1=instance(150, **QUICK, virtual_ipaddress=vips)).start()
    a.await_state("MASTER")
    problem = wait_for(lambda: a.status()["problems"], 5, "the problem", evidence=a.evidence)
    assert problem == [
        f"{VIP}/24 cannot be put on {DEVICE}: Invalid argument; "
        "see the prefix length, the label and the scope, which is one for all addresses of a network"
    ]
    assert "somebody removed" not in a.log.read_text()


def test_excluded_addresses_move_along_without_being_advertised(segment: Segment, tmp_path: Path) -> None:
    capture = Capture(segment.node("c"), tmp_path, "ip proto 112 or arp")
    options = {**QUICK, "virtual_ipaddress_excluded": ["192.0.2.77/24", "2001:db8::77/64"]}
    a = Daemon(segment.node("a"), tmp_path, VI_1=instance(150, **options)).start()
    a.await_state("MASTER")
    wait_for(lambda: a.node.holds("192.0.2.77") and a.node.holds("2001:db8::77"), 5, "both", evidence=a.evidence)
    a.signal_and_await_end()
    capture.stop()

    assert not any(a.node.holds(address) for address in (VIP, "192.0.2.77", "2001:db8::77"))
    packets = capture.packets()
    assert {len(one[IP].payload) for one in packets if IP in one} == {12}, "one address in each advert"
    assert "192.0.2.77" in {one[ARP].psrc for one in packets if ARP in one}


KEYS = {"keys": [{"id": 1, "key": "hex:" + "5a" * 32}], "active_key": 1}
OTHER_KEYS = {"keys": [{"id": 1, "key": "hex:" + "a5" * 32}], "active_key": 1}
FAMILIES = {"IPv4": [f"{VIP}/24"], "IPv6": ["fe80::51/64", "2001:db8::51/64"]}


@pytest.mark.parametrize("vips", FAMILIES.values(), ids=FAMILIES)
def test_signed_adverts_elect_and_another_key_is_not_believed(
    segment: Segment, tmp_path: Path, vips: list[str]
) -> None:
    options = {**QUICK, "virtual_ipaddress": vips}
    a = Daemon(segment.node("a"), tmp_path, VI_1=instance(150, **options, auth_hmac=KEYS)).start()
    a.await_state("MASTER")
    b = Daemon(segment.node("b"), tmp_path, VI_1=instance(100, **options, auth_hmac=KEYS)).start()
    b.await_state("BACKUP")
    wait_for(lambda: b.status()["counters"]["adverts_received"] >= 4, 10, "four adverts", evidence=b.evidence)
    assert b.status()["counters"]["discarded"] == {} and b.state() == "BACKUP"

    c = Daemon(segment.node("c"), tmp_path, VI_1=instance(200, **options, auth_hmac=OTHER_KEYS)).start()
    c.await_state("MASTER")
    for daemon in (a, b):
        counted = lambda daemon=daemon: daemon.status()["counters"]["discarded"].get("auth_hmac", 0) >= 2  # noqa: E731
        wait_for(counted, 10, f"{daemon.node.name} to discard what c signs", evidence=daemon.evidence)
    wait_for(lambda: c.status()["problems"], 10, "c to tell whom it discards", evidence=c.evidence)
    for daemon in (a, b, c):
        (problem,) = daemon.status()["problems"]
        assert problem.endswith("the signature with key 1 is wrong: give this key the same secret on all routers")
    assert (a.state(), b.state()) == ("MASTER", "BACKUP")
    assert not any("5a5a" in daemon.log.read_text() for daemon in (a, b, c))
