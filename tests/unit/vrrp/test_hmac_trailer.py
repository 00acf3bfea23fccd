# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signed adverts: the images of the draft's appendix, and what replays, clocks, keys and modes do (AUTH-04)."""

from __future__ import annotations

import struct
from dataclasses import replace
from ipaddress import ip_address

import pytest
from hypothesis import given, strategies as st

from mainstay.model.units import NANOSECONDS_PER_SECOND, seconds
from mainstay.model.vrrp_config import HmacKey
from mainstay.vrrp.advert import Advert
from mainstay.vrrp.checksum import ChecksumForm
from mainstay.vrrp.hmac_trailer import TRAILER_SIZE, HmacSigner, HmacVerifier, time_window
from mainstay.vrrp.packet import encode_advert, with_trailer
from mainstay.vrrp.rejection import RejectReason

from .packets import (
    ADVERT,
    GROUP,
    SOURCE,
    SOURCE6,
)
from .signing import (
    HMAC,
    KEY,
    MESSAGE,
    MONOTONIC,
    NOW,
    OTHER,
    SENDER,
    WINDOW,
    fresh,
    independent_trailer,
    reason_against,
    trailer_at,
)

# The two images of the appendix of draft-cassen-vrrp-auth-hmac, which keepalived's own test holds too: key 00..1f,
# number 0x6800000080000000, over IPv6 to fe80::20.
IMAGE_V4 = bytes.fromhex("3133c80100644402c00002640101000068000000800000001b84bc4e8e43892dc6d98448f8ee2265")
IMAGE_V6 = bytes.fromhex(
    "3133c8010064a2e9fe800000000000000000000000000100010100006800000080000000c8c56146ebfd66ee10ec4d8186461b78"
)
IMAGE_NOW = 0x68000000_8000 * NANOSECONDS_PER_SECOND // 0x10000


# ---- the draft's images


@pytest.mark.conformance("AUTH-04")
def test_we_sign_the_images_of_the_draft() -> None:
    advert = Advert(3, 51, 200, seconds(1), ("192.0.2.100",))
    message = encode_advert(advert, "198.51.100.10", GROUP, ChecksumForm.MESSAGE_ONLY)
    trailer = HmacSigner(HMAC, WINDOW).trailer(message, ip_address("198.51.100.10").packed, IMAGE_NOW)
    assert with_trailer(message, trailer, "198.51.100.10", GROUP) == IMAGE_V4

    advert = replace(advert, addresses=("fe80::100",))
    message = encode_advert(advert, "fe80::10", "fe80::20")
    trailer = HmacSigner(HMAC, WINDOW).trailer(message, ip_address("fe80::10").packed, IMAGE_NOW)
    assert with_trailer(message, trailer, "fe80::10", "fe80::20") == IMAGE_V6


@pytest.mark.conformance("AUTH-04")
def test_we_verify_the_images_of_the_draft() -> None:
    for image, source in ((IMAGE_V4, "198.51.100.10"), (IMAGE_V6, "fe80::10")):
        assert fresh().verify(image[:-28], image[-28:], ip_address(source).packed, IMAGE_NOW) is None


FLIPS = [
    ("priority", 2, RejectReason.AUTH_HMAC),
    ("interval", 4, RejectReason.AUTH_HMAC),
    ("checksum", 6, None),
    ("address", 23, RejectReason.AUTH_HMAC),
    ("type of the trailer", 24, RejectReason.AUTH_MALFORMED),
    ("key id", 25, RejectReason.AUTH_UNKNOWN_KEY),
    ("reserved", 26, RejectReason.AUTH_MALFORMED),
    ("seconds", 28, RejectReason.AUTH_HMAC),
    ("counter", 34, RejectReason.AUTH_HMAC),
    ("signature", 36, RejectReason.AUTH_HMAC),
]


