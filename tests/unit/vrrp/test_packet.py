# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The bytes of an advertisement, there and back (PKT and CS)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, strategies as st

from mainstay.model.units import seconds
from mainstay.vrrp.advert import Advert
from mainstay.vrrp.checksum import ChecksumForm
from mainstay.vrrp.packet import decode_advert, encode_advert
from mainstay.vrrp.rejection import PacketError, RejectReason

from .packets import ADVERT, ADVERTS, CENTISECOND, GROUP, SOURCE, message, pseudo_header, rfc1071, with_checksum

# The third form is known from a packet only where there are unicast peers.
FORMS = st.sampled_from([ChecksumForm.PSEUDO_HEADER, ChecksumForm.MESSAGE_ONLY])
PAYLOADS = st.binary(max_size=64) | st.builds(
    lambda payload, position, value: payload[:position] + bytes([value]) + payload[position + 1 :],
    st.just(message()),
    st.integers(0, 11),
    st.integers(0, 255),
)


def reason_against(payload: bytes) -> RejectReason:
    with pytest.raises(PacketError) as refused:
        decode_advert(payload, SOURCE, GROUP)
    return refused.value.reason


@pytest.mark.conformance("PKT-01", "PKT-02", "PKT-03", "PKT-04", "PKT-07", "PKT-11")
def test_pkt_01_to_11_the_golden_packet() -> None:
    # version 3 type 1 | vrid 51 | priority 150 | two addresses | 100 cs | checksum | addresses in order
    advert = replace(ADVERT, addresses=("192.0.2.10", "192.0.2.9"))
    expected = bytes.fromhex("31 33 96 02 0064 0000 c000020a c0000209")
    assert encode_advert(advert, SOURCE, GROUP) == with_checksum(expected, pseudo_header(len(expected)))


@pytest.mark.conformance("PKT-06")
def test_pkt_06_the_longest_interval_and_the_reserved_bits() -> None:
    assert encode_advert(replace(ADVERT, advert_int=seconds(40.95)), SOURCE, GROUP)[4:6] == b"\x0f\xff"
    advert, _ = decode_advert(message(interval=0xF064), SOURCE, GROUP)
    assert advert.advert_int == seconds(1)


@pytest.mark.conformance_negative("PKT-02", "PKT-03", "PKT-04", "PKT-06", "TX-05")
@pytest.mark.parametrize(
    "changes",
    [
        {"version": 1}, {"version": 4}, {"virtual_router_id": 0}, {"virtual_router_id": 256},
        {"priority": 256}, {"priority": -1},
        {"advert_int": 0}, {"advert_int": seconds(40.96)}, {"advert_int": seconds(0.015)},
        {"addresses": ("192.0.2.10",) * 256},
    ],
)  # fmt: skip
def test_pkt_02_03_04_06_what_the_format_cannot_carry_is_not_encoded(changes: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=f"VRRP cannot carry {next(iter(changes))}"):
        encode_advert(replace(ADVERT, **changes), SOURCE, GROUP)


@pytest.mark.conformance("PKT-09", "RX-07")
@given(ADVERTS, FORMS)
def test_decoding_an_encoded_advert_gives_it_back(advert: Advert, form: ChecksumForm) -> None:
    payload = encode_advert(advert, SOURCE, GROUP, form)
    assert decode_advert(payload, SOURCE, GROUP) == (advert, form)


@given(ADVERTS, FORMS)
def test_encoding_a_decoded_packet_gives_its_bytes_back(advert: Advert, form: ChecksumForm) -> None:
    payload = encode_advert(advert, SOURCE, GROUP, form)
    assert encode_advert(decode_advert(payload, SOURCE, GROUP)[0], SOURCE, GROUP, form) == payload


@given(PAYLOADS)
def test_any_bytes_decode_or_are_refused_with_a_reason(payload: bytes) -> None:
    try:
        advert, _ = decode_advert(payload, SOURCE, GROUP)
    except PacketError as refused:
        assert isinstance(refused.reason, RejectReason)
    else:
        assert advert.addresses
        assert advert.advert_int >= CENTISECOND


@pytest.mark.conformance_negative("RX-02")
@pytest.mark.parametrize("size", range(8))
def test_rx_02_less_than_a_header_is_truncated(size: int) -> None:
    assert reason_against(message()[:size]) is RejectReason.TRUNCATED


@pytest.mark.conformance_negative("RX-05", "PKT-01")
@pytest.mark.parametrize("version", [0, 1, 2, 4, 15])
def test_rx_05_another_version_is_refused(version: int) -> None:
    assert reason_against(message(first=version << 4 | 1)) is RejectReason.VERSION


