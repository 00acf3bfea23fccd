# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a network does: links that flap, packets that are lost, paths that work one way, groups that meet, filters."""

from __future__ import annotations

import json
import time
import typing as t
from pathlib import Path

import pytest
from netns.address_watch import AddressWatch
from netns.daemons import Daemon, instance
from netns.pairs import SHORT, await_adverts, await_line, await_problem, nothing_moves, settled_pair
from netns.segment import DEVICE, NETWORK, VIP, Node, Segment
from netns.wire import Capture, advert, injector
from scapy.layers.l2 import ARP

from lab.network import ip
from lab.waiting import wait_for


def deaf(node: Node, condition: str) -> None:
    """The node drops incoming adverts for which nft's condition holds."""
    chain = f"type filter hook input priority 0; ip protocol 112 {condition} drop"
    added = node.run("nft", f"table ip deaf {{ chain i {{ {chain}; }}; }}")
    assert added.rc == 0, added.stderr


def hears_again(node: Node) -> None:
    assert node.run("nft", "delete table ip deaf").rc == 0


def bridge(segment: Segment, node: Node, *words: str) -> None:
    """Set the node's port of the bridge."""
    ip(segment.namespace, f"link set {node.port} type bridge_slave {' '.join(words)}")


@pytest.mark.fault("F28")
def test_a_flapping_link_moves_the_address_once(segment: Segment, tmp_path: Path) -> None:
    """Twenty times a second: whoever comes back waits a whole down interval in which nothing happens."""
    a, b = settled_pair(segment, tmp_path)
    with AddressWatch([a.node, b.node]) as watch:
        for _count in range(40):
            a.node.cut()
            time.sleep(0.025)
            a.node.heal()
            time.sleep(0.025)
        assert len(watch.holdings(a.node)) == 1 and len(watch.holdings(b.node)) == 1
        a.await_state("MASTER")
        b.await_state("BACKUP")
        assert len(watch.holdings(a.node)) == 2 and len(watch.holdings(b.node)) == 1


def _probes(capture: Capture) -> list[t.Any]:
    """Questions that name no sender (RFC 5227)."""
    return [packet for packet in capture.packets() if packet[ARP].psrc == "0.0.0.0"]


@pytest.mark.fault("F32")
def test_a_host_that_has_the_address_for_good_is_told(segment: Segment, tmp_path: Path) -> None:
    """It says nothing by itself: the master asks the segment, and names who answers."""
    master, other = segment.node("a"), segment.node("b")
    other.ip(f"address add {VIP}/24 dev {DEVICE}")
    mac = json.loads(other.run("ip", "-json", "link", "show", "dev", DEVICE).stdout)[0]["address"]
    daemon = Daemon(master, tmp_path, VI_1=instance(150)).start()
    daemon.await_state("MASTER")
    await_problem(daemon, f"{VIP} is answered for by {mac}, too")


@pytest.mark.fault("F32")
def test_a_host_without_the_address_is_no_alarm(segment: Segment, tmp_path: Path) -> None:
    master, other = segment.node("a"), segment.node("b")
    daemon = Daemon(master, tmp_path, VI_1=instance(150))
    capture = Capture(other, tmp_path, "arp")
    daemon.start().await_state("MASTER")
    wait_for(lambda: _probes(capture), 10, "the probe", evidence=daemon.evidence)
    capture.stop()
    (probe, *_more) = _probes(capture)
    assert (probe[ARP].op, probe[ARP].pdst) == (1, VIP)
    assert daemon.status()["problems"] == []


@pytest.mark.fault("F34")
def test_two_lost_adverts_of_five_are_nothing_and_four_are_a_takeover(segment: Segment, tmp_path: Path) -> None:
    a, b = settled_pair(segment, tmp_path)
    deaf(b.node, "numgen inc mod 5 < 2")
    with nothing_moves(a, b):
        await_adverts(a, 10)
    hears_again(b.node)

    deaf(b.node, "numgen inc mod 5 < 4")
    b.await_state("MASTER")
    hears_again(b.node)
    b.await_state("BACKUP")
    wait_for(lambda: a.node.holds() and not b.node.holds(), 5, "a alone to hold the address", evidence=a.evidence)
    assert a.state() == "MASTER"


@pytest.mark.fault("F36")
def test_after_a_partition_the_loser_lets_go_and_the_winner_announces_last(segment: Segment, tmp_path: Path) -> None:
    a, b = settled_pair(segment, tmp_path, garp_master_delay=0)
    for node in (a.node, b.node):
        bridge(segment, node, "isolated", "on")
    b.await_state("MASTER")
    assert a.state() == "MASTER" and a.node.holds(), "both serve their side"

    capture = Capture(segment.node("c"), tmp_path, f"arp and arp src host {VIP}")
    with AddressWatch([a.node, b.node]) as watch:
        for node in (a.node, b.node):
            bridge(segment, node, "isolated", "off")
        b.await_state("BACKUP")
        winner = a.node.run("cat", f"/sys/class/net/{DEVICE}/address").stdout.strip()
        announced = lambda: [p[ARP].hwsrc for p in capture.packets()][-1:] == [winner]  # noqa: E731
        wait_for(announced, 10, "the winner's announcement", evidence=capture.words)
        assert len(watch.holdings(a.node)) == 1 and not b.node.holds(), "the winner never let go"
    capture.stop()