@pytest.mark.conformance_negative("AUTH-04")
@pytest.mark.parametrize(("field", "octet", "reason"), FLIPS, ids=[name for name, _octet, _reason in FLIPS])
def test_one_flipped_bit_of_the_image(field: str, octet: int, reason: RejectReason | None) -> None:
    bad = bytearray(IMAGE_V6)
    bad[octet] ^= 1
    verifier, source = fresh(MONOTONIC), ip_address("fe80::10").packed
    if reason is None:
        assert verifier.verify(bytes(bad[:-28]), bytes(bad[-28:]), source, NOW) is None
    else:
        assert reason_against(verifier, bytes(bad[-28:]), NOW, bytes(bad[:-28]), source) is reason


@pytest.mark.conformance_negative("AUTH-04")
def test_a_signature_is_bound_to_its_sender_router_version_and_family() -> None:
    trailer = trailer_at(NOW)
    assert reason_against(fresh(), trailer, source=ip_address("192.0.2.2").packed) is RejectReason.AUTH_HMAC
    assert reason_against(fresh(), trailer, message=b"\x31\x34" + MESSAGE[2:]) is RejectReason.AUTH_HMAC
    assert reason_against(fresh(), trailer, message=b"\x21" + MESSAGE[1:]) is RejectReason.AUTH_HMAC
    assert reason_against(fresh(), trailer, source=SENDER + bytes(12)) is RejectReason.AUTH_HMAC


# ---- freshness


@pytest.mark.conformance_negative("AUTH-04")
def test_a_replay_is_refused_and_each_number_must_grow() -> None:
    verifier = fresh()
    verifier.verify(MESSAGE, trailer_at(NOW), SENDER, NOW)
    assert reason_against(verifier, trailer_at(NOW)) is RejectReason.AUTH_REPLAY
    assert reason_against(verifier, trailer_at(NOW - seconds(1))) is RejectReason.AUTH_REPLAY
    assert verifier.verify(MESSAGE, trailer_at(NOW + seconds(1)), SENDER, NOW) is None


@pytest.mark.conformance("AUTH-04")
def test_each_sender_has_its_own_mark() -> None:
    verifier = fresh()
    for source in ("192.0.2.2", "192.0.2.3"):
        trailer = trailer_at(NOW, source=source)
        verifier.verify(MESSAGE, trailer, ip_address(source).packed, NOW)
        assert reason_against(verifier, trailer, source=ip_address(source).packed) is RejectReason.AUTH_REPLAY


@pytest.mark.conformance_negative("AUTH-04")
def test_what_is_not_authentic_moves_no_mark() -> None:
    verifier = fresh()
    forged = bytearray(trailer_at(NOW + seconds(4)))
    forged[-1] ^= 1
    assert reason_against(verifier, bytes(forged)) is RejectReason.AUTH_HMAC
    assert verifier.verify(MESSAGE, trailer_at(NOW), SENDER, NOW) is None


@pytest.mark.conformance("AUTH-04")
@pytest.mark.conformance_negative("AUTH-04")
@pytest.mark.parametrize(("offset", "fresh_enough"), [(-6, False), (-5, True), (0, True), (5, True), (6, False)])
def test_the_window_is_open_to_both_sides(offset: int, fresh_enough: bool) -> None:
    trailer = trailer_at(NOW + seconds(offset))
    if fresh_enough:
        fresh().verify(MESSAGE, trailer, SENDER, NOW)
    else:
        assert reason_against(fresh(), trailer) is RejectReason.AUTH_STALE
    assert fresh(MONOTONIC).verify(MESSAGE, trailer, SENDER, NOW) is None, "monotonic compares no clocks"


def test_a_clock_that_drifts_is_reported_before_it_is_too_late() -> None:
    alarm = fresh().verify(MESSAGE, trailer_at(NOW - seconds(3)), SENDER, NOW)
    assert alarm is not None and alarm.kind == "clock_skew"
    assert "-3 s from our clock, adverts are refused beyond 5 s" in alarm.detail
    assert fresh().verify(MESSAGE, trailer_at(NOW - seconds(2)), SENDER, NOW) is None


