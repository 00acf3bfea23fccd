# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A router that signs and one that verifies, with keys, a window and a moment of their own."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import replace
from ipaddress import ip_address

import pytest

from mainstay.model.units import NANOSECONDS_PER_SECOND, seconds
from mainstay.model.vrrp_config import HmacAuthentication, HmacKey
from mainstay.vrrp.hmac_trailer import HmacVerifier
from mainstay.vrrp.packet import encode_advert
from mainstay.vrrp.rejection import PacketError, RejectReason

from .packets import (
    ADVERT,
    GROUP,
    SOURCE,
)

KEY, OTHER = HmacKey(1, bytes(range(32))), HmacKey(2, b"k" * 64)
HMAC = HmacAuthentication(keys=(KEY,), active_key=1)
MONOTONIC = replace(HMAC, anti_replay="monotonic")
WINDOW = seconds(5)
NOW = 0x68000000 * NANOSECONDS_PER_SECOND
SENDER = ip_address(SOURCE).packed
MESSAGE = encode_advert(ADVERT, SOURCE, GROUP)


def independent_trailer(message: bytes, source: str, key: HmacKey, serial: int) -> bytes:
    """The trailer once more, from the layout and nothing else of ours."""
    address = ip_address(source)
    prefix = bytes([1, key.key_id, 0, 0]) + serial.to_bytes(8, "big")
    pseudo = bytes([address.version, message[0] >> 4, message[1], 0]) + address.packed.ljust(16, b"\0")
    signed = pseudo + message[:6] + b"\0\0" + message[8:] + prefix + bytes(16)
    return prefix + hmac.new(key.secret, signed, hashlib.sha256).digest()[:16]


def trailer_at(wall: int, key: HmacKey = KEY, message: bytes = MESSAGE, source: str = SOURCE) -> bytes:
    return independent_trailer(message, source, key, wall // NANOSECONDS_PER_SECOND % 2**32 << 32)


def reason_against(
    verifier: HmacVerifier, trailer: bytes, wall: int = NOW, message: bytes = MESSAGE, source: bytes = SENDER
) -> RejectReason:
    with pytest.raises(PacketError) as refused:
        verifier.verify(message, trailer, source, wall)
    return refused.value.reason


def fresh(authentication: HmacAuthentication = HMAC) -> HmacVerifier:
    return HmacVerifier(authentication, WINDOW)