@pytest.mark.fault("F37")
def test_a_one_way_path_is_an_alarm_at_the_one_who_hears(segment: Segment, tmp_path: Path) -> None:
    a, b = settled_pair(segment, tmp_path)
    deaf(b.node, f"ip saddr {a.node.address}")
    b.await_state("MASTER")
    await_problem(a, "has been master too")
    assert a.state() == "MASTER"

    hears_again(b.node)
    b.await_state("BACKUP")
    wait_for(lambda: not b.node.holds(), 5, "b to let go", evidence=b.evidence)


@pytest.mark.fault("F40")
@pytest.mark.parametrize("version", [2, 3])
def test_two_clusters_with_one_number_are_told_about(segment: Segment, tmp_path: Path, version: int) -> None:
    """Version 3 elects one of them; version 2 drops what has another list, and both go on."""
    options = {"version": version, "advert_int": 1 if version == 2 else SHORT}
    a = Daemon(segment.node("a"), tmp_path, VI_1=instance(150, **options)).start()
    a.await_state("MASTER")
    other = [f"{NETWORK}.77/24"]
    c = Daemon(segment.node("c"), tmp_path, VI_1=instance(100, virtual_ipaddress=other, **options)).start()
    c.await_state("BACKUP" if version == 3 else "MASTER")
    await_problem(c, f"{VIP}")
    before = {daemon.node.name: daemon.status()["transitions"] for daemon in (a, c)}
    await_adverts(a, 2)
    after = {daemon.node.name: daemon.status()["transitions"] for daemon in (a, c)}
    assert after == before, "no storm"


@pytest.mark.fault("F42")
def test_two_versions_do_not_understand_each_other_and_both_say_so(segment: Segment, tmp_path: Path) -> None:
    a = Daemon(segment.node("a"), tmp_path, VI_1=instance(150, version=3, advert_int=1)).start()
    b = Daemon(segment.node("b"), tmp_path, VI_1=instance(100, version=2, advert_int=1)).start()
    a.await_state("MASTER")
    b.await_state("MASTER")
    for daemon in (a, b):
        await_problem(daemon, "version")
        assert daemon.status()["counters"]["discarded"]["version"] > 0


@pytest.mark.fault("F43")
def test_a_neighbour_that_was_lied_to_learns_the_truth_again(segment: Segment, tmp_path: Path) -> None:
    """By the periodic refresh, and at once after a lesser master was heard."""
    asker = segment.node("c")
    options = {"garp_master_refresh": 1, "garp_lower_prio_delay": 0}
    a = Daemon(segment.node("a"), tmp_path, VI_1=instance(150, advert_int=SHORT, **options)).start()
    a.await_state("MASTER")
    truth = a.node.run("cat", f"/sys/class/net/{DEVICE}/address").stdout.strip()

    def lie() -> None:
        asker.ip(f"neighbour replace {VIP} lladdr 02:00:00:00:00:66 dev {DEVICE} nud reachable")

    def known() -> bool:
        return truth in asker.run("ip", "neighbour", "show", VIP).stdout

    lie()
    wait_for(known, 10, "the refresh to be believed", evidence=a.evidence)
    lie()
    with injector(asker) as send:
        send(advert(asker.address, priority=50, adv=30))
    wait_for(known, 10, "the answer to a lesser master to be believed", evidence=a.evidence)
    assert a.state() == "MASTER"


@pytest.mark.fault("F44")
def test_a_switch_that_keeps_multicast_back_is_an_alarm_and_unicast_goes_through(
    segment: Segment, tmp_path: Path
) -> None:
    a, b = settled_pair(segment, tmp_path)
    bridge(segment, b.node, "mcast_flood", "off")
    b.await_state("MASTER")
    await_problem(a, "has been master too")

    for daemon, peer, priority in ((a, b, 150), (b, a, 100)):
        daemon.write(VI_1=instance(priority, advert_int=SHORT, unicast_peer=[peer.node.address]))
        assert daemon.ask("reload")["ok"] is True
    a.await_state("MASTER")
    b.await_state("BACKUP")
    wait_for(lambda: b.status()["master"] == a.node.address, 10, "b to hear a", evidence=b.evidence)


@pytest.mark.fault("F48")
def test_an_interface_that_moves_to_another_namespace_and_back_is_used_again(segment: Segment, tmp_path: Path) -> None:
    a, b = settled_pair(segment, tmp_path)
    a.node.ip(f"link set {DEVICE} netns {segment.namespace}")
    a.await_state("FAULT")
    b.await_state("MASTER")
    ip(segment.namespace, f"link set {DEVICE} netns {a.node.namespace}")
    a.node.ip(f"address add {a.node.address}/24 dev {DEVICE}")
    a.node.ip(f"link set {DEVICE} up")
    a.await_state("MASTER")
    b.await_state("BACKUP")
    await_line(a, "FAULT -> BACKUP")