@pytest.mark.conformance("AUTH-04")
def test_numbers_are_ordered_across_the_wrap_of_seconds() -> None:
    """RFC 1982: in 2106 the seconds begin again at 0."""
    end = (2**32 - 1) * NANOSECONDS_PER_SECOND
    verifier = fresh()
    verifier.verify(MESSAGE, trailer_at(end), SENDER, end)
    assert verifier.verify(MESSAGE, trailer_at(end + seconds(1)), SENDER, end + seconds(1)) is None
    assert reason_against(verifier, trailer_at(end), end + seconds(1)) is RejectReason.AUTH_REPLAY


@pytest.mark.conformance("AUTH-04")
@pytest.mark.fault("F16")
def test_a_mark_that_our_clock_left_a_window_ahead_expires_with_an_alarm() -> None:
    verifier = fresh()
    verifier.verify(MESSAGE, trailer_at(NOW + seconds(3600)), SENDER, NOW + seconds(3600))
    alarm = verifier.verify(MESSAGE, trailer_at(NOW), SENDER, NOW)
    assert alarm is not None and alarm.kind == "clock_stepped_back"
    assert reason_against(verifier, trailer_at(NOW)) is RejectReason.AUTH_REPLAY


@pytest.mark.conformance_negative("AUTH-04")
def test_monotonic_marks_never_expire() -> None:
    verifier = fresh(MONOTONIC)
    verifier.verify(MESSAGE, trailer_at(NOW + seconds(7200)), SENDER, NOW)
    assert reason_against(verifier, trailer_at(NOW)) is RejectReason.AUTH_REPLAY


@pytest.mark.conformance("AUTH-04")
def test_senders_are_remembered_in_bounded_number_and_the_oldest_goes() -> None:
    verifier = fresh()
    sources = [f"198.51.100.{number}" for number in range(70)]
    for source in sources:
        verifier.verify(MESSAGE, trailer_at(NOW, source=source), ip_address(source).packed, NOW)
    last = sources[-1]
    again = trailer_at(NOW, source=last)
    assert reason_against(verifier, again, source=ip_address(last).packed) is RejectReason.AUTH_REPLAY


# ---- the signer's numbers


def number_of(trailer: bytes) -> int:
    return int(struct.unpack_from("!Q", trailer, 4)[0])


@pytest.mark.conformance("AUTH-04")
@pytest.mark.fault("F16")
def test_numbers_grow_when_the_clock_stands_or_steps_back_a_little() -> None:
    signer = HmacSigner(HMAC, WINDOW)
    walls = [NOW, NOW, NOW - seconds(2), NOW - seconds(5), NOW + seconds(0.5)]
    numbers = [number_of(signer.trailer(MESSAGE, SENDER, wall)) for wall in walls]
    start = 0x68000000 << 32
    assert numbers == [start, start + 1, start + 2, start + 3, start | 0x8000 << 16]


@pytest.mark.conformance("AUTH-04")
def test_a_clock_set_back_further_than_the_window_is_followed() -> None:
    """Receivers with the right time would refuse the old numbers, and two routers would be master."""
    signer, verifier = HmacSigner(HMAC, WINDOW), fresh()
    signer.trailer(MESSAGE, SENDER, NOW + seconds(3600))
    assert verifier.verify(MESSAGE, signer.trailer(MESSAGE, SENDER, NOW), SENDER, NOW) is None


@pytest.mark.conformance_negative("AUTH-04")
def test_monotonic_numbers_grow_however_the_clock_steps() -> None:
    signer = HmacSigner(MONOTONIC, WINDOW)
    before = number_of(signer.trailer(MESSAGE, SENDER, NOW + seconds(3600)))
    assert number_of(signer.trailer(MESSAGE, SENDER, NOW)) == before + 1


@given(st.lists(st.integers(-3, 3).map(seconds), max_size=30))
def test_a_receiver_with_the_right_time_takes_all_of_a_jumping_sender(jumps: list[int]) -> None:
    signer, verifier = HmacSigner(HMAC, seconds(10)), HmacVerifier(HMAC, seconds(10))
    for step, jump in enumerate(jumps):
        true_time = NOW + step * seconds(1)
        verifier.verify(MESSAGE, signer.trailer(MESSAGE, SENDER, true_time + jump), SENDER, true_time)


