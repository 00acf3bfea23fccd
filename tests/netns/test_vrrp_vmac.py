# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""use_vmac: the addresses have one MAC, whoever is master, and nobody ever hears another."""

from __future__ import annotations

import socket
import typing as t
from pathlib import Path

import pytest
from netns.daemons import Daemon, Document, instance
from netns.reach import asked, exchanged, mac_of, pings, remembered, resolved
from netns.segment import DEVICE, VIP, Node, Segment
from netns.test_release import release
from netns.wire import Capture
from scapy.layers.inet import ICMP, IP
from scapy.layers.inet6 import ICMPv6ND_NA, ICMPv6ND_RA, ICMPv6NDOptDstLLAddr, ICMPv6NDOptPrefixInfo, IPv6
from scapy.layers.l2 import ARP, Ether

from lab.network import ip
from lab.waiting import wait_for

MAC4, MAC6 = "00:00:5e:00:01:33", "00:00:5e:00:02:33"
NAME4, NAME6 = "vrrp.51", "vrrp6.51"
VIP6 = "2001:db8::51"
ADDRESSES6 = ["fe80::51/64", f"{VIP6}/64"]
FAMILIES = pytest.mark.parametrize(("vip", "mac", "name"), [(VIP, MAC4, NAME4), (VIP6, MAC6, NAME6)], ids=["4", "6"])


def vmac(priority: int, vip: str = VIP, **options: object) -> Document:
    addresses = {"virtual_ipaddress": ADDRESSES6} if ":" in vip else {}
    return instance(priority, **{"use_vmac": True, "advert_int": 0.2, **addresses, **options})


def master(segment: Segment, folder: Path, vip: str = VIP, priority: int = 150, **options: object) -> Daemon:
    daemon = Daemon(segment.node("a"), folder, VI_1=vmac(priority, vip, **options)).start()
    daemon.await_state("MASTER")
    return daemon


def pair(segment: Segment, folder: Path, vip: str = VIP, **options: object) -> tuple[Daemon, Daemon]:
    a = master(segment, folder, vip, **options)
    b = Daemon(segment.node("b"), folder, VI_1=vmac(100, vip, **options)).start()
    b.await_state("BACKUP")
    return a, b


def third(segment: Segment) -> Node:
    """A host of both families, that has only just come."""
    c = segment.node("c")
    c.ip(f"address add 2001:db8::3/64 dev {DEVICE} nodad")
    wait_for(lambda: c.link_local and "tentative" not in c.shown(c.link_local), 10, "c to have its address")
    return c


def link(node: Node, name: str = NAME4) -> str:
    """What ip(8) shows of a link, "" when there is none."""
    return node.run("ip", "-oneline", "-details", "link", "show", "dev", name).stdout


def is_up(node: Node, name: str = NAME4) -> bool:
    return ",UP" in link(node, name)


def setting(node: Node, name: str, device: str = DEVICE) -> str:
    return node.run("cat", f"/proc/sys/net/ipv4/conf/{device}/{name}").stdout.strip()


@pytest.mark.conformance("NDP-01", "NDP-05", "NDP-07")
@FAMILIES
def test_a_third_host_knows_one_mac_before_and_after_a_failover(
    segment: Segment, tmp_path: Path, vip: str, mac: str, name: str
) -> None:
    c = third(segment)
    a, b = pair(segment, tmp_path, vip)
    assert resolved(c, vip) == mac
    assert asked(c, vip) == {mac}, "neither the interface below nor the backup answers"
    assert pings(c, vip, mac)

    a.node.kill_all()
    b.await_state("MASTER")
    wait_for(lambda: not a.node.holds(vip), 10, "the lease to end")

    assert remembered(c, vip) == mac
    assert asked(c, vip) == {mac}
    assert pings(c, vip, mac)
    assert mac_of(b.node, name) == mac


