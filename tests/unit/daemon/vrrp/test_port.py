# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One interface's socket shared by its virtual routers: who gets which packet, and what becomes of strangers."""

from __future__ import annotations

import errno
from dataclasses import replace

import pytest

from mainstay.daemon.vrrp import doubles as vrrp_doubles
from mainstay.daemon.vrrp.port import PortKey, VrrpPort, port_key
from mainstay.daemon.vrrp.strangers import Strangers
from mainstay.daemon.worker import LogLine
from mainstay.model.config import GlobalDefs, VirtualAddress, VrrpInstance
from mainstay.model.defaults import running
from mainstay.model.units import seconds
from mainstay.model.vrrp_config import UnicastPeer
from mainstay.net.double_socket import Double
from mainstay.net.standing import Standing, Wanted
from mainstay.net.vrrp_socket import delivery
from mainstay.vrrp.hmac_trailer import TRAILER_SIZE

from ...scripted_poller import ScriptedPoller
from ...vrrp.packets import datagram, message, message_v2
from .lab import ETH0, INSTANCE, OWN, USABLE, PlayedDoubles
from .played_socket import PlayedSocket


@pytest.fixture(autouse=True)
def sockets(monkeypatch: pytest.MonkeyPatch) -> list[PlayedSocket]:
    PlayedDoubles.made = []
    monkeypatch.setattr(vrrp_doubles, "DoubleSocket", PlayedDoubles)
    return PlayedSocket.takes_the_place(monkeypatch)


class Story:
    """A port with the routers 51 and 52."""

    def __init__(self) -> None:
        self.lines: list[LogLine] = []
        self.poller = ScriptedPoller()
        self.elsewhere: set[int] = set()
        self.port = VrrpPort(
            self.poller,
            Strangers(self.poller),
            PortKey("eth0"),
            self.lines.append,
            self.looks_again,
            lambda router: router in self.elsewhere,
        )
        self.received: dict[int, list[bytes]] = {51: [], 52: []}
        self.doubles: list[bytes] = []
        for router, packets in self.received.items():
            self.port.attach(
                router,
                lambda packet, _now, packets=packets: bool(packets.append(packet.octets)),
                lambda double, _now: self.doubles.append(double.hardware_address),
            )
        self.port.settle(USABLE)

    def looks_again(self, devices: frozenset[str], _now: int) -> None:
        assert devices == {"eth0"}
        self.port.settle(USABLE)

    def hears(self, *packets: bytes | OSError) -> None:
        PlayedSocket.made[-1].waiting.extend(packets)
        self.port.hear_out(self.poller.now())
        self.poller.run_for(seconds(0.001))


def test_each_router_gets_the_packets_with_its_id() -> None:
    story = Story()
    first, second = datagram(message(vrid=51)), datagram(message(vrid=52))
    story.hears(second, first)
    assert story.received == {51: [first], 52: [second]}


def test_a_stranger_is_counted_for_the_interface_and_spoken_of_once_an_hour() -> None:
    story = Story()
    stranger = datagram(message(vrid=7))
    story.hears(stranger, stranger)
    story.poller.run_for(seconds(60))
    story.hears(stranger)
    assert story.port.discards.by_reason == {"virtual_router_id": 3}
    assert [line.subject for line in story.lines] == ["interface eth0"]


STRANGERS = {
    "version 2": datagram(message_v2(vrid=7)),
    "version 3": datagram(message(vrid=7)),
    "signed": datagram(message(vrid=7) + bytes(TRAILER_SIZE)),
    "signed version 2": datagram(message_v2(vrid=7) + bytes(TRAILER_SIZE)),
}


@pytest.mark.conformance_negative("RX-09")
@pytest.mark.parametrize("stranger", STRANGERS.values(), ids=STRANGERS)
def test_another_group_of_routers_is_a_stranger_whatever_it_speaks(stranger: bytes) -> None:
    story = Story()
    for _advert in range(30):
        story.hears(stranger)
        story.poller.run_for(seconds(1))
    assert story.port.discards.by_reason == {"virtual_router_id": 30}
    (line,) = story.lines
    assert "virtual_router_id 7, ours is 51" in line.message and "set the same" not in line.message


@pytest.mark.conformance_negative("RX-05", "RX-08")
def test_broken_packets_of_strangers_keep_their_reason_and_are_spoken_of_once_an_hour() -> None:
    story = Story()
    for _advert in range(30):
        story.hears(datagram(message(vrid=7), ttl=64), datagram(b"\x41" + message(vrid=7)[1:]))
        story.poller.run_for(seconds(1))
    assert story.port.discards.by_reason == {"ttl": 30, "version": 30} and len(story.lines) == 2


def test_what_peers_send_to_a_sibling_of_the_same_id_is_no_mismatch_of_the_group_s_router() -> None:
    """One id may have a router with unicast peers and one of the group on one interface; each raw socket hears both."""
    story = Story()
    alone, to_all = datagram(message(), destination=OWN), datagram(message())
    story.hears(alone)
    story.elsewhere = {51}
    story.hears(alone, to_all)
    assert story.received[51] == [alone, to_all], "without a sibling it is heard, and told as a mismatch"


