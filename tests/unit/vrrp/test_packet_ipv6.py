# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Version 3 over IPv6: its bytes, and its receive ladder with what the kernel tells beside the payload."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv6Address

import pytest
from hypothesis import given

from mainstay.model.vrrp_config import UnicastPeer
from mainstay.vrrp.advert import Advert
from mainstay.vrrp.checksum import ChecksumForm
from mainstay.vrrp.expectations import Expectations
from mainstay.vrrp.packet import decode_advert, encode_advert
from mainstay.vrrp.receive import Envelope, Received, receive_payload
from mainstay.vrrp.rejection import PacketError, RejectReason

from .packets import (
    ADVERT_V6,
    ADVERTS_V6,
    EXPECTATIONS_V6,
    GROUP6,
    SOURCE6,
    envelope,
    message,
    message_v2,
    message_v6,
    pseudo_header6,
    with_checksum,
)

GLOBAL, OTHER_GLOBAL = "2001:db8::1", "2001:db8::2"
UNICAST = replace(EXPECTATIONS_V6, own_address=OTHER_GLOBAL, peers=(UnicastPeer(GLOBAL),))


def received(payload: bytes, beside: Envelope | None = None, expectations: Expectations = EXPECTATIONS_V6) -> Received:
    return receive_payload(payload, beside or envelope(), expectations)


def reason_against(
    payload: bytes, beside: Envelope | None = None, expectations: Expectations = EXPECTATIONS_V6
) -> RejectReason:
    with pytest.raises(PacketError) as refused:
        received(payload, beside, expectations)
    return refused.value.reason


def sent(source: str, destination: str, **changes: int | bytes) -> tuple[bytes, Envelope]:
    """A payload and its envelope between these ends."""
    payload = message_v6(**changes)
    return with_checksum(payload, pseudo_header6(len(payload), source, destination)), envelope(source, destination)


@pytest.mark.conformance("PKT-09", "PKT-10", "PKT-11", "CS-02")
def test_the_golden_packet() -> None:
    # version 3 type 1 | vrid 51 | priority 150 | two addresses | 100 cs | checksum | link-local first
    plain = bytes.fromhex("31 33 96 02 0064 0000 fe80 000000000000000000000000 0010 20010db8 0000000000000000 00000010")
    assert encode_advert(ADVERT_V6, SOURCE6, GROUP6) == with_checksum(plain, pseudo_header6(len(plain)))


@given(ADVERTS_V6)
def test_decoding_gives_back_what_was_encoded(advert: Advert) -> None:
    payload = encode_advert(advert, SOURCE6, GROUP6)
    assert payload == with_checksum(payload, pseudo_header6(len(payload)))
    assert decode_advert(payload, SOURCE6, GROUP6) == (advert, ChecksumForm.PSEUDO_HEADER)


@pytest.mark.conformance("RX-03", "RX-07", "RX-08", "RX-13", "RX-18", "RX-19", "RX-23")
def test_a_good_packet_passes_every_rung() -> None:
    source = int(IPv6Address(SOURCE6))
    assert received(message_v6()) == Received(ADVERT_V6, source, ChecksumForm.PSEUDO_HEADER, ())


@pytest.mark.conformance_negative("RX-03", "RX-23")
@pytest.mark.parametrize("hop_limit", [None, 0, 64, 254])
def test_without_the_proof_of_hop_limit_255_it_is_refused(hop_limit: int | None) -> None:
    assert reason_against(message_v6(), envelope(hop_limit=hop_limit)) is RejectReason.TTL


@pytest.mark.conformance_negative("CS-02", "RX-08")
def test_the_message_only_form_is_not_for_ipv6() -> None:
    assert reason_against(with_checksum(message_v6())) is RejectReason.CHECKSUM
    assert reason_against(message_v6(), envelope(source="fe80::2")) is RejectReason.CHECKSUM


