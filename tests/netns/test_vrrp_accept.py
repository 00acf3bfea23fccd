# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""accept: who may talk to a virtual address of a master that does not own it (OWN-04, OWN-05, OWN-07)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from netns.daemons import Daemon, instance
from netns.reach import asked, connects, exchanged, listening, mac_of, pings
from netns.segment import DEVICE, VIP, Segment
from netns.test_release import release
from netns.wire import Capture
from scapy.layers.inet6 import ICMPv6ND_NA, ICMPv6ND_NS, ICMPv6NDOptSrcLLAddr, IPv6
from scapy.layers.l2 import Ether

from lab.waiting import wait_for

PORT = 8080
LINK_LOCAL, GLOBAL = "fe80::51", "2001:db8::51"
TABLE = "table inet mainstay_vrrp"
IPV6_ADDRESSES = {"virtual_ipaddress": [f"{LINK_LOCAL}/64", f"{GLOBAL}/64"]}


def master(segment: Segment, folder: Path, **options: object) -> Daemon:
    daemon = Daemon(segment.node("a"), folder, VI_1=instance(150, **{"advert_int": 0.2, **options})).start()
    daemon.await_state("MASTER")
    return daemon


def unicast_solicitation_is_answered(segment: Segment, address: str, mac: str) -> bool:
    """Asked by a host that has no business with it: no other answer can be taken for this one."""
    d = segment.node("d")
    wait_for(lambda: d.link_local and "tentative" not in d.shown(d.link_local), 10, "d to have its address")
    own = mac_of(d)
    question = Ether(src=own, dst=mac) / IPv6(src=d.link_local, dst=address, hlim=255)
    question /= ICMPv6ND_NS(tgt=address) / ICMPv6NDOptSrcLLAddr(lladdr=own)
    answers = (frame[ICMPv6ND_NA] for frame in exchanged(d, question, 1.0) if ICMPv6ND_NA in frame)
    return any(answer.tgt == address and answer.S for answer in answers)


def filtered(daemon: Daemon) -> str:
    """The whole packet filter of its machine, as nft(8) sees it."""
    return daemon.node.run("nft", "list", "ruleset").stdout


@pytest.mark.conformance("OWN-04", "OWN-05")
@pytest.mark.parametrize("accept", [True, False])
def test_a_ping_and_a_connection_reach_the_address_with_accept_alone(
    segment: Segment, tmp_path: Path, accept: bool
) -> None:
    c = segment.node("c")
    daemon = master(segment, tmp_path, accept=accept)
    a, mac = daemon.node, mac_of(daemon.node)
    with listening(a, PORT):
        assert asked(c, VIP) == {mac}, "ARP is answered in both modes"
        assert pings(c, VIP, mac) is accept
        assert connects(c, VIP, PORT) is accept
        assert pings(c, a.address, mac), "the machine's own address is no concern of ours"
        assert connects(c, a.address, PORT)
    assert (TABLE in filtered(daemon)) is not accept


@pytest.mark.conformance("OWN-05")
@pytest.mark.parametrize("accept", [True, False])
def test_neighbour_discovery_is_answered_in_both_modes(segment: Segment, tmp_path: Path, accept: bool) -> None:
    c = segment.node("c")
    c.ip(f"address add 2001:db8::3/64 dev {DEVICE} nodad")
    daemon = master(segment, tmp_path, accept=accept, **IPV6_ADDRESSES)
    wait_for(lambda: c.link_local, 10, "c to have an address")
    mac = mac_of(daemon.node)
    with listening(daemon.node, PORT):
        for address in (LINK_LOCAL, GLOBAL):
            wait_for(lambda address=address: asked(c, address) == {mac}, 10, f"an advertisement of {address}")
        assert pings(c, LINK_LOCAL, mac) is accept
        assert connects(c, GLOBAL, PORT) is accept
        assert pings(c, daemon.node.link_local, mac)
    # A neighbour that checks whether the address is still there asks the address itself (RFC 4861 section 7.3).
    assert unicast_solicitation_is_answered(segment, GLOBAL, mac)


@pytest.mark.conformance("OWN-05")
def test_what_is_dropped_goes_with_the_mastership_and_the_table_with_the_daemon(
    segment: Segment, tmp_path: Path
) -> None:
    daemon = master(segment, tmp_path, accept=False)
    assert VIP in filtered(daemon)
    better = Daemon(segment.node("b"), tmp_path, VI_1=instance(200, advert_int=0.2, accept=False)).start()
    better.await_state("MASTER")
    daemon.await_state("BACKUP")

    assert VIP not in filtered(daemon)
    assert VIP in filtered(better)
    assert TABLE in filtered(daemon)

    daemon.signal_and_await_end()
    assert filtered(daemon) == ""


