# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The bytes of a control packet, and every check of RFC 5880 section 6.8.6 with its reason."""

from __future__ import annotations

import pytest
from scapy.contrib.bfd import BFD

from mainstay.bfd.packet import ControlPacket, PacketError, RejectReason, State, check_ttl, decode, encode
from mainstay.model.units import seconds

PACKET = ControlPacket(State.UP, 3, 5, 0x01020304, 0x05060708, seconds(0.01), seconds(0.02))
OCTETS = bytes.fromhex("23c00518 01020304 05060708 00002710 00004e20 00000000")


def changed(position: int, value: int) -> bytes:
    return OCTETS[:position] + bytes([value]) + OCTETS[position + 1 :]


def test_the_octets_are_those_of_section_4_1() -> None:
    assert encode(PACKET) == OCTETS
    assert decode(OCTETS) == PACKET


@pytest.mark.parametrize(
    ("flag", "octet"), [("poll", 0xE0), ("final", 0xD0), ("demand", 0xC2)], ids=["poll", "final", "demand"]
)
def test_a_flag_has_its_bit(flag: str, octet: int) -> None:
    said = decode(changed(1, octet))
    assert getattr(said, flag) and encode(said)[1] == octet
    assert [getattr(said, other) for other in ("poll", "final", "demand")].count(True) == 1


def test_scapy_reads_what_we_write() -> None:
    read = BFD(OCTETS)
    assert (read.version, read.diag, read.sta, read.flags, read.detect_mult, read.len) == (1, 3, 3, 0, 5, 24)
    assert (read.my_discriminator, read.your_discriminator) == (0x01020304, 0x05060708)
    assert (read.min_tx_interval, read.min_rx_interval, read.echo_rx_interval) == (10000, 20000, 0)


@pytest.mark.parametrize(
    ("reason", "octets"),
    [
        (RejectReason.TRUNCATED, b""),
        (RejectReason.TRUNCATED, OCTETS[:23]),
        (RejectReason.VERSION, changed(0, 0x03)),
        (RejectReason.VERSION, changed(0, 0x43)),
        (RejectReason.LENGTH, changed(3, 23)),
        (RejectReason.LENGTH, changed(3, 25)),
        (RejectReason.LENGTH, changed(1, 0xC4)),  # with authentication at least 26
        (RejectReason.DETECT_MULTIPLIER, changed(2, 0)),
        (RejectReason.MULTIPOINT, changed(1, 0xC1)),
        (RejectReason.MY_DISCRIMINATOR, OCTETS[:4] + bytes(4) + OCTETS[8:]),
        (RejectReason.STATE, OCTETS[:8] + bytes(4) + OCTETS[12:]),
        (RejectReason.STATE, OCTETS[:1] + b"\x80" + OCTETS[2:8] + bytes(4) + OCTETS[12:]),
        (RejectReason.AUTHENTICATION, OCTETS[:1] + b"\xc4\x05\x1a" + OCTETS[4:] + b"\x01\x04"),
    ],
)
def test_an_invalid_packet_is_discarded_with_its_reason(reason: RejectReason, octets: bytes) -> None:
    with pytest.raises(PacketError) as refused:
        decode(octets)
    assert refused.value.reason is reason, refused.value
    assert len(refused.value.detail) > 10


@pytest.mark.parametrize("state", [State.ADMIN_DOWN, State.DOWN])
def test_without_our_discriminator_a_packet_may_only_be_down(state: State) -> None:
    octets = changed(1, state << 6)
    assert decode(octets[:8] + bytes(4) + octets[12:]).state is state


def test_what_follows_the_length_is_not_looked_at() -> None:
    assert decode(OCTETS + b"padding of a short frame") == PACKET


@pytest.mark.parametrize(("ttl", "max_hops"), [(255, 0), (250, 5), (1, 254), (1, -1), (0, -1)])
def test_a_ttl_within_max_hops_is_good(ttl: int, max_hops: int) -> None:
    check_ttl(ttl, max_hops)


@pytest.mark.parametrize(("ttl", "max_hops"), [(254, 0), (1, 0), (0, 0), (249, 5)])
def test_a_forwarded_packet_is_discarded(ttl: int, max_hops: int) -> None:
    with pytest.raises(PacketError, match=f"ttl: TTL {ttl}, at least {255 - max_hops} is expected"):
        check_ttl(ttl, max_hops)


def test_what_the_format_cannot_carry_is_an_error_of_ours() -> None:
    with pytest.raises(ValueError, match="BFD cannot carry"):
        encode(ControlPacket(State.UP, 0, 256, 1, 1, 0, 0))
