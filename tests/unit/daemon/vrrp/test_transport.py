# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How one virtual router talks: to peers, signed, in which form, from which address; and who is not believed."""

from __future__ import annotations

import errno
import os
from dataclasses import replace

import pytest

from mainstay.daemon.vrrp import announcer as vrrp_announcer
from mainstay.model.config import GlobalDefs, VirtualAddress, VrrpInstance
from mainstay.model.defaults import RunningInstance, running
from mainstay.model.units import seconds
from mainstay.model.vrrp_config import Authentication, HmacAuthentication, HmacKey, UnicastPeer
from mainstay.net import rtnl
from mainstay.net.double_socket import Double
from mainstay.net.standing import Standing
from mainstay.net.vrrp_socket import Delivery
from mainstay.vrrp.advert import Advert
from mainstay.vrrp.checksum import ChecksumForm
from mainstay.vrrp.hmac_trailer import TRAILER_SIZE
from mainstay.vrrp.packet import decode_advert, encode_advert

from ...vrrp.packets import datagram, message, with_checksum
from .lab import ETH0, INSTANCE, OWN, PEER, USABLE, VIP, PlayedPort, RecordedFrames, Story, advert

PEERS = (UnicastPeer(PEER), UnicastPeer("192.0.2.3"))
UNICAST = replace(INSTANCE, unicast_peer=PEERS)
SECRET = HmacAuthentication((HmacKey(1, b"k" * 32),), 1)
GROUP = "224.0.0.18"


