# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The bytes of a VRRPv3 advertisement over IPv4 (RFC 9568 section 5).

```
 0                   1                   2                   3
|Version|  Type |  Virtual Rtr ID |   Priority  | Address count |
| rsvd  |   Max Advertise Int     |         Checksum            |
|                 IPv4 addresses, 4 bytes each                  |
```

Two checksums are in use for VRRPv3 over IPv4. RFC 5798 can be read as covering a pseudo-header, and
keepalived, MikroTik and FRR send that form; RFC 9568 5.2.8 narrows it to the message alone, and Cisco sends that
one. We accept both, tell them apart, and send the first, because keepalived drops the second by default.
"""

from __future__ import annotations

import enum
import ipaddress
import struct
import typing as t
from dataclasses import dataclass

from ..model.units import NANOSECONDS_PER_CENTISECOND
from .advert import Advert

PROTOCOL_NUMBER = 112
VERSION = 3
ADVERTISEMENT = 1

_HEADER = struct.Struct("!BBBBHH")
_PSEUDO_HEADER = struct.Struct("!IIBBH")
_ADDRESS_SIZE = 4
_INTERVAL_MASK = 0x0FFF
"""Twelve bits of centiseconds; the four above them are reserved and ignored on receipt (RFC 9568 5.2.6)."""


class RejectReason(str, enum.Enum):
    """Why a packet was discarded; the value is the counter's name in the status. Ids are those of the list."""

    IP_HEADER = "ip_header"  # RX-01
    TRUNCATED = "truncated"  # RX-02
    TTL = "ttl"  # RX-03
    VERSION = "version"  # RX-05
    TYPE = "type"  # RX-06
    LENGTH = "length"  # RX-07
    CHECKSUM = "checksum"  # RX-08
    VIRTUAL_ROUTER_ID = "virtual_router_id"  # RX-09
    ADDRESS_COUNT = "address_count"  # RX-11
    INTERVAL = "advert_int"  # RX-12
    SOURCE = "source"  # RX-18
    DESTINATION = "destination"  # RX-19


class PacketError(Exception):
    """A received packet is discarded; nothing else may come of it (RX-25)."""

    def __init__(self, reason: RejectReason, detail: str) -> None:
        self.reason = reason
        self.detail = detail
        super().__init__(f"{reason.value}: {detail}")


class ChecksumForm(str, enum.Enum):
    """What the checksum of a v3 packet over IPv4 covers."""

    PSEUDO_HEADER = "rfc5798"
    MESSAGE_ONLY = "rfc9568"


def encode_advert(
    advert: Advert, source: str, destination: str, form: ChecksumForm = ChecksumForm.PSEUDO_HEADER
) -> bytes:
    """The VRRP message, without an IP header, as `source` sends it to `destination` (dotted quads).

    Raises ValueError for what the format cannot carry; a validated configuration never has it.
    """
    _require_encodable(advert)
    addresses = b"".join(ipaddress.IPv4Address(address).packed for address in advert.addresses)
    interval = advert.advert_int // NANOSECONDS_PER_CENTISECOND
    fields = (VERSION << 4 | ADVERTISEMENT, advert.virtual_router_id, advert.priority, len(advert.addresses))
    message = _HEADER.pack(*fields, interval, 0) + addresses
    covered = message
    if form is ChecksumForm.PSEUDO_HEADER:
        ends = int(ipaddress.IPv4Address(source)), int(ipaddress.IPv4Address(destination))
        covered = _pseudo_header(*ends, len(message)) + message
    return _HEADER.pack(*fields, interval, -_sum16(covered) % 0xFFFF) + addresses


def decode_advert(payload: bytes, source: str, destination: str) -> t.Tuple[Advert, ChecksumForm]:
    """The advertisement in a VRRP message that `source` sent to `destination`, and its form of checksum.

    Checks what the message itself can show (RX-02, 05..08, 11, 12). Raises PacketError.
    """
    message = Message.parse(payload)
    message.check_version(VERSION)
    message.check_type()
    message.check_length()
    ends = int(ipaddress.IPv4Address(source)), int(ipaddress.IPv4Address(destination))
    form = message.checksum_form(*ends)
    message.check_address_count()
    message.check_interval()
    return message.advert(), form


