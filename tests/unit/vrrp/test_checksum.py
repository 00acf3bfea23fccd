# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The checksum by division against the one that RFC 1071 describes, and the choice of the form to send (CS)."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given, strategies as st

from mainstay.vrrp.checksum import ChecksumForm, pseudo_header_sum, sum16, transmit_form, with_checksum

from .packets import pseudo_header, pseudo_header6, rfc1071


@pytest.mark.conformance("CS-07")
def test_the_example_of_rfc_1071() -> None:
    # section 3: the words 0001 f203 f4f5 f6f7 add up to ddf2
    assert sum16(bytes.fromhex("0001f203f4f5f6f7")) == 0xDDF2


@pytest.mark.conformance("CS-07")
@given(st.binary(min_size=1, max_size=400).filter(any))
def test_division_is_the_sum_with_carries_folded_for_odd_lengths_too(octets: bytes) -> None:
    expected = ~rfc1071(octets + bytes(len(octets) & 1)) & 0xFFFF
    assert sum16(octets) == expected % 0xFFFF


@pytest.mark.conformance("CS-07")
@pytest.mark.parametrize("octets", [b"\xff\xff", b"\xff\xff\xff\xff", b"\xff\xfe\x00\x01", b"\0\0"])
def test_zero_and_all_ones_are_the_same(octets: bytes) -> None:
    assert sum16(octets) == 0


@pytest.mark.conformance("CS-02", "CS-03")
@given(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1), st.integers(0, 2**16 - 1))
def test_numbers_add_what_the_pseudo_header_of_ipv4_adds(source: int, destination: int, length: int) -> None:
    octets = pseudo_header(length, str(IPv4Address(source)), str(IPv4Address(destination)))
    assert pseudo_header_sum(source, destination, length) % 0xFFFF == sum16(octets)


@pytest.mark.conformance("CS-02")
@given(st.integers(0, 2**128 - 1), st.integers(0, 2**128 - 1), st.integers(0, 2**16 - 1))
def test_numbers_add_what_the_pseudo_header_of_ipv6_adds(source: int, destination: int, length: int) -> None:
    octets = pseudo_header6(length, str(IPv6Address(source)), str(IPv6Address(destination)))
    assert pseudo_header_sum(source, destination, length) % 0xFFFF == sum16(octets)


@pytest.mark.conformance("CS-07")
@given(st.binary(min_size=8, max_size=64).map(lambda octets: octets[: len(octets) & ~1]).filter(any))
def test_a_message_with_its_checksum_adds_up_to_all_ones(message: bytes) -> None:
    assert rfc1071(with_checksum(message)) in (0, 0xFFFF)


@pytest.mark.conformance_negative("CS-07")
@given(st.binary(min_size=8, max_size=64).filter(any), st.integers(0, 511))
def test_one_flipped_bit_never_keeps_the_sum(message: bytes, bit: int) -> None:
    bad = bytearray(message)
    bad[bit // 8 % len(bad)] ^= 1 << bit % 8
    assert sum16(bytes(bad)) != sum16(message)


@pytest.mark.conformance("CS-05")
@pytest.mark.parametrize(
    ("v3_checksum", "heard", "sent"),
    [
        ("auto", None, ChecksumForm.PSEUDO_HEADER),
        ("auto", ChecksumForm.MESSAGE_ONLY, ChecksumForm.MESSAGE_ONLY),
        ("auto", ChecksumForm.LEGACY_UNICAST, ChecksumForm.LEGACY_UNICAST),
        ("rfc5798", ChecksumForm.MESSAGE_ONLY, ChecksumForm.PSEUDO_HEADER),
        ("rfc9568", ChecksumForm.PSEUDO_HEADER, ChecksumForm.MESSAGE_ONLY),
    ],
)
def test_the_form_to_send(v3_checksum: str, heard: ChecksumForm | None, sent: ChecksumForm) -> None:
    assert transmit_form(v3_checksum, heard) is sent


@pytest.mark.conformance_negative("CS-05")
def test_an_unknown_form_is_an_error_and_not_a_default() -> None:
    with pytest.raises(ValueError, match="rfc1071"):
        transmit_form("rfc1071", None)