@pytest.mark.conformance_negative("NDP-01", "NDP-05")
def test_without_use_vmac_the_mac_changes_with_the_master(segment: Segment, tmp_path: Path) -> None:
    c = third(segment)
    a, b = pair(segment, tmp_path, use_vmac=False)
    assert asked(c, VIP) == {mac_of(a.node)}
    a.signal_and_await_end()
    b.await_state("MASTER")
    assert asked(c, VIP) == {mac_of(b.node)}


@pytest.mark.conformance("PKT-15")
@pytest.mark.parametrize("base", [False, True])
@FAMILIES
def test_adverts_come_from_the_virtual_mac_or_with_xmit_base_from_the_interface(
    segment: Segment, tmp_path: Path, vip: str, mac: str, name: str, base: bool
) -> None:
    capture = Capture(third(segment), tmp_path, "proto 112 or ip6 proto 112")
    a, b = pair(segment, tmp_path, vip, vmac_xmit_base=base)
    wait_for(lambda: len(capture.packets()) > 5, 10, "adverts", evidence=a.evidence)
    a.signal_and_await_end()
    b.await_state("MASTER")
    own = a.node.link_local if ":" in vip else a.node.address

    adverts = [packet for packet in capture.packets() if packet[IPv6 if ":" in vip else IP].src == own]
    assert {packet.src for packet in adverts} == {mac_of(a.node) if base else mac}
    assert bytes(adverts[-1][IPv6 if ":" in vip else IP].payload)[2] == 0, "the farewell, too"
    assert a.node.run("ip", "link", "show", name).rc != 0
    assert b.status()["counters"]["send_failures"] == 0


@pytest.mark.conformance_negative("PKT-15")
def test_the_first_advert_of_a_new_master_leaves_although_its_macvlan_was_down(
    segment: Segment, tmp_path: Path
) -> None:
    capture = Capture(third(segment), tmp_path, f"proto 112 and ether src {MAC4}")
    daemon = Daemon(segment.node("a"), tmp_path, VI_1=vmac(150)).start()
    assert not is_up(daemon.node)
    daemon.await_state("MASTER")
    wait_for(lambda: len(capture.packets()) > 2, 10, "adverts", evidence=daemon.evidence)
    counters = daemon.status()["counters"]
    assert counters["send_failures"] == 0
    assert counters["adverts_sent"] >= len(capture.packets())


@pytest.mark.conformance("NDP-02", "NDP-03", "NDP-04")
@FAMILIES
def test_announcements_carry_the_virtual_mac(segment: Segment, tmp_path: Path, vip: str, mac: str, name: str) -> None:
    capture = Capture(third(segment), tmp_path, f"(arp or icmp6) and ether src {mac}")
    daemon = master(segment, tmp_path, vip)

    def announced() -> list[t.Any]:
        if ":" in vip:
            return [one for one in capture.packets() if ICMPv6ND_NA in one and one[ICMPv6ND_NA].tgt == vip]
        return [one for one in capture.packets() if ARP in one and one[ARP].psrc == vip]

    wait_for(announced, 10, "announcements", evidence=daemon.evidence)
    first = announced()[0]
    if ARP in first:
        assert (first[ARP].op, first[ARP].hwsrc, first[ARP].pdst, first.dst) == (1, mac, vip, "ff:ff:ff:ff:ff:ff")
    else:
        advertised = first[ICMPv6ND_NA]
        assert (advertised.R, advertised.S, advertised.O, first[IPv6].hlim) == (1, 0, 1, 255)
        assert first[ICMPv6NDOptDstLLAddr].lladdr == mac


