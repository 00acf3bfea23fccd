# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Packets that the tests build by hand, so that a fault in our encoder cannot hide one in our decoder."""

from __future__ import annotations

import struct
from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address

from hypothesis import strategies as st

from mainstay.model.units import seconds
from mainstay.vrrp.advert import Advert
from mainstay.vrrp.expectations import Expectations
from mainstay.vrrp.receive import Envelope

SOURCE = "192.0.2.1"
GROUP = "224.0.0.18"
SOURCE6 = "fe80::1"
GROUP6 = "ff02::12"
CENTISECOND = seconds(0.01)

ADVERT = Advert(version=3, virtual_router_id=51, priority=150, advert_int=seconds(1), addresses=("192.0.2.10",))
EXPECTATIONS = Expectations(virtual_router_id=51, advert_int=seconds(1), addresses=("192.0.2.10",))
EXPECTATIONS_V2 = replace(EXPECTATIONS, version=2)
EXPECTATIONS_V6 = replace(EXPECTATIONS, addresses=("fe80::10", "2001:db8::10"), family=6)
ADVERT_V2 = replace(ADVERT, version=2)
ADVERT_V6 = replace(ADVERT, addresses=EXPECTATIONS_V6.addresses)

_ADDRESSES = st.integers(0, 2**32 - 1).map(lambda number: str(IPv4Address(number)))

ADVERTS = st.builds(
    Advert,
    version=st.just(3),
    virtual_router_id=st.integers(1, 255),
    priority=st.integers(0, 255),
    advert_int=st.integers(1, 4095).map(lambda centiseconds: centiseconds * CENTISECOND),
    addresses=st.lists(_ADDRESSES, min_size=1, max_size=255).map(tuple),
)
ADVERTS_V2 = st.builds(
    Advert,
    version=st.just(2),
    virtual_router_id=st.integers(1, 255),
    priority=st.integers(0, 255),
    advert_int=st.integers(1, 255).map(seconds),
    addresses=st.lists(_ADDRESSES, min_size=1, max_size=255).map(tuple),
)
ADVERTS_V6 = st.builds(
    replace,
    ADVERTS,
    addresses=st.lists(st.integers(0, 2**128 - 1).map(IPv6Address).map(str), min_size=1, max_size=255).map(tuple),
)


def rfc1071(octets: bytes) -> int:
    """The internet checksum as RFC 1071 describes it: add words, fold carries, complement."""
    total = sum(struct.unpack(f"!{len(octets) // 2}H", octets))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def with_checksum(message: bytes, covered_before: bytes = b"") -> bytes:
    """`message` with its checksum field filled in."""
    blank = message[:6] + b"\0\0" + message[8:]
    return message[:6] + struct.pack("!H", rfc1071(covered_before + blank)) + message[8:]


def pseudo_header(length: int, source: str = SOURCE, destination: str = GROUP) -> bytes:
    return IPv4Address(source).packed + IPv4Address(destination).packed + struct.pack("!BBH", 0, 112, length)


def pseudo_header6(length: int, source: str = SOURCE6, destination: str = GROUP6) -> bytes:
    return IPv6Address(source).packed + IPv6Address(destination).packed + struct.pack("!I3xB", length, 112)


def message_v2(**changes: int | bytes) -> bytes:
    """A v2 advertisement for one address without authentication; fields by name."""
    fields = {"first": 0x21, "vrid": 51, "priority": 150, "count": 1, "auth_type": 0, "interval": 1, **changes}
    addresses = fields.pop("addresses", IPv4Address("192.0.2.10").packed)
    auth_data = fields.pop("auth_data", bytes(8))
    return with_checksum(struct.pack("!BBBBBBH", *fields.values(), 0) + addresses + auth_data)


def message_v6(**changes: int | bytes) -> bytes:
    """A v3 advertisement over IPv6 for two addresses; fields by name."""
    fields = {"first": 0x31, "vrid": 51, "priority": 150, "count": 2, "interval": 100, **changes}
    addresses = fields.pop("addresses", b"".join(IPv6Address(text).packed for text in EXPECTATIONS_V6.addresses))
    plain = struct.pack("!BBBBHH", *fields.values(), 0) + addresses
    return with_checksum(plain, pseudo_header6(len(plain)))


def message(**changes: int | bytes) -> bytes:
    """A v3 advertisement for one address; fields by name, checksum of the pseudo-header form."""
    fields = {"first": 0x31, "vrid": 51, "priority": 150, "count": 1, "interval": 100, **changes}
    addresses = fields.pop("addresses", IPv4Address("192.0.2.10").packed)
    plain = struct.pack("!BBBBHH", *fields.values(), 0) + addresses
    return with_checksum(plain, pseudo_header(len(plain)))


def envelope(source: str = SOURCE6, destination: str = GROUP6, hop_limit: int | None = 255) -> Envelope:
    """What an IPv6 socket tells beside the payload."""
    return Envelope(int(IPv6Address(source)), int(IPv6Address(destination)), hop_limit)


def datagram(payload: bytes, **changes: int | str | bytes) -> bytes:
    """An IPv4 datagram around `payload` as it arrives on a raw socket."""
    options = changes.get("options", b"")
    header_length = changes.get("header_words", 5 + len(options) // 4)
    total = changes.get("total", 20 + len(options) + len(payload))
    first = int(changes.get("ip_version", 4)) << 4 | header_length
    fragment = changes.get("fragment", 0x4000)
    ttl, protocol = changes.get("ttl", 255), changes.get("protocol", 112)
    header = struct.pack("!BBHHHBBH", first, 0xC0, total, 1, fragment, ttl, protocol, 0)
    ends = IPv4Address(changes.get("source", SOURCE)).packed + IPv4Address(changes.get("destination", GROUP)).packed
    return header + ends + options + payload
