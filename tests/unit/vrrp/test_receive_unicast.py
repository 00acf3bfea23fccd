# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The receive ladder with unicast peers over IPv4, and the rungs that a setting opens or closes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mainstay.model.vrrp_config import UnicastPeer
from mainstay.vrrp.checksum import ChecksumForm
from mainstay.vrrp.expectations import Expectations
from mainstay.vrrp.packet import encode_advert
from mainstay.vrrp.receive import Received, alarm_about, receive_datagram
from mainstay.vrrp.rejection import ALARMING, PacketError, RejectReason

from .packets import ADVERT, EXPECTATIONS, GROUP, SOURCE, datagram, message, pseudo_header, with_checksum

OWN, STRANGER = "192.0.2.2", "192.0.2.66"
UNICAST = replace(EXPECTATIONS, own_address=OWN, peers=(UnicastPeer(SOURCE), UnicastPeer("192.0.2.3", 250, 254)))


def sent(source: str = SOURCE, destination: str = OWN, ttl: int = 255, **changes: int | bytes) -> bytes:
    """A datagram from one unicast router to another, with the checksum of its real ends."""
    payload = message(**changes)
    whole = with_checksum(payload, pseudo_header(len(payload), source, destination))
    return datagram(whole, source=source, destination=destination, ttl=ttl)


def received(packet: bytes, expectations: Expectations = UNICAST) -> Received:
    return receive_datagram(packet, expectations)


def refusal(packet: bytes, expectations: Expectations = UNICAST) -> PacketError:
    with pytest.raises(PacketError) as refused:
        received(packet, expectations)
    return refused.value


@pytest.mark.conformance("RX-19", "RX-20", "CS-06")
def test_a_peer_s_advert_to_us_is_received() -> None:
    assert received(sent()) == Received(ADVERT, 0xC0000201, ChecksumForm.PSEUDO_HEADER, ())


@pytest.mark.conformance("RX-04")
@pytest.mark.parametrize("ttl", [1, 64, 255])
def test_a_peer_without_a_range_may_be_any_number_of_routers_away(ttl: int) -> None:
    assert received(sent(ttl=ttl)).advert == ADVERT


@pytest.mark.conformance("RX-04")
@pytest.mark.conformance_negative("RX-04")
@pytest.mark.parametrize(("ttl", "passes"), [(249, False), (250, True), (254, True), (255, False)])
def test_a_peer_with_a_range_of_ttl_must_keep_it(ttl: int, passes: bool) -> None:
    packet = sent("192.0.2.3", ttl=ttl)
    if passes:
        assert received(packet).advert == ADVERT
    else:
        error = refusal(packet)
        assert error.reason is RejectReason.TTL
        assert error.detail == f"TTL {ttl}, unicast_peer 192.0.2.3 allows 250 to 254"


@pytest.mark.conformance("RX-04")
def test_half_a_range_is_open_at_its_other_end() -> None:
    far = replace(UNICAST, peers=(UnicastPeer(SOURCE, min_ttl=200),))
    near = replace(UNICAST, peers=(UnicastPeer(SOURCE, max_ttl=200),))
    assert received(sent(ttl=255), far).advert == received(sent(ttl=0), near).advert
    assert refusal(sent(ttl=199), far).reason is refusal(sent(ttl=201), near).reason is RejectReason.TTL


@pytest.mark.conformance_negative("RX-20")
def test_a_stranger_is_refused_whatever_it_says() -> None:
    error = refusal(sent(STRANGER, priority=255))
    assert error.reason is RejectReason.UNICAST_PEER
    alarm = alarm_about(error, STRANGER)
    assert alarm is not None and alarm.kind == "unknown_peer"
    assert "192.0.2.66 is no unicast_peer of ours: list it, or give it another virtual_router_id" in alarm.detail


@pytest.mark.conformance("RX-20")
def test_check_unicast_src_off_lets_strangers_in() -> None:
    assert received(sent(STRANGER), replace(UNICAST, check_unicast_src=False)).advert == ADVERT


@pytest.mark.conformance_negative("RX-19")
@pytest.mark.parametrize("destination", [GROUP, "192.0.2.9"])
def test_a_unicast_router_takes_only_what_is_sent_to_it(destination: str) -> None:
    assert refusal(sent(destination=destination)).reason is RejectReason.DESTINATION


@pytest.mark.conformance_negative("RX-19")
def test_without_a_known_address_of_ours_at_least_no_group_is_taken() -> None:
    anywhere = replace(UNICAST, own_address=None)
    assert received(sent(destination="192.0.2.9"), anywhere).advert == ADVERT
    assert refusal(sent(destination=GROUP), anywhere).reason is RejectReason.DESTINATION


@pytest.mark.conformance_negative("RX-19", "RX-03")
def test_a_multicast_router_takes_no_unicast_and_no_ttl_below_255() -> None:
    multicast = replace(EXPECTATIONS, own_address=OWN)
    assert refusal(sent(), multicast).reason is RejectReason.DESTINATION
    assert refusal(sent(ttl=254), multicast).reason is RejectReason.TTL


@pytest.mark.conformance_negative("RX-19")
def test_unicast_against_multicast_is_an_alarm_on_either_side_and_another_group_is_none() -> None:
    sides = [(sent(), replace(EXPECTATIONS, own_address=OWN)), (sent(destination=GROUP), UNICAST)]
    for packet, expectations in sides:
        alarm = alarm_about(refusal(packet, expectations), SOURCE)
        assert alarm is not None and alarm.kind == "destination_mismatch"
        assert SOURCE in alarm.detail and "set unicast_peer on all routers or on none" in alarm.detail
    other_group = refusal(sent(destination="224.0.0.99"), EXPECTATIONS)
    assert other_group.reason is RejectReason.DESTINATION and alarm_about(other_group, SOURCE) is None