@pytest.mark.conformance("OWN-06", "NDP-07")
def test_a_backup_that_forwards_leaves_frames_for_the_virtual_mac_alone(segment: Segment, tmp_path: Path) -> None:
    c = third(segment)
    a, b = pair(segment, tmp_path)
    b.node.run("sysctl", "-qw", "net.ipv4.ip_forward=1")
    forwarded = Capture(c, tmp_path, f"icmp and ether src {mac_of(b.node)}")
    ip(segment.namespace, "link set br0 type bridge ageing_time 0")  # it learns nothing, and floods
    for destination in (VIP, c.address):
        question = Ether(dst=MAC4) / IP(src=c.address, dst=destination) / ICMP(type=8)
        list(exchanged(c, question, 0.3))
    assert a.state() == "MASTER"
    assert not is_up(b.node)
    assert len(forwarded.packets()) == 0


@pytest.mark.conformance_negative("OWN-06", "NDP-07")
def test_a_macvlan_that_somebody_sets_up_on_a_backup_is_set_down_again(segment: Segment, tmp_path: Path) -> None:
    _a, b = pair(segment, tmp_path)
    b.node.ip(f"link set {NAME4} up")
    wait_for(lambda: not is_up(b.node), 1.0, "it to be down", evidence=b.evidence)
    wait_for(lambda: "somebody set vrrp.51 up on a backup" in b.log.read_text(), 5, "the report", evidence=b.evidence)
    assert b.state() == "BACKUP"


@pytest.mark.conformance("NDP-09")
def test_no_address_is_made_of_the_virtual_mac(segment: Segment, tmp_path: Path) -> None:
    c = third(segment)
    a = master(segment, tmp_path)
    assert "addrgenmode none" in link(a.node)
    router = Ether(src=mac_of(c), dst="33:33:00:00:00:01") / IPv6(src=c.link_local, dst="ff02::1", hlim=255)
    router /= ICMPv6ND_RA() / ICMPv6NDOptPrefixInfo(prefix="2001:db8:9::", prefixlen=64, L=1, A=1)

    def learnt() -> str:
        list(exchanged(c, router, 0.2))
        return a.node.run("ip", "-6", "-oneline", "address", "show", "dev", DEVICE).stdout

    wait_for(lambda: "2001:db8:9:" in learnt(), 10, "the interface itself to make an address", evidence=a.evidence)
    assert a.node.run("ip", "-6", "-oneline", "address", "show", "dev", NAME4).stdout == ""


@pytest.mark.conformance_negative("NDP-09")
def test_without_the_filter_the_kernel_would_make_one(segment: Segment, tmp_path: Path) -> None:
    """What the test above sees is not the kernel's habit."""
    c, a = third(segment), segment.node("a")
    a.ip(f"link add link {DEVICE} name plain address 00:00:5e:00:01:44 type macvlan mode private")
    a.ip("link set plain up")
    router = Ether(src=mac_of(c), dst="33:33:00:00:00:01") / IPv6(src=c.link_local, dst="ff02::1", hlim=255)
    router /= ICMPv6ND_RA() / ICMPv6NDOptPrefixInfo(prefix="2001:db8:9::", prefixlen=64, L=1, A=1)

    def learnt() -> str:
        list(exchanged(c, router, 0.2))
        return a.run("ip", "-6", "-oneline", "address", "show", "dev", "plain").stdout

    wait_for(lambda: "2001:db8:9:" in learnt(), 10, "an address of the virtual MAC")


@pytest.mark.conformance("NDP-06")
def test_from_before_the_start_no_arp_names_the_address_with_a_physical_mac(segment: Segment, tmp_path: Path) -> None:
    """An owner, that is master at once, and that talks from its virtual address, too."""
    c = third(segment)
    capture = Capture(c, tmp_path, "arp")
    a = master(segment, tmp_path, priority=255)
    asked(c, VIP, 0.3)
    a.node.ip("neigh flush dev eth0")
    with a.node.socket(socket.AF_INET, socket.SOCK_DGRAM) as talking:
        talking.bind((VIP, 0))
        talking.sendto(b"from the virtual address", (c.address, 9))
    asking = mac_of(a.node)
    wait_for(lambda: any(one.hwsrc == asking for one in capture.packets()), 10, "a to ask for c", evidence=a.evidence)

    named = {one.hwsrc for one in capture.packets() if one.psrc == VIP}
    assert named == {MAC4}
    assert {one.psrc for one in capture.packets() if one.hwsrc == asking} == {a.node.address}


