# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The bytes of version 2, and what its receivers must refuse that those of version 3 accept."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, strategies as st

from mainstay.model.units import seconds
from mainstay.vrrp.advert import Advert
from mainstay.vrrp.authentication import auth_data
from mainstay.vrrp.checksum import ChecksumForm
from mainstay.vrrp.expectations import Expectations
from mainstay.vrrp.packet import decode_advert, encode_advert
from mainstay.vrrp.receive import Received, alarm_about, receive_datagram
from mainstay.vrrp.rejection import PacketError, RejectReason

from .packets import ADVERT_V2, ADVERTS_V2, EXPECTATIONS_V2, GROUP, SOURCE, datagram, message, message_v2, with_checksum

PASSWORD = auth_data("1111")
GUARDED = replace(EXPECTATIONS_V2, auth_data=PASSWORD)


def received(payload: bytes, expectations: Expectations = EXPECTATIONS_V2) -> Received:
    return receive_datagram(datagram(payload), expectations)


def refusal(payload: bytes, expectations: Expectations = EXPECTATIONS_V2) -> PacketError:
    with pytest.raises(PacketError) as refused:
        received(payload, expectations)
    return refused.value


def reason_against(payload: bytes, expectations: Expectations = EXPECTATIONS_V2) -> RejectReason:
    return refusal(payload, expectations).reason


@pytest.mark.conformance("PKT-05", "PKT-08", "CS-01", "AUTH-01")
def test_the_golden_packet_without_authentication() -> None:
    # version 2 type 1 | vrid 51 | priority 150 | one address | auth none | 1 s | checksum | address | 8 zeros
    expected = with_checksum(bytes.fromhex("21 33 96 01 00 01 0000 c000020a 0000000000000000"))
    assert encode_advert(ADVERT_V2, SOURCE, GROUP) == expected == message_v2()


@pytest.mark.conformance("PKT-08", "AUTH-02")
def test_the_golden_packet_with_a_password() -> None:
    expected = with_checksum(bytes.fromhex("21 33 96 01 01 01 0000 c000020a 3131313100000000"))
    assert encode_advert(ADVERT_V2, SOURCE, GROUP, auth_data=PASSWORD) == expected


@pytest.mark.conformance("PKT-05")
def test_the_longest_interval() -> None:
    assert encode_advert(replace(ADVERT_V2, advert_int=seconds(255)), SOURCE, GROUP)[5] == 255


@pytest.mark.conformance_negative("PKT-05")
@pytest.mark.parametrize("interval", [0, seconds(0.5), seconds(1.5), seconds(256)])
def test_only_whole_seconds_up_to_255_fit(interval: int) -> None:
    with pytest.raises(ValueError, match="VRRP cannot carry advert_int"):
        encode_advert(replace(ADVERT_V2, advert_int=interval), SOURCE, GROUP)


@given(ADVERTS_V2, st.none() | st.text(st.characters(max_codepoint=127), min_size=1, max_size=8).map(auth_data))
def test_decoding_gives_back_what_was_encoded(advert: Advert, password: bytes | None) -> None:
    payload = encode_advert(advert, SOURCE, GROUP, auth_data=password)
    assert decode_advert(payload, SOURCE, GROUP, version=2) == (advert, ChecksumForm.MESSAGE_ONLY)


@pytest.mark.conformance("CS-01")
def test_the_checksum_has_no_pseudo_header() -> None:
    assert receive_datagram(datagram(message_v2(), source="192.0.2.77"), EXPECTATIONS_V2).checksum_form is (
        ChecksumForm.MESSAGE_ONLY
    )