@given(st.binary(min_size=12, max_size=60), st.integers(0, 2**40), st.sampled_from([KEY, OTHER]))
def test_the_signer_agrees_with_the_layout(rest: bytes, wall: int, key: HmacKey) -> None:
    message, wall = b"\x31" + rest, wall * NANOSECONDS_PER_SECOND
    signer = HmacSigner(replace(HMAC, keys=(KEY, OTHER), active_key=key.key_id), WINDOW)
    for source in (SOURCE, SOURCE6):
        trailer = signer.trailer(message, ip_address(source).packed, wall)
        assert trailer == independent_trailer(message, source, key, number_of(trailer))


# ---- keys and modes


@pytest.mark.conformance("AUTH-04")
def test_keys_rotate_make_before_break() -> None:
    both = replace(HMAC, keys=(KEY, OTHER))
    signer, verifier = HmacSigner(both, WINDOW), fresh(both)
    verifier.verify(MESSAGE, signer.trailer(MESSAGE, SENDER, NOW), SENDER, NOW)
    signer.adopt(replace(both, active_key=2), WINDOW)
    assert verifier.verify(MESSAGE, signer.trailer(MESSAGE, SENDER, NOW), SENDER, NOW) is None
    verifier.adopt(replace(both, keys=(OTHER,), active_key=2), WINDOW)
    later = NOW + seconds(1)
    assert verifier.verify(MESSAGE, signer.trailer(MESSAGE, SENDER, later), SENDER, later) is None


@pytest.mark.conformance_negative("AUTH-04")
def test_a_key_that_we_do_not_have_or_have_otherwise_is_refused() -> None:
    assert reason_against(fresh(), trailer_at(NOW, OTHER)) is RejectReason.AUTH_UNKNOWN_KEY
    assert reason_against(fresh(), trailer_at(NOW, HmacKey(1, b"x" * 32))) is RejectReason.AUTH_HMAC


@pytest.mark.conformance_negative("AUTH-04")
def test_a_reload_forgets_neither_marks_nor_numbers() -> None:
    signer, verifier = HmacSigner(HMAC, WINDOW), fresh()
    old = signer.trailer(MESSAGE, SENDER, NOW)
    verifier.verify(MESSAGE, old, SENDER, NOW)
    signer.adopt(HMAC, WINDOW)
    verifier.adopt(HMAC, WINDOW)
    assert reason_against(verifier, old) is RejectReason.AUTH_REPLAY
    assert number_of(signer.trailer(MESSAGE, SENDER, NOW)) == number_of(old) + 1


@pytest.mark.conformance("AUTH-04")
@pytest.mark.conformance_negative("AUTH-04")
@pytest.mark.parametrize(
    ("mode", "signs", "takes_unsigned"),
    [("receive-only", False, True), ("permissive", True, True), ("enforce", True, False)],
)
def test_modes_lead_to_enforcement_step_by_step(mode: str, signs: bool, takes_unsigned: bool) -> None:
    chosen = replace(HMAC, mode=mode)
    assert len(HmacSigner(chosen, WINDOW).trailer(MESSAGE, SENDER, NOW)) == (TRAILER_SIZE if signs else 0)
    if takes_unsigned:
        assert fresh(chosen).verify(MESSAGE, b"", SENDER, NOW) is None
    else:
        assert reason_against(fresh(chosen), b"") is RejectReason.AUTH_MISSING
    assert reason_against(fresh(chosen), trailer_at(NOW, OTHER)) is RejectReason.AUTH_UNKNOWN_KEY, "a bad one never"


def test_the_window_is_three_adverts_but_at_least_5_s() -> None:
    assert time_window(HMAC, seconds(1)) == seconds(5)
    assert time_window(HMAC, seconds(10)) == seconds(30)
    assert time_window(replace(HMAC, time_window=seconds(2)), seconds(10)) == seconds(2)


def test_one_signature_serves_every_peer() -> None:
    signer = HmacSigner(HMAC, WINDOW)
    trailers = signer.trailer(MESSAGE, SENDER, NOW)
    for peer in ("192.0.2.2", "192.0.2.3"):
        message = encode_advert(ADVERT, SOURCE, peer)
        assert fresh().verify(message, trailers, SENDER, NOW) is None