@pytest.mark.conformance_negative("NDP-06")
def test_an_address_that_the_interface_below_has_too_is_told(segment: Segment, tmp_path: Path) -> None:
    a = master(segment, tmp_path)
    a.node.ip(f"address add {VIP}/32 dev {DEVICE}")
    told = f"{VIP}: {DEVICE} has it, too, and answers for it with its own MAC; remove it there (ip address del)"
    wait_for(lambda: told in a.status()["problems"], 10, "the problem", evidence=a.evidence)
    a.node.ip(f"address del {VIP}/32 dev {DEVICE}")
    wait_for(lambda: told not in a.status()["problems"], 10, "no problem", evidence=a.evidence)


@pytest.mark.conformance("NDP-11")
def test_proxy_arp_on_the_macvlan_answers_with_the_virtual_mac(segment: Segment, tmp_path: Path) -> None:
    c, a = third(segment), master(segment, tmp_path)
    a.node.ip("link add side0 type veth peer name side1")
    a.node.ip("link set side0 up")
    a.node.ip("address add 198.51.100.1/24 dev side0")
    a.node.run("sysctl", "-qw", "net.ipv4.ip_forward=1")
    assert asked(c, "198.51.100.9") == set()
    a.node.run("sysctl", "-qw", "net.ipv4.conf.vrrp/51.proxy_arp=1")
    wait_for(lambda: asked(c, "198.51.100.9") == {MAC4}, 10, "the proxy's answer", evidence=a.evidence)


def test_what_the_daemon_changed_is_as_before_when_it_ends(segment: Segment, tmp_path: Path) -> None:
    node = segment.node("a")
    node.run("sysctl", "-qw", "net.ipv4.conf.eth0.arp_announce=1")
    daemon = master(segment, tmp_path)
    assert [setting(node, "arp_ignore"), setting(node, "arp_announce")] == ["1", "2"]
    assert [setting(node, name, NAME4) for name in ("arp_ignore", "arp_announce", "rp_filter")] == ["1", "2", "2"]

    daemon.signal_and_await_end()

    assert link(node) == ""
    assert [setting(node, "arp_ignore"), setting(node, "arp_announce")] == ["0", "1"]
    assert node.run("nft", "list", "ruleset").stdout == ""


def test_after_a_crash_release_does_the_same(segment: Segment, tmp_path: Path) -> None:
    daemon = master(segment, tmp_path)
    daemon.node.ip(f"link add link {DEVICE} name other type macvlan mode private")
    daemon.node.kill_all()

    outcome = release(daemon)

    assert "removed macvlan vrrp.51" in outcome.stdout
    assert link(daemon.node) == ""
    assert link(daemon.node, "other")
    assert [setting(daemon.node, "arp_ignore"), setting(daemon.node, "arp_announce")] == ["0", "0"]


def test_a_restarted_daemon_adopts_the_macvlan_and_its_address(segment: Segment, tmp_path: Path) -> None:
    daemon = master(segment, tmp_path, advert_int=2, state="MASTER")  # a lease that outlives a slow start
    before = link(daemon.node).partition(":")[0]
    daemon.node.kill_all()

    daemon.start().await_state("MASTER")

    assert "INIT -> MASTER" in daemon.status()["last_transition"]
    assert link(daemon.node).partition(":")[0] == before
    daemon.signal_and_await_end()
    assert setting(daemon.node, "arp_ignore") == "0", "what the dead one found is remembered"