@pytest.mark.conformance_negative("CS-01", "RX-08")
def test_every_wrong_bit_is_found_in_the_authentication_data_too() -> None:
    good = message_v2()
    for bit in range(6 * 8, 8 * len(good)):
        bad = bytearray(good)
        bad[bit // 8] ^= 0x80 >> bit % 8
        assert reason_against(bytes(bad)) is RejectReason.CHECKSUM, f"bit {bit}"


@pytest.mark.conformance_negative("PKT-08", "RX-07")
def test_a_packet_without_authentication_data_is_refused() -> None:
    assert reason_against(with_checksum(message_v2()[:-8])) is RejectReason.LENGTH


@pytest.mark.conformance_negative("RX-07")
def test_truncated_at_every_length_it_is_refused() -> None:
    whole = message_v2()
    reasons = [reason_against(whole[:size]) for size in range(len(whole))]
    assert reasons == [RejectReason.TRUNCATED] * 8 + [RejectReason.LENGTH] * 12


@pytest.mark.conformance("RX-01", "RX-05")
def test_a_frame_padded_to_60_bytes_is_received() -> None:
    assert receive_datagram(datagram(message_v2()) + bytes(6), EXPECTATIONS_V2).advert == ADVERT_V2


@pytest.mark.conformance_negative("RX-05", "INT-06")
@pytest.mark.fault("F42")
def test_each_version_refuses_the_other_and_says_so() -> None:
    assert reason_against(message()) is RejectReason.VERSION
    other = refusal(message_v2(), replace(EXPECTATIONS_V2, version=3))
    alarm = alarm_about(other, SOURCE)
    assert alarm is not None
    assert (alarm.kind, alarm.detail) == (
        "other_version",
        "adverts of 192.0.2.1 are discarded: version 2, we speak 3: set the same on all routers",
    )


@pytest.mark.conformance("RX-14", "AUTH-02")
def test_the_same_password_passes() -> None:
    assert received(message_v2(auth_type=1, auth_data=b"1111\0\0\0\0"), GUARDED).advert == ADVERT_V2


@pytest.mark.conformance("AUTH-01", "RX-14")
def test_without_authentication_nobody_looks_at_the_data() -> None:
    assert received(message_v2(auth_data=b"whatever")).advert == ADVERT_V2


def test_no_password_is_seen_where_expectations_are_printed() -> None:
    assert "1111" not in repr(GUARDED)


@pytest.mark.conformance_negative("RX-14", "AUTH-01", "AUTH-02")
@pytest.mark.parametrize(
    ("expectations", "auth_type", "data", "reason"),
    [
        (GUARDED, 1, b"1112\0\0\0\0", RejectReason.AUTH_PASSWORD),
        (GUARDED, 1, b"1111\0\0\0x", RejectReason.AUTH_PASSWORD),
        (GUARDED, 1, bytes(8), RejectReason.AUTH_PASSWORD),
        (GUARDED, 0, b"1111\0\0\0\0", RejectReason.AUTH_TYPE_MISMATCH),
        (EXPECTATIONS_V2, 1, b"1111\0\0\0\0", RejectReason.AUTH_TYPE_MISMATCH),
    ],
)
def test_another_password_or_type_is_refused(
    expectations: Expectations, auth_type: int, data: bytes, reason: RejectReason
) -> None:
    error = refusal(message_v2(auth_type=auth_type, auth_data=data), expectations)
    assert error.reason is reason
    assert "set the same on all routers" in error.detail
    assert "1111" not in str(error), "no password in a log"


@pytest.mark.conformance("AUTH-03")
@pytest.mark.conformance_negative("RX-14", "AUTH-03")
@pytest.mark.parametrize("auth_type", [2, 3, 254, 255])
def test_ah_and_types_of_vendors_are_refused_for_what_they_are(auth_type: int) -> None:
    for expectations in (EXPECTATIONS_V2, GUARDED):
        assert reason_against(message_v2(auth_type=auth_type), expectations) is RejectReason.AUTH_TYPE_UNKNOWN


@pytest.mark.conformance("AUTH-02")
def test_a_password_of_eight_characters_fits_and_is_compared_to_the_last() -> None:
    whole = replace(EXPECTATIONS_V2, auth_data=auth_data("abcdefgh"))
    assert received(message_v2(auth_type=1, auth_data=b"abcdefgh"), whole).advert == ADVERT_V2
    assert reason_against(message_v2(auth_type=1, auth_data=b"abcdefgX"), whole) is RejectReason.AUTH_PASSWORD


@pytest.mark.conformance_negative("AUTH-02")
@pytest.mark.parametrize("password", ["", "123456789", "ä"])
def test_a_password_that_does_not_fit_is_not_cut(password: str) -> None:
    with pytest.raises(ValueError, match="octets|ascii"):
        auth_data(password)


@pytest.mark.conformance_negative("RX-15")
@pytest.mark.fault("F41")
def test_another_interval_is_refused_with_an_alarm() -> None:
    error = refusal(message_v2(interval=2))
    assert error.reason is RejectReason.INTERVAL_MISMATCH
    alarm = alarm_about(error, SOURCE)
    assert alarm is not None and alarm.kind == "interval_mismatch"
    assert "192.0.2.1 has advert_int 2 s, we have 1 s" in alarm.detail


@pytest.mark.conformance("RX-15")
def test_the_same_interval_passes_without_a_word() -> None:
    three = replace(EXPECTATIONS_V2, advert_int=seconds(3))
    assert received(message_v2(interval=3), three).alarms == ()


@pytest.mark.conformance_negative("RX-12")
def test_interval_zero_is_refused() -> None:
    assert reason_against(message_v2(interval=0)) is RejectReason.INTERVAL


FOREIGN = bytes([192, 0, 2, 99])


@pytest.mark.conformance_negative("RX-17")
@pytest.mark.parametrize("priority", [0, 1, 254])
def test_another_list_is_refused_unless_the_owner_says_it(priority: int) -> None:
    error = refusal(message_v2(addresses=FOREIGN, priority=priority))
    assert error.reason is RejectReason.ADDRESS_LIST
    assert alarm_about(error, SOURCE) is not None


@pytest.mark.conformance("RX-17")
def test_the_owner_may_say_another_list_and_an_alarm_tells() -> None:
    owner = received(message_v2(addresses=FOREIGN, priority=255))
    assert [alarm.kind for alarm in owner.alarms] == ["address_list_mismatch"]


@pytest.mark.conformance("RX-17")
def test_the_order_of_the_list_does_not_matter_and_skip_check_adv_addr_skips_it() -> None:
    both = replace(EXPECTATIONS_V2, addresses=("192.0.2.10", "192.0.2.11"))
    swapped = message_v2(count=2, addresses=bytes([192, 0, 2, 11, 192, 0, 2, 10]))
    assert received(swapped, both).advert.addresses == ("192.0.2.11", "192.0.2.10")
    assert received(message_v2(addresses=FOREIGN), replace(both, skip_check_adv_addr=True)).alarms == ()


@pytest.mark.conformance_negative("PKT-09")
def test_version_2_has_no_ipv6() -> None:
    with pytest.raises(ValueError, match="VRRP cannot carry family"):
        encode_advert(replace(ADVERT_V2, addresses=("fe80::10",)), "fe80::1", "ff02::12")
