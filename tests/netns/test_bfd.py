# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""BFD on the wire: FRR, BIRD and ourselves as the neighbor, and what a session does to the instances that track it."""

from __future__ import annotations

import contextlib
import dataclasses
import signal
import socket
import typing as t
from pathlib import Path

import pytest
from netns.bfd_peers import BfdPeer, Bird, Frr
from netns.daemons import Daemon, Document, instance
from netns.segment import DEVICE, Node, Segment
from netns.wire import Capture
from scapy.contrib.bfd import BFD
from scapy.layers.inet import IP, UDP

from lab.waiting import wait_for
from mainstay.bfd.packet import ControlPacket, State, encode
from mainstay.model.units import seconds

OURS, THEIRS = "192.0.2.1", "192.0.2.2"
OURS6, THEIRS6 = "2001:db8::1", "2001:db8::2"
TIMERS: Document = {"min_rx": 0.1, "min_tx": 0.1, "multiplier": 3}
UP_SECONDS = 20.0
DOWN_SECONDS = 5.0
"""Of a detection time of 0.3 s; a busy machine may be slow to tell."""
MORE_THAN_FITS = 3000  # datagrams
Make = t.Callable[[Node, Path, t.Mapping[str, str]], BfdPeer]


def session(neighbor: str, source: str, **changes: object) -> Document:
    return {"neighbor_ip": neighbor, "source_ip": source, **TIMERS, **changes}


def bfd(daemon: Daemon, name: str) -> Document:
    return t.cast(Document, daemon.ask("status")["vrrp"]["bfd_instances"][name])


def await_bfd(daemon: Daemon, name: str, state: str, deadline: float = UP_SECONDS) -> None:
    what = f"bfd_instance {name} on {daemon.node.name} to be {state}"
    wait_for(lambda: bfd(daemon, name)["state"] == state, deadline, what, evidence=lambda: evidence(daemon))


def evidence(daemon: Daemon) -> str:
    return f"{daemon.ask('status')['vrrp']['bfd_instances']}\n{daemon.evidence()}"


def two_nodes(segment: Segment) -> tuple[Node, Node]:
    nodes = segment.node("a"), segment.node("b")
    for node, address in zip(nodes, (OURS6, THEIRS6), strict=True):
        node.ip(f"address add {address}/64 dev {DEVICE} nodad")
    return nodes


def tracking_daemon(node: Node, folder: Path, sessions: Document, **options: object) -> Daemon:
    daemon = Daemon(node, folder)
    usual = instance(150, advert_int=0.1, **options)
    daemon.write_document(bfd_instances=sessions, vrrp_instances={"VI_1": usual})
    return daemon.start()


@pytest.mark.parametrize("make", [Frr, Bird])
def test_a_session_with_each_peer_in_both_families_moves_who_tracks_it(
    segment: Segment, tmp_path: Path, make: Make
) -> None:
    a, b = two_nodes(segment)
    sessions = {"gw4": session(THEIRS, OURS), "gw6": session(THEIRS6, OURS6)}
    ours = tracking_daemon(a, tmp_path, sessions, track_bfd=["gw4", "gw6 weight -60"])
    ours.await_state("FAULT")
    assert ours.status()["effective_priority"] == 90
    peer = make(b, tmp_path, {OURS: THEIRS, OURS6: THEIRS6})

    for _round in ("first", "after a death"):
        peer.start()
        await_bfd(ours, "gw4", "UP")
        await_bfd(ours, "gw6", "UP")
        ours.await_state("MASTER")
        for address in (OURS, OURS6):
            wait_for(lambda address=address: peer.is_up(address), UP_SECONDS, f"the peer to have {address} up")
        wait_for(lambda: bfd(ours, "gw4")["transmit_interval"] == 0.1, 10, "the pace of a session that is up")
        assert ours.status()["effective_priority"] == 150
        assert bfd(ours, "gw4")["detection_time"] == 0.3

        peer.kill()
        await_bfd(ours, "gw4", "DOWN", DOWN_SECONDS)
        await_bfd(ours, "gw6", "DOWN", DOWN_SECONDS)
        assert bfd(ours, "gw4")["why"] == f"no packet from {THEIRS} for 0.300 s"
        ours.await_state("FAULT", DOWN_SECONDS)
        assert ours.status()["effective_priority"] == 90
    assert bfd(ours, "gw4")["counters"]["discarded"] == bfd(ours, "gw6")["counters"]["discarded"] == {}