def test_what_is_too_short_to_belong_to_anybody_is_counted_too() -> None:
    story = Story()
    story.hears(b"", datagram(b""), datagram(b"\x31"))
    assert story.port.discards.by_reason == {"ip_header": 1, "truncated": 2}


def test_the_socket_is_made_anew_for_an_interface_of_the_same_name(sockets: list[PlayedSocket]) -> None:
    """F29."""
    story = Story()
    story.port.settle(Standing(replace(ETH0, index=9), OWN, ""))
    assert [(made.place, made.open) for made in sockets] == [(("eth0", 2), False), (("eth0", 9), True)]
    assert sorted(story.poller.watched) == [9, sockets[1].fileno()]


def test_another_source_keeps_the_socket_and_moves_the_watch_for_doubles(sockets: list[PlayedSocket]) -> None:
    story = Story()
    story.port.settle(replace(USABLE, source="192.0.2.99"))
    assert len(sockets) == 1 and sockets[0].open
    assert [(made.place, made.open) for made in PlayedDoubles.made] == [
        (("eth0", OWN), False),
        (("eth0", "192.0.2.99"), True),
    ]


@pytest.mark.conformance("RX-21")
def test_what_another_machine_sends_from_our_address_goes_to_its_router() -> None:
    story = Story()
    foreign, own = b"\x02\0\0\0\0\x99", ETH0.hardware_address
    PlayedDoubles.made[-1].waiting = [
        Double(foreign, datagram(message(vrid=52))),
        Double(own, datagram(message(vrid=52))),
        Double(foreign, datagram(message(vrid=7))),
        Double(foreign, b"\x45"),
    ]
    story.poller.watched[9][1](1, story.poller.now())
    assert story.doubles == [foreign], "not our own frame sent back to us, not a stranger's, not a stump"


@pytest.mark.conformance_negative("RX-21")
def test_a_closed_port_watches_no_more() -> None:
    story = Story()
    story.port.close()
    assert not PlayedDoubles.made[-1].open and 9 not in story.poller.watched


def test_what_a_sibling_knows_is_no_stranger() -> None:
    """Every raw socket hears what is sent to our own address: the multicast port hears the unicast one's peers."""
    story = Story()
    story.elsewhere = {60}
    story.hears(datagram(message(vrid=60)), datagram(message(vrid=61)))
    assert story.port.discards.by_reason == {"virtual_router_id": 1}


# ---- which port an instance needs

PEERS = (UnicastPeer("192.0.2.2"),)
IPV6 = VrrpInstance("VI_6", "eth0", 51, (VirtualAddress("fe80::10", 64), VirtualAddress("2001:db8::10", 64)))


@pytest.mark.parametrize(
    ("instance", "key"),
    [
        (INSTANCE, PortKey("eth0")),
        (replace(INSTANCE, mcast_dst_ip="224.0.0.99"), PortKey("eth0", "224.0.0.99")),
        (replace(INSTANCE, mcast_src_ip="192.0.2.7"), PortKey("eth0", wanted=Wanted(4, "192.0.2.7"))),
        (replace(INSTANCE, unicast_peer=PEERS), PortKey("eth0", "")),
        (IPV6, PortKey("eth0", "ff02::12", Wanted(6))),
        (replace(IPV6, unicast_peer=(UnicastPeer("fe80::2"),)), PortKey("eth0", "", Wanted(6))),
        (replace(IPV6, unicast_peer=(UnicastPeer("2001:db8::2"),)), PortKey("eth0", "", Wanted(6, None, True))),
    ],
    ids=["usual", "own group", "own source", "unicast", "IPv6", "IPv6 peers on the link", "IPv6 peers beyond"],
)
def test_routers_that_talk_alike_share_a_port(instance: VrrpInstance, key: PortKey) -> None:
    assert port_key(running(instance, GlobalDefs())) == key


def test_a_vanished_interface_closes_the_socket_and_sending_fails(sockets: list[PlayedSocket]) -> None:
    story = Story()
    story.port.settle(Standing(cause="interface eth0 does not exist"))
    assert not sockets[0].open and story.poller.watched == {}
    with pytest.raises(OSError, match="down"):
        story.port.send(b"advert", delivery(OWN, "224.0.0.18", 255, 2))


def test_a_refused_socket_makes_the_interface_unusable_and_names_the_capability() -> None:
    PlayedSocket.refuse = errno.EPERM
    story = Story()
    assert story.port.standing.cause == (
        "no VRRP socket on eth0: Operation not permitted; the daemon needs CAP_NET_RAW; tried again every second"
    )
    PlayedSocket.refuse = 0
    story.port.settle(USABLE)
    assert story.port.standing.usable, "the next look at the links tries again"
    assert story.poller.pending == [], "and no other try is due"


def test_a_refused_socket_is_tried_again_by_itself_until_there_is_one() -> None:
    PlayedSocket.refuse = errno.EMFILE
    story = Story()
    story.poller.run_for(seconds(10))
    assert "Too many open files; raise LimitNOFILE of mainstay.service" in story.port.standing.cause
    PlayedSocket.refuse = 0
    story.poller.run_for(seconds(1))
    assert story.port.standing.usable
    assert story.poller.pending == []


def test_a_closed_port_tries_nothing_again() -> None:
    PlayedSocket.refuse = errno.EMFILE
    story = Story()
    story.port.close()
    assert story.poller.pending == []