def test_a_reload_turns_it_on_renames_it_and_turns_it_off(segment: Segment, tmp_path: Path) -> None:
    c = third(segment)
    daemon = master(segment, tmp_path, use_vmac=False)
    physical = mac_of(daemon.node)
    for options, name, mac in (
        ({}, NAME4, MAC4),
        ({"vmac_name": "web"}, "web", MAC4),
        ({"use_vmac": False}, "", physical),
    ):
        daemon.write(VI_1=vmac(150, **options))
        assert daemon.ask("reload")["ok"]
        wait_for(lambda mac=mac: asked(c, VIP) == {mac}, 10, f"{mac} to answer", evidence=daemon.evidence)
        assert {one for one in (NAME4, "web") if link(daemon.node, one)} == ({name} if name else set())
    assert daemon.status()["transitions"] == 2, daemon.log.read_text()


@pytest.mark.conformance("NDP-12")
def test_the_interface_below_vanishes_and_comes_back(segment: Segment, tmp_path: Path) -> None:
    c = third(segment)
    daemon = master(segment, tmp_path)
    daemon.node.ip(f"link delete {DEVICE}")
    daemon.await_state("FAULT")
    assert link(daemon.node) == ""

    announced = Capture(c, tmp_path, f"arp and ether src {MAC4}")
    daemon.node.plug()

    daemon.await_state("MASTER")
    wait_for(lambda: asked(c, VIP) == {MAC4}, 10, "the address to answer", evidence=daemon.evidence)
    assert any(one.psrc == VIP for one in announced.packets())


def test_a_macvlan_that_somebody_deletes_or_sets_down_is_there_again(segment: Segment, tmp_path: Path) -> None:
    c = third(segment)
    daemon = master(segment, tmp_path)
    for words in (f"link delete {NAME4}", f"link set {NAME4} down"):
        daemon.node.ip(words)
        wait_for(
            lambda: is_up(daemon.node) and daemon.node.holds(VIP),
            1.0,
            f"recovery after {words}",
            evidence=daemon.evidence,
        )
        assert asked(c, VIP) == {MAC4}
    assert "macvlan vrrp.51 had gone; made again" in daemon.log.read_text()
    assert "somebody set vrrp.51 down; set up again" in daemon.log.read_text()
    assert daemon.state() == "MASTER"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (f"link add {NAME4} type veth peer name other", "is taken by an interface that is not a macvlan of Mainstay's"),
        (
            f"link add link {DEVICE} name other address {MAC4} type macvlan mode private",
            "other has its MAC 00:00:5e:00:01:33 already; delete it (ip link delete other)",
        ),
    ],
)
def test_what_is_in_the_way_is_a_fault_with_a_reason_until_it_is_gone(
    segment: Segment, tmp_path: Path, words: str, told: str
) -> None:
    node = segment.node("a")
    node.ip(words)
    daemon = Daemon(node, tmp_path, VI_1=vmac(150)).start()
    daemon.await_state("FAULT")
    assert any(told in problem for problem in daemon.status()["problems"]), daemon.status()

    node.ip("link delete other")

    daemon.await_state("MASTER")
    assert asked(segment.node("c"), VIP) == {MAC4}


@pytest.mark.conformance_negative("NDP-11")
def test_another_address_of_the_segment_is_not_answered_by_the_macvlan(segment: Segment, tmp_path: Path) -> None:
    c, a = third(segment), master(segment, tmp_path)
    assert asked(c, a.node.address) == {mac_of(a.node)}


def test_unicast_peers_hear_the_interface_and_the_address_has_the_virtual_mac(segment: Segment, tmp_path: Path) -> None:
    c = third(segment)
    a, b = segment.node("a"), segment.node("b")
    daemon = Daemon(a, tmp_path, VI_1=vmac(150, unicast_peer=[b.address])).start()
    capture = Capture(b, tmp_path, "proto 112")
    daemon.await_state("MASTER")
    wait_for(lambda: len(capture.packets()) > 1, 10, "adverts", evidence=daemon.evidence)
    assert {packet.src for packet in capture.packets()} == {mac_of(a)}
    assert asked(c, VIP) == {MAC4}