@pytest.mark.parametrize("make", [Frr, Bird])
def test_a_peer_sees_our_orderly_stop_and_our_death(segment: Segment, tmp_path: Path, make: Make) -> None:
    a, b = two_nodes(segment)
    ours = tracking_daemon(a, tmp_path, {"gw": session(THEIRS, OURS)})
    peer = make(b, tmp_path, {OURS: THEIRS})
    peer.start()
    wait_for(lambda: peer.is_up(OURS), UP_SECONDS, "the peer to be up", evidence=lambda: evidence(ours))

    ours.signal_and_await_end()
    wait_for(lambda: not peer.is_up(OURS), DOWN_SECONDS, "the peer to be down after our stop")

    ours.start()
    wait_for(lambda: peer.is_up(OURS), UP_SECONDS, "the peer to be up again", evidence=lambda: evidence(ours))
    a.kill_all()
    wait_for(lambda: not peer.is_up(OURS), DOWN_SECONDS, "the peer to be down after our death")


def test_two_of_ours_ten_milliseconds_reload_and_a_cut_link(segment: Segment, tmp_path: Path) -> None:
    a, b = two_nodes(segment)
    fast = {"min_rx": 0.01, "min_tx": 0.01, "multiplier": 5}
    here = {"to_b": session(THEIRS, OURS, **fast), "six": session(THEIRS6, OURS6, passive=True)}
    there = {"to_a": session(OURS, THEIRS, **fast), "six": session(OURS6, THEIRS6)}
    one = tracking_daemon(a, tmp_path, here, virtual_router_id=51)
    other = tracking_daemon(b, tmp_path, there, virtual_router_id=52, virtual_ipaddress=["192.0.2.11/24"])
    for daemon, name in ((one, "to_b"), (one, "six"), (other, "to_a"), (other, "six")):
        await_bfd(daemon, name, "UP")

    transitions = bfd(one, "to_b")["transitions"]
    slower = {**here, "to_b": session(THEIRS, OURS, min_rx=0.05, min_tx=0.05, multiplier=4)}
    one.write_document(bfd_instances=slower, vrrp_instances={"VI_1": instance(150)})
    assert one.ask("reload")["ok"]
    wait_for(lambda: bfd(one, "to_b")["transmit_interval"] == 0.05, 10, "the new pace", evidence=lambda: evidence(one))
    wait_for(lambda: bfd(other, "to_a")["detection_time"] == 0.2, 10, "the neighbor to know it")
    assert (bfd(one, "to_b")["transitions"], bfd(one, "to_b")["state"]) == (transitions, "UP")

    b.cut()
    await_bfd(one, "to_b", "DOWN", DOWN_SECONDS)
    await_bfd(other, "to_a", "DOWN", DOWN_SECONDS)
    b.heal()
    await_bfd(one, "to_b", "UP")
    await_bfd(other, "six", "UP")

    del slower["to_b"]
    one.write_document(bfd_instances=slower, vrrp_instances={"VI_1": instance(150)})
    assert one.ask("reload")["ok"]
    await_bfd(other, "to_a", "DOWN", DOWN_SECONDS)
    assert "ADMIN_DOWN" in bfd(other, "to_a")["why"]
    assert bfd(other, "six")["state"] == "UP"


def test_what_we_send_is_as_rfc_5881_wants_it(segment: Segment, tmp_path: Path) -> None:
    a, b = two_nodes(segment)
    capture = Capture(b, tmp_path, f"udp port 3784 and src {OURS}")
    ours = tracking_daemon(a, tmp_path, {"gw": session(THEIRS, OURS)})
    counted = "three packets"
    wait_for(lambda: bfd(ours, "gw")["counters"]["packets_sent"] >= 3, 20, counted, evidence=lambda: evidence(ours))
    wait_for(lambda: len(capture.packets()) >= 3, 20, counted)
    capture.stop()
    packets = list(capture.packets())
    assert {(packet[IP].ttl, packet[IP].tos, packet[UDP].dport) for packet in packets} == {(255, 0xC0, 3784)}
    assert {packet[UDP].sport for packet in packets} == {bfd(ours, "gw")["source_port"]}
    assert 49152 <= packets[0][UDP].sport <= 65535
    said = BFD(bytes(packets[0][UDP].payload))
    assert (said.version, said.sta, said.detect_mult, said.min_tx_interval) == (1, State.DOWN, 3, 1_000_000)