@dataclass(frozen=True)
class Message:
    """The fields of a VRRP message as they came, and one check for each rung of the receive ladder."""

    payload: bytes
    version: int
    type: int
    virtual_router_id: int
    priority: int
    address_count: int
    interval: int
    """Centiseconds."""

    @classmethod
    def parse(cls, payload: bytes) -> Message:
        """Split the fixed part into fields (RX-02)."""
        if len(payload) < _HEADER.size:
            detail = f"{len(payload)} bytes, an advertisement has at least {_HEADER.size}"
            raise PacketError(RejectReason.TRUNCATED, detail)
        first, virtual_router_id, priority, count, interval, _checksum = _HEADER.unpack_from(payload)
        return cls(payload, first >> 4, first & 0x0F, virtual_router_id, priority, count, interval & _INTERVAL_MASK)

    def check_version(self, expected: int) -> None:
        """RX-05."""
        if self.version != expected:
            detail = f"version {self.version}, we speak {expected}: set the same on all routers"
            raise PacketError(RejectReason.VERSION, detail)

    def check_type(self) -> None:
        """RX-06."""
        if self.type != ADVERTISEMENT:
            raise PacketError(RejectReason.TYPE, f"type {self.type}, only {ADVERTISEMENT} is defined")

    def check_length(self) -> None:
        """RX-07: exactly what the address count says; before any address is looked at (RX-22)."""
        expected = _HEADER.size + _ADDRESS_SIZE * self.address_count
        if len(self.payload) != expected:
            detail = f"{len(self.payload)} bytes, {self.address_count} addresses make {expected}"
            raise PacketError(RejectReason.LENGTH, detail)

    def checksum_form(self, source: int, destination: int) -> ChecksumForm:
        """RX-08, CS-04: which of the two forms holds."""
        if _sum16(_pseudo_header(source, destination, len(self.payload)) + self.payload) == 0:
            return ChecksumForm.PSEUDO_HEADER
        if _sum16(self.payload) == 0:
            return ChecksumForm.MESSAGE_ONLY
        raise PacketError(RejectReason.CHECKSUM, "wrong with and without the pseudo-header")

    def check_address_count(self) -> None:
        """RX-11 (RFC 9568 erratum 8299)."""
        if self.address_count == 0:
            raise PacketError(RejectReason.ADDRESS_COUNT, "no address in the list")

    def check_interval(self) -> None:
        """RX-12 (RFC 9568 erratum 8301): it would make our master-down timer fire at once, for ever."""
        if self.interval == 0:
            raise PacketError(RejectReason.INTERVAL, "interval 0")

    def advert(self) -> Advert:
        """The value; call it after the checks."""
        numbers = struct.unpack_from(f"!{self.address_count}I", self.payload, _HEADER.size)
        return Advert(
            version=self.version,
            virtual_router_id=self.virtual_router_id,
            priority=self.priority,
            advert_int=self.interval * NANOSECONDS_PER_CENTISECOND,
            addresses=tuple(str(ipaddress.IPv4Address(number)) for number in numbers),
        )


def _require_encodable(advert: Advert) -> None:
    centiseconds, remainder = divmod(advert.advert_int, NANOSECONDS_PER_CENTISECOND)
    limits = {
        "version": advert.version == VERSION,
        "virtual_router_id": 1 <= advert.virtual_router_id <= 255,
        "priority": 0 <= advert.priority <= 255,
        "advert_int": 1 <= centiseconds <= 4095 and remainder == 0,
        "addresses": 1 <= len(advert.addresses) <= 255,
    }
    wrong = [name for name, holds in limits.items() if not holds]
    if wrong:
        raise ValueError(f"VRRPv3 cannot carry {' and '.join(wrong)} of {advert}")


def _pseudo_header(source: int, destination: int, length: int) -> bytes:
    return _PSEUDO_HEADER.pack(source, destination, 0, PROTOCOL_NUMBER, length)


def _sum16(octets: bytes) -> int:
    """Ones-complement sum of 16-bit words (RFC 1071), 0..0xfffe: 0 stands for 0xffff too.

    Folding carries is arithmetic modulo 0xffff, so the whole text is one big number to divide. Every caller's
    text has an even length and is not all zero.
    """
    return int.from_bytes(octets, "big") % 0xFFFF