@pytest.mark.conformance_negative("RX-06", "PKT-01")
@pytest.mark.parametrize("kind", [0, *range(2, 16)])
def test_rx_06_another_type_is_refused(kind: int) -> None:
    assert reason_against(message(first=3 << 4 | kind)) is RejectReason.TYPE


@pytest.mark.conformance_negative("RX-07", "PKT-04")
@pytest.mark.parametrize("size", [8, 9, 10, 11, 13, 20])
def test_rx_07_the_length_must_be_what_the_count_says(size: int) -> None:
    assert reason_against((message() + bytes(8))[:size]) is RejectReason.LENGTH


@pytest.mark.conformance_negative("PKT-09", "RX-07")
def test_rx_07_a_v3_packet_with_the_trailer_of_v2_is_refused() -> None:
    assert reason_against(message() + bytes(8)) is RejectReason.LENGTH


@pytest.mark.conformance_negative("PKT-07", "CS-03", "CS-04", "CS-07")
def test_cs_04_a_single_wrong_bit_is_found() -> None:
    good = message()
    for bit in range(8 * len(good)):
        bad = bytearray(good)
        bad[bit // 8] ^= 0x80 >> bit % 8
        assert isinstance(reason_against(bytes(bad)), RejectReason)


@pytest.mark.conformance("CS-03", "CS-04")
def test_cs_03_both_forms_are_accepted_and_told_apart() -> None:
    plain = message()
    assert decode_advert(plain, SOURCE, GROUP)[1] is ChecksumForm.PSEUDO_HEADER
    assert decode_advert(with_checksum(plain), SOURCE, GROUP)[1] is ChecksumForm.MESSAGE_ONLY


@pytest.mark.conformance_negative("CS-03")
def test_cs_03_the_pseudo_header_binds_a_packet_to_its_ends() -> None:
    with pytest.raises(PacketError) as refused:
        decode_advert(message(), "192.0.2.2", GROUP)
    assert refused.value.reason is RejectReason.CHECKSUM


@pytest.mark.conformance("CS-07")
@given(ADVERTS, FORMS)
def test_cs_07_checksums_are_those_of_rfc_1071(advert: Advert, form: ChecksumForm) -> None:
    payload = encode_advert(advert, SOURCE, GROUP, form)
    before = pseudo_header(len(payload)) if form is ChecksumForm.PSEUDO_HEADER else b""
    assert payload == with_checksum(payload, before)
    assert rfc1071(before + payload) == 0


def test_cs_07_words_that_add_up_to_all_ones_have_checksum_0_not_ffff() -> None:
    bare = encode_advert(replace(ADVERT, addresses=("192.0.0.0",)), SOURCE, GROUP, ChecksumForm.MESSAGE_ONLY)
    filled = replace(ADVERT, addresses=(f"192.0.{bare[6]}.{bare[7]}",))
    payload = encode_advert(filled, SOURCE, GROUP, ChecksumForm.MESSAGE_ONLY)
    assert payload[6:8] == b"\0\0"
    assert decode_advert(payload, SOURCE, GROUP)[1] is ChecksumForm.MESSAGE_ONLY


@pytest.mark.conformance_negative("RX-11")
def test_rx_11_an_empty_list_is_refused() -> None:
    assert reason_against(message(count=0, addresses=b"")) is RejectReason.ADDRESS_COUNT


@pytest.mark.conformance_negative("RX-12")
@pytest.mark.parametrize("interval", [0, 0xF000])
def test_rx_12_interval_zero_is_refused(interval: int) -> None:
    assert reason_against(message(interval=interval)) is RejectReason.INTERVAL


@pytest.mark.conformance_negative("RX-22")
def test_rx_22_a_huge_packet_is_refused_by_its_length() -> None:
    assert reason_against(message() + bytes(9000)) is RejectReason.LENGTH


@pytest.mark.conformance_negative("PKT-11")
def test_fields_in_the_other_byte_order_or_a_list_in_another_are_other_packets() -> None:
    swapped, _ = decode_advert(message(interval=0x6400), SOURCE, GROUP)
    assert swapped.advert_int == 0x400 * CENTISECOND
    both = bytes([192, 0, 2, 11, 192, 0, 2, 10])
    assert decode_advert(message(count=2, addresses=both), SOURCE, GROUP)[0].addresses == ("192.0.2.11", "192.0.2.10")