DOWN = ControlPacket(State.DOWN, 0, 3, 0x22222222, 0, seconds(1), seconds(0.1))


@pytest.mark.parametrize(("mine", "theirs"), [(OURS, THEIRS), (OURS6, THEIRS6)])
def test_forged_and_malformed_packets_are_counted_and_change_nothing(
    segment: Segment, tmp_path: Path, mine: str, theirs: str
) -> None:
    a, b = two_nodes(segment)
    stranger = segment.node("c")
    stranger.ip(f"address add 2001:db8::3/64 dev {DEVICE} nodad")
    ours = tracking_daemon(a, tmp_path, {"gw": session(theirs, mine)}, track_bfd=["gw"])
    good = encode(DOWN)

    for node, octets, ttl, reason in (
        (b, good, 254, "ttl"),
        (b, good, 1, "ttl"),
        (b, good[:23], 255, "truncated"),
        (b, b"\x40" + good[1:], 255, "version"),
        (b, good[:2] + b"\0" + good[3:], 255, "detect_multiplier"),
        (b, encode(dataclasses.replace(DOWN, state=State.UP)), 255, "state"),
        (b, encode(dataclasses.replace(DOWN, your_discriminator=0x0BADCAFE)), 255, "your_discriminator"),
    ):
        before = bfd(ours, "gw")["counters"]["discarded"].get(reason, 0)
        send(node, mine, octets, ttl)
        counted = f"a packet to be discarded for {reason}"
        wait_for(
            lambda reason=reason, before=before: bfd(ours, "gw")["counters"]["discarded"].get(reason, 0) == before + 1,
            10,
            counted,
            evidence=lambda: evidence(ours),
        )
        assert (bfd(ours, "gw")["state"], ours.state()) == ("DOWN", "FAULT")

    send(stranger, mine, good, 255)
    refused = "the stranger to be told of in the log"
    wait_for(lambda: "no bfd_instance has this neighbor_ip" in ours.log.read_text(), 10, refused)
    assert bfd(ours, "gw")["counters"]["packets_received"] == 0

    send(b, mine, good, 255)
    await_bfd(ours, "gw", "INIT", 5)  # the same packet with the right TTL from the right place does count


def send(node: Node, destination: str, octets: bytes, ttl: int, count: int = 1) -> None:
    """A UDP datagram from this node, so many times."""
    six = ":" in destination
    with contextlib.closing(node.socket(socket.AF_INET6 if six else socket.AF_INET, socket.SOCK_DGRAM)) as opened:
        if six:
            opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, ttl)
        else:
            opened.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, ttl)
        for _time in range(count):
            opened.sendto(octets, (destination, 3784))


@pytest.mark.parametrize(("mine", "theirs"), [(OURS, THEIRS), (OURS6, THEIRS6)])
def test_a_flood_of_strangers_drowns_no_packet_of_the_neighbor(
    segment: Segment, tmp_path: Path, mine: str, theirs: str
) -> None:
    """One side stands still until the neighbor's packets are the only proof, and they came behind a full queue."""
    a, b = two_nodes(segment)
    stranger = segment.node("c")
    stranger.ip(f"address add 2001:db8::3/64 dev {DEVICE} nodad")
    # The neighbor waits for 5 s, we wait for 0.3 s.
    ours = tracking_daemon(a, tmp_path, {"gw": session(theirs, mine, multiplier=50)}, virtual_router_id=51)
    other = tracking_daemon(b, tmp_path, {"gw": session(mine, theirs)}, virtual_router_id=52)
    for daemon in (ours, other):
        await_bfd(daemon, "gw", "UP")
    before = bfd(ours, "gw")["transitions"]

    a.signal_all(signal.SIGSTOP)
    send(stranger, mine, encode(DOWN), 255, MORE_THAN_FITS)
    sent = bfd(other, "gw")["counters"]["packets_sent"]
    wait_for(lambda: bfd(other, "gw")["counters"]["packets_sent"] > sent + 5, 20, "more packets of the neighbor")
    a.signal_all(signal.SIGCONT)

    sent = bfd(other, "gw")["counters"]["packets_sent"]
    wait_for(lambda: bfd(other, "gw")["counters"]["packets_sent"] > sent + 5, 20, "more packets of the neighbor")
    assert (bfd(ours, "gw")["state"], bfd(ours, "gw")["transitions"]) == ("UP", before), evidence(ours)