@pytest.mark.conformance_negative("CS-02")
def test_every_wrong_bit_is_found() -> None:
    good = message_v6()
    for bit in range(6 * 8, 8 * len(good)):
        bad = bytearray(good)
        bad[bit // 8] ^= 0x80 >> bit % 8
        assert reason_against(bytes(bad)) is RejectReason.CHECKSUM, f"bit {bit}"


@pytest.mark.conformance_negative("RX-07", "PKT-09")
def test_addresses_of_ipv4_make_a_wrong_length() -> None:
    assert reason_against(message()) is RejectReason.LENGTH
    whole = message_v6()
    reasons = [reason_against(whole[:size]) for size in range(len(whole))]
    assert reasons == [RejectReason.TRUNCATED] * 8 + [RejectReason.LENGTH] * 32


@pytest.mark.conformance_negative("PKT-09")
def test_families_do_not_mix_in_one_list() -> None:
    with pytest.raises(ValueError, match="VRRP cannot carry family"):
        encode_advert(replace(ADVERT_V6, addresses=("fe80::10", "192.0.2.10")), SOURCE6, GROUP6)


@pytest.mark.conformance_negative("RX-05")
def test_version_2_is_refused() -> None:
    assert reason_against(message_v2()) is RejectReason.VERSION


@pytest.mark.conformance_negative("RX-13", "PKT-10")
def test_a_list_that_does_not_begin_with_a_link_local_address_is_refused() -> None:
    swapped = b"".join(IPv6Address(text).packed for text in reversed(EXPECTATIONS_V6.addresses))
    assert reason_against(message_v6(addresses=swapped)) is RejectReason.LINK_LOCAL_FIRST
    lenient = replace(EXPECTATIONS_V6, skip_check_adv_addr=True)
    assert received(message_v6(addresses=swapped), None, lenient).advert.addresses[0] == "2001:db8::10"


@pytest.mark.conformance("RX-13")
@pytest.mark.parametrize(
    ("first", "passes"), [("fe80::", True), ("febf::1", True), ("fec0::1", False), ("fe7f::1", False)]
)
def test_link_local_is_fe80_slash_10(first: str, passes: bool) -> None:
    payload = message_v6(count=1, addresses=IPv6Address(first).packed)
    if passes:
        assert received(payload).alarms[0].kind == "address_list_mismatch"
    else:
        assert reason_against(payload) is RejectReason.LINK_LOCAL_FIRST


@pytest.mark.conformance_negative("RX-11", "RX-12")
def test_no_address_and_interval_zero_are_refused() -> None:
    assert reason_against(message_v6(count=0, addresses=b"")) is RejectReason.ADDRESS_COUNT
    assert reason_against(message_v6(interval=0)) is RejectReason.INTERVAL


@pytest.mark.conformance_negative("RX-13")
def test_an_empty_list_has_no_first_address_to_look_at() -> None:
    bare = replace(EXPECTATIONS_V6, addresses=())
    assert received(message_v6(count=0, addresses=b""), None, bare).advert.addresses == ()


@pytest.mark.conformance_negative("RX-18")
@pytest.mark.parametrize("source", ["::", "::1", "2001:db8::1", "ff02::1", "fec0::1", "fe80::10"])
def test_a_source_that_is_not_link_local_or_is_virtual_is_refused(source: str) -> None:
    assert reason_against(*sent(source, GROUP6)) is RejectReason.SOURCE


@pytest.mark.conformance_negative("RX-19")
@pytest.mark.parametrize("destination", ["ff02::1", "ff05::12", "fe80::99"])
def test_another_destination_is_refused(destination: str) -> None:
    assert reason_against(*sent(SOURCE6, destination)) is RejectReason.DESTINATION


@pytest.mark.conformance("RX-19")
def test_the_group_can_be_another() -> None:
    elsewhere = replace(EXPECTATIONS_V6, group="ff02::1:12")
    assert received(*sent(SOURCE6, "ff02::1:12"), elsewhere).advert == ADVERT_V6
    assert reason_against(message_v6(), None, elsewhere) is RejectReason.DESTINATION


@pytest.mark.conformance("RX-04", "RX-18", "RX-19", "RX-20")
def test_a_unicast_peer_may_be_routers_away() -> None:
    payload, beside = sent(GLOBAL, OTHER_GLOBAL)
    assert received(payload, beside._replace(hop_limit=61), UNICAST).advert == ADVERT_V6


@pytest.mark.conformance_negative("RX-19", "RX-20")
def test_a_stranger_or_a_group_is_refused_by_a_unicast_router() -> None:
    assert reason_against(*sent("2001:db8::3", OTHER_GLOBAL), UNICAST) is RejectReason.UNICAST_PEER
    assert reason_against(*sent(GLOBAL, GROUP6), UNICAST) is RejectReason.DESTINATION
    assert reason_against(*sent("ff02::1", OTHER_GLOBAL), UNICAST) is RejectReason.SOURCE


@pytest.mark.conformance_negative("RX-21")
def test_our_own_packet_come_back_is_refused() -> None:
    own = replace(EXPECTATIONS_V6, own_address=SOURCE6)
    assert reason_against(message_v6(), None, own) is RejectReason.OWN_ADDRESS
    assert received(*sent("fe80::2", GROUP6), own).advert == ADVERT_V6
