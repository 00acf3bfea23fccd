# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signed adverts on the receive ladder: who is heard, why the others are refused, what is an alarm (AUTH-04)."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address

import pytest

from mainstay.model.units import seconds
from mainstay.model.vrrp_config import HmacAuthentication, HmacKey
from mainstay.vrrp.advert import Advert
from mainstay.vrrp.checksum import ChecksumForm
from mainstay.vrrp.hmac_trailer import HmacSigner, HmacVerifier
from mainstay.vrrp.packet import encode_advert, with_trailer
from mainstay.vrrp.receive import Received, alarm_about, receive_datagram, receive_payload
from mainstay.vrrp.rejection import PacketError, RejectReason

from .packets import (
    ADVERT,
    ADVERT_V2,
    ADVERT_V6,
    EXPECTATIONS,
    EXPECTATIONS_V2,
    EXPECTATIONS_V6,
    GROUP,
    GROUP6,
    SOURCE,
    SOURCE6,
    datagram,
    envelope,
)
from .signing import (
    HMAC,
    MESSAGE,
    NOW,
    SENDER,
    WINDOW,
    fresh,
)


def signed_datagram(advert: Advert, wall: int, form: ChecksumForm = ChecksumForm.PSEUDO_HEADER) -> bytes:
    message = encode_advert(advert, SOURCE, GROUP, form)
    trailer = HmacSigner(HMAC, WINDOW).trailer(message, SENDER, wall)
    return datagram(with_trailer(message, trailer, SOURCE, GROUP))


@pytest.mark.conformance("AUTH-04", "RX-14")
def test_signed_adverts_of_every_version_and_family_are_received() -> None:
    for form in (ChecksumForm.PSEUDO_HEADER, ChecksumForm.MESSAGE_ONLY):
        seen = receive_datagram(signed_datagram(ADVERT, NOW, form), replace(EXPECTATIONS, hmac=fresh()), NOW)
        assert seen == Received(ADVERT, int(ip_address(SOURCE)), form, ())
    guarded = replace(EXPECTATIONS_V2, hmac=fresh())
    assert receive_datagram(signed_datagram(ADVERT_V2, NOW), guarded, NOW).advert == ADVERT_V2
    message = encode_advert(ADVERT_V6, SOURCE6, GROUP6)
    trailer = HmacSigner(HMAC, WINDOW).trailer(message, ip_address(SOURCE6).packed, NOW)
    payload = with_trailer(message, trailer, SOURCE6, GROUP6)
    guarded = replace(EXPECTATIONS_V6, hmac=fresh())
    assert receive_payload(payload, envelope(), guarded, NOW).advert == ADVERT_V6


@pytest.mark.conformance_negative("AUTH-04", "RX-14")
def test_the_ladder_refuses_under_the_reason_of_the_trailer() -> None:
    guarded = replace(EXPECTATIONS, hmac=fresh())
    packet = signed_datagram(ADVERT, NOW)
    receive_datagram(packet, guarded, NOW)
    story = [
        (packet, NOW, RejectReason.AUTH_REPLAY),
        (packet, NOW + seconds(10), RejectReason.AUTH_STALE),
        (datagram(MESSAGE), NOW, RejectReason.AUTH_MISSING),
        (packet[:-1] + bytes([packet[-1] ^ 1]), NOW, RejectReason.AUTH_HMAC),
        (datagram(packet[20:-1]), NOW, RejectReason.LENGTH),
    ]
    for heard, wall, reason in story:
        with pytest.raises(PacketError) as refused:
            receive_datagram(heard, guarded, wall)
        assert refused.value.reason is reason


@pytest.mark.conformance_negative("RX-07")
def test_a_router_without_auth_hmac_refuses_signed_adverts_and_says_why() -> None:
    with pytest.raises(PacketError, match="length: 40 bytes, 1 addresses make 12: signed, and no auth_hmac here"):
        receive_datagram(signed_datagram(ADVERT, NOW), EXPECTATIONS, NOW)


UNKNOWN_KEY = HmacAuthentication((HmacKey(2, b"k" * 32),), 2)
OTHER_SECRET = HmacAuthentication((HmacKey(1, b"k" * 32),), 1)
TWO_MASTERS = {
    "another secret": (HmacVerifier(OTHER_SECRET, WINDOW), 0, "authentication_mismatch", "key 1 is wrong: give this"),
    "unknown key": (HmacVerifier(UNKNOWN_KEY, WINDOW), 0, "authentication_mismatch", "key 1, which we do not have: g"),
    "unsigned here": (None, 0, "authentication_mismatch", "no auth_hmac here: set the same"),
    "clock apart": (HmacVerifier(HMAC, WINDOW), 60, "clock_skew", "-60 s from ours, time_window is 5 s: check the"),
}


@pytest.mark.conformance_negative("AUTH-04")
@pytest.mark.parametrize(("verifier", "later", "kind", "words"), TWO_MASTERS.values(), ids=TWO_MASTERS)
def test_signatures_that_make_two_masters_are_an_alarm_with_sender_cause_and_remedy(
    verifier: HmacVerifier | None, later: int, kind: str, words: str
) -> None:
    with pytest.raises(PacketError) as refused:
        receive_datagram(signed_datagram(ADVERT, NOW), replace(EXPECTATIONS, hmac=verifier), NOW + seconds(later))
    alarm = alarm_about(refused.value, SOURCE)
    assert alarm is not None and alarm.kind == kind
    assert alarm.detail.startswith(f"adverts of {SOURCE} are discarded: ") and words in alarm.detail


def test_a_replay_and_a_broken_length_are_no_alarm() -> None:
    guarded, packet = replace(EXPECTATIONS, hmac=fresh()), signed_datagram(ADVERT, NOW)
    receive_datagram(packet, guarded, NOW)
    for harmless in (packet, datagram(packet[20:-1])):
        with pytest.raises(PacketError) as refused:
            receive_datagram(harmless, guarded, NOW)
        assert alarm_about(refused.value, SOURCE) is None, refused.value