@pytest.fixture(autouse=True)
def frames(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    RecordedFrames.sent, RecordedFrames.open, RecordedFrames.refuse = [], 0, 0
    monkeypatch.setattr(vrrp_announcer, "FrameSocket", RecordedFrames)
    return RecordedFrames.sent


def ipv6(*addresses: VirtualAddress) -> RunningInstance:
    return running(VrrpInstance("VI_1", "eth0", 51, addresses, garp_master_repeat=1), GlobalDefs())


# ---- to whom


@pytest.mark.conformance("TX-02")
def test_each_peer_gets_its_own_advert_with_a_checksum_for_its_address() -> None:
    story = Story(UNICAST).master()
    letters = story.port.letters[-2:]
    assert [where.address for _packet, where in letters] == [(PEER, 0), ("192.0.2.3", 0)]
    for packet, where in letters:
        _advert, form = decode_advert(packet, OWN, where.address[0])
        assert form is ChecksumForm.PSEUDO_HEADER
    assert story.status["counters"]["adverts_sent"] == 1, "one advert, however many peers"


@pytest.mark.conformance_negative("TX-02")
def test_an_advert_for_one_peer_does_not_prove_right_for_another() -> None:
    story = Story(UNICAST).master()
    packet, _where = story.port.letters[-1]
    with pytest.raises(Exception, match="checksum"):
        decode_advert(packet, OWN, PEER)


def test_one_peer_that_cannot_be_reached_does_not_end_the_talk_to_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    story = Story(UNICAST).master()
    send = PlayedPort.send

    def refuse_one(port: PlayedPort, packet: bytes, where: Delivery) -> None:
        if where.address[0] == PEER:
            raise OSError(errno.EHOSTUNREACH, os.strerror(errno.EHOSTUNREACH))
        send(port, packet, where)

    monkeypatch.setattr(PlayedPort, "send", refuse_one)
    story.passes(20)
    assert story.state == "MASTER" and story.holds and story.status["problems"] == []


def test_the_hop_limit_of_unicast_is_as_configured_and_of_multicast_255() -> None:
    def hop_limit(instance: RunningInstance) -> int:
        ancillary = Story(instance).master().port.letters[-1][1].ancillary
        return int.from_bytes(ancillary[1][2], "little")

    assert hop_limit(replace(UNICAST, unicast_ttl=64)) == 64
    assert hop_limit(INSTANCE) == 255


# ---- from where


@pytest.mark.conformance("PKT-14", "TX-01")
def test_another_source_address_is_in_the_next_advert() -> None:
    story = Story().master()
    story.link_is(Standing(ETH0, "192.0.2.99", ""))
    packet, _where = story.port.letters[-1]
    assert decode_advert(packet, "192.0.2.99", GROUP)[0].priority == 100
    assert story.state == "MASTER"


@pytest.mark.conformance_negative("PKT-14", "TX-01")
def test_the_old_source_does_not_fit_it_any_more() -> None:
    story = Story().master()
    story.link_is(Standing(ETH0, "192.0.2.99", ""))
    with pytest.raises(Exception, match="checksum"):
        decode_advert(story.port.letters[-1][0], OWN, GROUP)


def test_moving_to_another_port_is_no_transition() -> None:
    story = Story().master()
    transitions = story.status["transitions"]
    other = PlayedPort(lambda _said: None)
    story.runner.move_to(other)  # type: ignore[arg-type]
    story.reloads(INSTANCE)
    story.passes(2)
    assert other.sent and story.status["transitions"] == transitions and story.state == "MASTER"


# ---- what is in it


def test_more_addresses_than_fit_are_cut_told_and_held() -> None:
    """PKT-12."""
    many = tuple(VirtualAddress(f"198.51.100.{number}", 32) for number in range(1, 201))
    story = Story(replace(INSTANCE, virtual_ipaddress=many))
    small = Standing(replace(ETH0, mtu=576), OWN, "")
    story.kernel.links["eth0"] = replace(ETH0, mtu=576)
    story.port.standing = small
    story.master()
    sent, _form = decode_advert(story.port.sent[-1], OWN, GROUP)
    assert len(sent.addresses) == 137 and len(story.status["addresses_held"]) == 200
    assert "only 137 of 200 addresses fit an advert (MTU 576 of eth0)" in story.log
    assert "from 198.51.100.138 on" in story.log

    story.link_is(USABLE)
    story.passes(1)
    assert len(decode_advert(story.port.sent[-1], OWN, GROUP)[0].addresses) == 200


def test_a_signature_is_made_for_each_advert_and_goes_on_over_a_reload() -> None:
    signed = replace(INSTANCE, auth_hmac=SECRET)
    story = Story(signed).master()
    story.reloads(replace(signed, priority=90))
    story.passes(3)
    trailers = [packet[-TRAILER_SIZE:] for packet in story.port.sent]
    numbers = [int.from_bytes(trailer[4:12], "big") for trailer in trailers]
    assert len(numbers) >= 4 and numbers == sorted(set(numbers)), "no number comes twice or goes back"
    assert all(len(packet) == 12 + TRAILER_SIZE for packet in story.port.sent)


def test_who_signs_is_deaf_to_who_does_not() -> None:
    story = Story(replace(INSTANCE, auth_hmac=SECRET)).master()
    story.hears(advert(200))
    assert story.state == "MASTER" and story.status["counters"]["discarded"] == {"auth_missing": 1}
    remedy = "not signed, and auth_hmac mode is enforce: set the same auth_hmac on all routers"
    assert story.status["problems"] == [f"adverts of {PEER} are discarded: {remedy}"]
    for _advert in range(20):
        story.hears(advert(200))
    assert sum("adverts of" in line.message for line in story.lines) == 1, "a forger does not fill the journal"
    story.passes(60)
    assert story.state == "MASTER" and story.status["problems"] == [], "the alarm ends with its cause"


@pytest.mark.conformance("PKT-05", "PKT-08")
def test_version_2_counts_seconds_and_carries_its_password() -> None:
    old = replace(INSTANCE, version=2, advert_int=seconds(2), authentication=Authentication("PASS", "1111"))
    story = Story(old).started()
    story.passes(10)
    packet = story.port.sent[-1]
    assert (packet[0] >> 4, packet[4], packet[5], packet[-8:]) == (2, 1, 2, b"1111\0\0\0\0")


# ---- the form of checksums


def test_auto_answers_in_the_form_of_a_peer() -> None:
    """CS-05: the peer's advert has the message-only form."""
    story = Story().started()
    story.hears(advert(150))
    assert "checksums are sent as rfc9568 from now on, as a peer does" in story.log
    story.passes(5)
    assert decode_advert(story.port.sent[-1], OWN, GROUP)[1] is ChecksumForm.MESSAGE_ONLY


@pytest.mark.fault("F50")
def test_forms_that_change_with_every_packet_are_followed_and_seldom_told() -> None:
    """Two peers that differ, or somebody who wants to fill the journal."""
    story = Story().started()
    said = Advert(3, 51, 150, seconds(1), (VIP.address,))
    other = datagram(encode_advert(said, PEER, GROUP, ChecksumForm.PSEUDO_HEADER), source=PEER)
    for _count in range(10):
        story.hears(advert(150))
        story.hears(other)
    assert str(story.log).count("checksums are sent as") == 2


@pytest.mark.parametrize("form", list(ChecksumForm)[:2])
def test_a_form_that_is_told_is_kept(form: ChecksumForm) -> None:
    story = Story(replace(INSTANCE, v3_checksum=form.value)).started()
    story.hears(advert(150))
    story.passes(5)
    assert decode_advert(story.port.sent[-1], OWN, GROUP)[1] is form and "checksums are sent" not in story.log


# ---- another machine with our address

FOREIGN_ABOVE, FOREIGN_BELOW = b"\x02\0\0\0\0\x99", b"\x02\0\0\0\0\0"


def double(priority: int, hardware_address: bytes) -> Double:
    return Double(hardware_address, datagram(with_checksum(message(priority=priority)), source=OWN))


def hears_double(story: Story, heard: Double) -> None:
    assert story.port.of_doubles is not None
    story.port.of_doubles(heard, story.poller.now())


@pytest.mark.conformance("RX-21", "FSM-19")
@pytest.mark.parametrize(
    ("priority", "hardware_address", "state"),
    [(150, FOREIGN_BELOW, "BACKUP"), (100, FOREIGN_ABOVE, "BACKUP"), (100, FOREIGN_BELOW, "MASTER")],
    ids=["better", "equal, greater MAC", "equal, lesser MAC"],
)
def test_of_two_masters_with_one_address_one_yields(priority: int, hardware_address: bytes, state: str) -> None:
    story = Story().master()
    hears_double(story, double(priority, hardware_address))
    assert story.state == state and story.holds is (state == "MASTER")
    assert f"{OWN} is our own address: another machine uses it too" in story.log


@pytest.mark.conformance_negative("RX-21", "FSM-19")
def test_a_bad_packet_from_our_own_address_is_counted_and_changes_nothing() -> None:
    story = Story().master()
    hears_double(story, Double(FOREIGN_ABOVE, datagram(message(priority=200), source=OWN, ttl=64)))
    assert story.state == "MASTER" and story.status["counters"]["discarded"] == {"ttl": 1}
    assert "our own address" not in story.log


# ---- what is done to addresses


def test_a_new_label_replaces_the_address() -> None:
    story = Story().master()
    labelled = (VirtualAddress("192.0.2.10", 24, label="eth0:v"),)
    story.reloads(replace(INSTANCE, virtual_ipaddress=labelled))
    held = story.kernel.held(VIP)
    assert held is not None and held.label == "eth0:v" and story.state == "MASTER"


def test_an_adopted_address_gets_the_label_that_changed_meanwhile() -> None:
    story = Story(replace(INSTANCE, virtual_ipaddress=(VirtualAddress("192.0.2.10", 24, label="eth0:v"),)))
    story.kernel.add(VIP, 2)
    story.started(may_adopt=True)
    held = story.kernel.held(VIP)
    assert story.state == "MASTER" and held is not None and held.label == "eth0:v"


@pytest.mark.conformance("NDP-08")
def test_an_address_that_the_kernel_found_elsewhere_is_added_again(frames: list[bytes]) -> None:
    address = VirtualAddress("2001:db8::10", 64)
    story = Story(ipv6(VirtualAddress("fe80::10", 64), address))
    story.port.standing = Standing(ETH0, "fe80::1", "")
    story.master()
    key = rtnl.AddressKey(2, "2001:db8::10", 64)
    story.kernel.dad_failed.add(key)
    story.kernel.caught_up += 1
    frames.clear()

    story.runner.look(story.poller.now())

    held = story.kernel.held(key)
    assert held is not None and not held.dad_failed and len(frames) == 2, "and announced"
    assert "duplicate address detection failed for 2001:db8::10/64" in story.log


@pytest.mark.conformance_negative("NDP-08")
def test_an_ipv6_address_that_the_kernel_has_not_told_of_yet_is_not_missing() -> None:
    story = Story(ipv6(VirtualAddress("fe80::10", 64)))
    story.port.standing = Standing(ETH0, "fe80::1", "")
    story.master()
    key = rtnl.AddressKey(2, "fe80::10", 64)
    story.kernel.remove(key)
    story.runner.look(story.poller.now())
    assert "somebody removed" not in story.log

    story.passes(1)
    story.runner.look(story.poller.now())
    story.kernel.caught_up += 1
    story.runner.look(story.poller.now())
    story.kernel.remove(key)
    story.runner.look(story.poller.now())
    assert "somebody removed fe80::10/64 from eth0; put back" in story.log


def test_excluded_addresses_are_held_and_announced_and_not_advertised(frames: list[bytes]) -> None:
    excluded = (VirtualAddress("192.0.2.77", 24), VirtualAddress("2001:db8::77", 64))
    story = Story(replace(INSTANCE, virtual_ipaddress_excluded=excluded)).master()
    assert story.kernel.held(rtnl.AddressKey(2, "2001:db8::77", 64)) is not None
    assert len(frames) == 3
    assert decode_advert(story.port.sent[-1], OWN, GROUP)[0].addresses == ("192.0.2.10",)
    story.runner.stop(story.poller.now())
    assert story.kernel.held(rtnl.AddressKey(2, "192.0.2.77", 24)) is None