@pytest.mark.conformance("RX-19")
def test_the_group_can_be_another() -> None:
    elsewhere = replace(EXPECTATIONS, group="224.0.0.99")
    assert received(sent(destination="224.0.0.99"), elsewhere).advert == ADVERT
    assert refusal(sent(destination=GROUP), elsewhere).reason is RejectReason.DESTINATION


@pytest.mark.conformance("CS-06")
def test_old_peers_compute_the_checksum_for_the_group() -> None:
    payload = message()  # its checksum is that of a packet to 224.0.0.18
    packet = datagram(payload, destination=OWN)
    assert received(packet).checksum_form is ChecksumForm.LEGACY_UNICAST
    assert encode_advert(ADVERT, SOURCE, OWN, ChecksumForm.LEGACY_UNICAST) == payload


@pytest.mark.conformance_negative("CS-06")
def test_in_multicast_there_is_no_third_form() -> None:
    packet = datagram(message(), destination="224.0.0.99")
    assert refusal(packet, replace(EXPECTATIONS, group="224.0.0.99")).reason is RejectReason.CHECKSUM


@pytest.mark.conformance_negative("CS-04", "CS-06")
def test_a_flipped_bit_fails_all_three_forms() -> None:
    good = message()
    for bit in range(6 * 8, 8 * len(good)):
        bad = bytearray(good)
        bad[bit // 8] ^= 0x80 >> bit % 8
        assert refusal(datagram(bytes(bad), destination=OWN)).reason is RejectReason.CHECKSUM, f"bit {bit}"


@pytest.mark.conformance_negative("RX-21")
def test_our_own_address_as_the_source_is_looped_or_a_conflict() -> None:
    own = replace(EXPECTATIONS, own_address=SOURCE)
    error = refusal(sent(destination=GROUP), own)
    assert error.reason is RejectReason.OWN_ADDRESS
    alarm = alarm_about(error, SOURCE)
    assert alarm is not None and alarm.kind == "equal_address"
    assert "192.0.2.1 is our own address: looped, or another machine uses it too" in alarm.detail


@pytest.mark.conformance("RX-21")
def test_the_address_next_to_ours_is_no_conflict() -> None:
    assert received(sent(destination=GROUP), replace(EXPECTATIONS, own_address=OWN)).advert == ADVERT


@pytest.mark.conformance("RX-10")
def test_an_owner_hears_another_owner() -> None:
    assert received(sent(destination=GROUP, priority=255), EXPECTATIONS).advert.priority == 255


@pytest.mark.conformance_negative("RX-10")
def test_an_owner_in_strict_mode_hears_nobody() -> None:
    strict = replace(EXPECTATIONS, owner_ignores=True)
    assert refusal(sent(destination=GROUP, priority=255), strict).reason is RejectReason.OWNER


@pytest.mark.conformance("RX-11")
def test_where_nobody_has_addresses_adverts_are_without() -> None:
    bare = replace(ADVERT, addresses=())
    packet = datagram(encode_advert(bare, SOURCE, GROUP))
    assert received(packet, replace(EXPECTATIONS, addresses=())).advert == bare
    assert refusal(packet, EXPECTATIONS).reason is RejectReason.ADDRESS_COUNT


@pytest.mark.conformance("RX-17")
def test_skip_check_adv_addr_accepts_any_list_in_silence() -> None:
    packet = datagram(message(addresses=bytes([192, 0, 2, 99])))
    assert received(packet, replace(EXPECTATIONS, skip_check_adv_addr=True)).alarms == ()
    assert [alarm.kind for alarm in received(packet, EXPECTATIONS).alarms] == ["address_list_mismatch"]


@pytest.mark.conformance_negative("RX-16")
def test_version_3_never_discards_for_its_interval() -> None:
    assert [alarm.kind for alarm in received(sent(interval=4095)).alarms] == ["interval_mismatch"]


@pytest.mark.conformance("RX-22")
def test_the_longest_list_is_received() -> None:
    addresses = tuple(f"198.51.{number}.1" for number in range(255))
    many = replace(ADVERT, addresses=addresses)
    whole = replace(EXPECTATIONS, addresses=addresses)
    assert received(datagram(encode_advert(many, SOURCE, GROUP)), whole) == Received(
        many, 0xC0000201, ChecksumForm.PSEUDO_HEADER, ()
    )


@pytest.mark.conformance_negative("RX-22")
def test_count_255_without_the_addresses_is_refused_by_its_length() -> None:
    assert refusal(sent(count=255)).reason is RejectReason.LENGTH


@pytest.mark.conformance_negative("RX-18")
@pytest.mark.parametrize("source", ["0.0.0.1", "0.255.255.255", "224.0.0.1", "239.255.255.255", "240.0.0.1"])
def test_check_unicast_src_off_still_wants_a_host(source: str) -> None:
    assert refusal(sent(source), replace(UNICAST, check_unicast_src=False)).reason is RejectReason.SOURCE


def test_every_reason_has_a_word_of_its_own_and_harmless_ones_raise_no_alarm() -> None:
    assert len({reason.value for reason in RejectReason}) == len(RejectReason)
    for reason in RejectReason:
        assert (alarm_about(PacketError(reason, "why"), SOURCE) is not None) is (reason in ALARMING)