@pytest.mark.conformance("OWN-05")
def test_a_reload_turns_it_on_and_off(segment: Segment, tmp_path: Path) -> None:
    daemon = master(segment, tmp_path)
    for accept in (False, True):
        daemon.write(VI_1=instance(150, advert_int=0.2, accept=accept))
        assert daemon.ask("reload")["ok"]
        wait_for(
            lambda accept=accept: (VIP in filtered(daemon)) is not accept, 10, "the filter", evidence=daemon.evidence
        )
    wait_for(lambda: filtered(daemon) == "", 10, "no table", evidence=daemon.evidence)
    assert daemon.status()["transitions"] == 2


@pytest.mark.conformance("OWN-05")
def test_after_a_crash_release_takes_the_table_away_and_no_other(segment: Segment, tmp_path: Path) -> None:
    daemon = master(segment, tmp_path, accept=False)
    daemon.node.run("nft", "add", "table", "inet", "firewall")
    daemon.node.kill_all()
    assert VIP in filtered(daemon)

    outcome = release(daemon)

    assert "removed packet filter table inet mainstay_vrrp" in outcome.stdout
    assert filtered(daemon).split("{")[0].strip() == "table inet firewall"


@pytest.mark.conformance("OWN-05")
def test_a_restarted_daemon_goes_on_dropping(segment: Segment, tmp_path: Path) -> None:
    daemon = master(segment, tmp_path, accept=False, advert_int=2, state="MASTER")  # a lease that outlives a slow start
    daemon.node.kill_all()
    daemon.start().await_state("MASTER")
    assert "BACKUP" not in daemon.status()["last_transition"], "it adopted its address"
    assert not pings(segment.node("c"), VIP, mac_of(daemon.node))


@pytest.mark.conformance_negative("OWN-05")
@pytest.mark.parametrize(
    "words",
    ["flush ruleset", "flush table inet mainstay_vrrp", f"delete element inet mainstay_vrrp addresses4 {{ {VIP} }}"],
)
def test_what_somebody_flushes_is_back_within_a_second_and_reported(
    segment: Segment, tmp_path: Path, words: str
) -> None:
    """F33."""
    daemon = master(segment, tmp_path, accept=False)
    c, mac = segment.node("c"), mac_of(daemon.node)

    daemon.node.run("nft", *words.split())

    wait_for(lambda: "ip daddr @addresses4 drop" in filtered(daemon) and VIP in filtered(daemon), 1.0, "the table")
    assert not pings(c, VIP, mac)
    assert "table inet mainstay_vrrp: somebody removed it or a part of it; put back" in daemon.log.read_text()
    assert daemon.state() == "MASTER"


@pytest.mark.conformance_negative("OWN-04", "OWN-05")
def test_without_the_filter_a_non_owner_answers(segment: Segment, tmp_path: Path) -> None:
    """The kernel answers on every local address: what these tests see is the filter's work."""
    daemon = master(segment, tmp_path, accept=False)
    c, mac = segment.node("c"), mac_of(daemon.node)
    assert not pings(c, VIP, mac)
    wait_for(lambda: daemon.node.run("nft", "flush", "ruleset").rc == 0 and pings(c, VIP, mac, 0.2), 10, "one answer")


@pytest.mark.conformance("OWN-04")
def test_the_owner_and_strict_mode(segment: Segment, tmp_path: Path) -> None:
    """Strict mode does not accept; the owner always does."""
    document = {"vrrp_instances": {"VI_1": instance(150, strict_mode=True, advert_int=0.2)}}
    daemon = Daemon(segment.node("a"), tmp_path)
    daemon.write_text(json.dumps(document))
    daemon.start().await_state("MASTER")
    assert not pings(segment.node("c"), VIP, mac_of(daemon.node))

    daemon.write(VI_1=instance(255, strict_mode=True, advert_int=0.2))
    assert daemon.ask("reload")["ok"]
    mac = mac_of(daemon.node)
    wait_for(lambda: pings(segment.node("c"), VIP, mac), 10, "an answer", evidence=daemon.evidence)


@pytest.mark.conformance("OWN-07")
@pytest.mark.conformance_negative("OWN-07")
@pytest.mark.parametrize("accept", [True, False])
def test_a_router_that_forwards_does_not_forward_what_is_for_its_virtual_address(
    segment: Segment, tmp_path: Path, accept: bool
) -> None:
    c = segment.node("c")
    daemon = master(segment, tmp_path, accept=accept)
    daemon.node.run("sysctl", "-qw", "net.ipv4.ip_forward=1")
    forwarded = Capture(c, tmp_path, f"icmp[icmptype] == icmp-echo and ether src {mac_of(daemon.node)}")

    assert pings(c, VIP, mac_of(daemon.node)) is accept
    pings(c, c.address, mac_of(daemon.node))  # this it does forward

    wait_for(lambda: len(forwarded.packets()) > 0, 10, "the forwarded packet of the counter-check")
    assert {packet["IP"].dst for packet in forwarded.packets()} == {c.address}
