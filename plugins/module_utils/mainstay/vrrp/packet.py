# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The bytes of an advertisement: VRRPv2 and VRRPv3 over IPv4, VRRPv3 over IPv6.

```
 0                   1                   2                   3
|Version|  Type |  Virtual Rtr ID |   Priority  | Address count |
| v3: rsvd, Max Advertise Int     |         Checksum            |
| v2: Auth Type | Advertise Int   |                             |
|              addresses, 4 or 16 bytes each                    |
| v2 only: authentication data, 8 bytes, always there           |
| with auth_hmac only: the trailer of hmac_trailer, 28 bytes    |
```

Version 3 counts centiseconds (RFC 9568 5.2), version 2 whole seconds (RFC 3768 5.3). What the checksum covers is told
in checksum.py.
"""

from __future__ import annotations

import ipaddress
import struct
import typing as t

from ..model.units import NANOSECONDS_PER_CENTISECOND, NANOSECONDS_PER_SECOND, Duration
from .advert import Advert
from .authentication import AUTH_DATA_SIZE, NO_AUTHENTICATION, SIMPLE_PASSWORD
from .checksum import (
    ChecksumForm,
    added_by,
    form_of,
    pseudo_header_sum,
    with_checksum,
)
from .hmac_trailer import TRAILER_SIZE
from .rejection import AUTHENTICATION_MISMATCH, PacketError, RejectReason

VERSION_2 = 2
VERSION_3 = 3
ADVERTISEMENT = 1

_HEADER = struct.Struct("!BBBBHH")
_ADDRESS_SIZE = {4: 4, 6: 16}
_INTERVAL_MASK = 0x0FFF
"""Twelve bits of centiseconds; the four above them are reserved and ignored on receipt (RFC 9568 5.2.6)."""
_INTERVALS = {VERSION_2: (NANOSECONDS_PER_SECOND, 255), VERSION_3: (NANOSECONDS_PER_CENTISECOND, _INTERVAL_MASK)}
"""Unit in nanoseconds and largest number of them."""
_TAIL_SIZE = {VERSION_2: AUTH_DATA_SIZE, VERSION_3: 0}
_LINK_LOCAL_MASK, _LINK_LOCAL = 0xFFC0, 0xFE80  # fe80::/10, of the first 16 bits

_FORMS_V4 = (ChecksumForm.PSEUDO_HEADER, ChecksumForm.MESSAGE_ONLY)
_FORMS_UNICAST = (*_FORMS_V4, ChecksumForm.LEGACY_UNICAST)
_FORMS_V2 = (ChecksumForm.MESSAGE_ONLY,)
_FORMS_V6 = (ChecksumForm.PSEUDO_HEADER,)


def encode_advert(
    advert: Advert,
    source: str,
    destination: str,
    form: ChecksumForm = ChecksumForm.PSEUDO_HEADER,
    auth_data: t.Optional[bytes] = None,
) -> bytes:
    """The VRRP message, without an IP header, as `source` sends it to `destination`; their family is its family.

    `form` is heeded by version 3 over IPv4. `auth_data` (8 bytes) makes version 2 authenticate with them.
    Raises ValueError for what the format cannot carry; a validated configuration never has it.
    """
    sender, receiver = ipaddress.ip_address(source), ipaddress.ip_address(destination)
    addresses = [ipaddress.ip_address(address) for address in advert.addresses]
    _require_encodable(advert, {sender.version, receiver.version, *(address.version for address in addresses)})
    count, tail = len(addresses), b""
    interval = advert.advert_int // _INTERVALS[advert.version][0]
    if advert.version == VERSION_2:
        interval |= (NO_AUTHENTICATION if auth_data is None else SIMPLE_PASSWORD) << 8
        tail = auth_data or bytes(AUTH_DATA_SIZE)
    first = advert.version << 4 | ADVERTISEMENT
    header = _HEADER.pack(first, advert.virtual_router_id, advert.priority, count, interval, 0)
    message = header + b"".join(address.packed for address in addresses) + tail
    covers = _covers(advert.version, sender.version, form)
    return with_checksum(message, added_by(covers, int(sender), int(receiver), len(message)))


def with_trailer(message: bytes, trailer: bytes, source: str, destination: str) -> bytes:
    """An encoded message with its signature appended, ready to be sent; an empty trailer changes nothing."""
    sender = ipaddress.ip_address(source)
    if sender.version == 4 or not trailer:
        return message + trailer
    signed = message + trailer
    return with_checksum(signed, pseudo_header_sum(int(sender), int(ipaddress.ip_address(destination)), len(signed)))


def decode_advert(
    payload: bytes, source: str, destination: str, version: int = VERSION_3
) -> t.Tuple[Advert, ChecksumForm]:
    """The advertisement in a VRRP message that `source` sent to `destination`, and its form of checksum.

    Checks what the message itself can show (RX-02, 05..08, 11, 12), of any virtual router. Raises PacketError.
    """
    sender, receiver = ipaddress.ip_address(source), ipaddress.ip_address(destination)
    message = Message(payload)
    message.check_version(version)
    message.check_type()
    message.check_length(sender.version)
    form = message.checksum_form(int(sender), int(receiver))
    message.check_address_count()
    message.check_interval()
    return message.advert(), form


class Message:
    """The fields of a VRRP message as they came, and one check for each rung of the receive ladder."""

    __slots__ = (
        "address_count", "body", "family", "payload", "priority", "trailer", "type", "version", "virtual_router_id",
        "word",
    )  # fmt: skip

    def __init__(self, payload: bytes) -> None:
        """Split the fixed part into fields (RX-02)."""
        if len(payload) < _HEADER.size:
            detail = f"{len(payload)} bytes, an advertisement has at least {_HEADER.size}"
            raise PacketError(RejectReason.TRUNCATED, detail)
        fields: t.Tuple[int, ...] = _HEADER.unpack_from(payload)
        first, self.virtual_router_id, self.priority, self.address_count, self.word, _checksum = fields
        self.version = first >> 4
        self.type = first & 0x0F
        self.payload = payload
        self.family = 4
        self.body = payload
        """Without the trailer; told apart by check_length."""
        self.trailer = b""

    def check_version(self, expected: int) -> None:
        """RX-05."""
        if self.version != expected:
            detail = f"version {self.version}, we speak {expected}: set the same on all routers"
            raise PacketError(RejectReason.VERSION, detail)

    def check_type(self) -> None:
        """RX-06."""
        if self.type != ADVERTISEMENT:
            raise PacketError(RejectReason.TYPE, f"type {self.type}, only {ADVERTISEMENT} is defined")

    def check_length(self, family: int, may_be_signed: bool = False) -> None:
        """RX-07: exactly what count and version say; before any address is looked at (RX-22)."""
        self.family = family
        expected = _HEADER.size + _ADDRESS_SIZE[family] * self.address_count + _TAIL_SIZE[self.version]
        length = len(self.payload)
        if length == expected:
            return
        if length != expected + TRAILER_SIZE or not may_be_signed:
            detail = f"{length} bytes, {self.address_count} addresses make {expected}"
            if length == expected + TRAILER_SIZE:
                detail += ": signed, and no auth_hmac here: set the same on all routers"
                raise PacketError(RejectReason.LENGTH, detail, AUTHENTICATION_MISMATCH)
            raise PacketError(RejectReason.LENGTH, detail)
        self.body, self.trailer = self.payload[:expected], self.payload[expected:]

    def checksum_form(self, source: int, destination: int, unicast: bool = False) -> ChecksumForm:
        """RX-08, CS-04, CS-06: which of the forms holds."""
        covered = self.payload if self.family == 6 else self.body
        form = form_of(covered, source, destination, _candidates(self.version, self.family, unicast))
        if form is None:
            raise PacketError(RejectReason.CHECKSUM, "wrong in every form that is in use")
        return form

    def check_address_count(self) -> None:
        """RX-11 (RFC 9568 erratum 8299)."""
        if self.address_count == 0:
            raise PacketError(RejectReason.ADDRESS_COUNT, "no address in the list")

    def check_interval(self) -> None:
        """RX-12 (RFC 9568 erratum 8301): it would make our master-down timer fire at once, for ever."""
        if self.interval == 0:
            raise PacketError(RejectReason.INTERVAL, "interval 0")

    def check_link_local_first(self) -> None:
        """RX-13 (RFC 9568 erratum 8300), for IPv6."""
        first = int.from_bytes(self.addresses_packed[:2], "big")
        if self.address_count and first & _LINK_LOCAL_MASK != _LINK_LOCAL:
            detail = f"the first address, {self.addresses()[0]}, is not link-local"
            raise PacketError(RejectReason.LINK_LOCAL_FIRST, detail)

    @property
    def interval(self) -> int:
        """Centiseconds in version 3, seconds in version 2."""
        return self.word & (0x00FF if self.version == VERSION_2 else _INTERVAL_MASK)

    @property
    def advert_int(self) -> Duration:
        """The interval in nanoseconds."""
        return self.interval * _INTERVALS[self.version][0]

    @property
    def auth_type(self) -> int:
        """Version 2 only."""
        return self.word >> 8

    @property
    def auth_data(self) -> bytes:
        """Version 2 only; call it after check_length."""
        return self.body[-AUTH_DATA_SIZE:]

    @property
    def addresses_packed(self) -> bytes:
        """The list as it came; call it after check_length."""
        return self.body[_HEADER.size : _HEADER.size + _ADDRESS_SIZE[self.family] * self.address_count]

    def addresses(self) -> t.Tuple[str, ...]:
        """The list as text, in its order; call it after check_length."""
        packed, size = self.addresses_packed, _ADDRESS_SIZE[self.family]
        return tuple(str(ipaddress.ip_address(packed[at : at + size])) for at in range(0, len(packed), size))

    def advert(self) -> Advert:
        """The value; call it after the checks."""
        return Advert(self.version, self.virtual_router_id, self.priority, self.advert_int, self.addresses())


def packed(addresses: t.Iterable[str]) -> bytes:
    """A list of addresses as a message carries it."""
    return b"".join(ipaddress.ip_address(address).packed for address in addresses)


def _require_encodable(advert: Advert, families: t.Set[int]) -> None:
    unit, most = _INTERVALS.get(advert.version, (1, 0))
    number, remainder = divmod(advert.advert_int, unit)
    limits = {
        "version": advert.version in _INTERVALS,
        "virtual_router_id": 1 <= advert.virtual_router_id <= 255,
        "priority": 0 <= advert.priority <= 255,
        "advert_int": 1 <= number <= most and remainder == 0,
        "addresses": len(advert.addresses) <= 255,
        "family": families == {4} or families == {6} and advert.version == VERSION_3,
    }
    wrong = [name for name, holds in limits.items() if not holds]
    if wrong:
        raise ValueError(f"VRRP cannot carry {' and '.join(wrong)} of {advert}")


def _covers(version: int, family: int, form: ChecksumForm) -> ChecksumForm:
    """What the checksum of a packet of ours covers."""
    candidates = _candidates(version, family, True)
    return form if form in candidates else candidates[0]


def _candidates(version: int, family: int, unicast: bool) -> t.Tuple[ChecksumForm, ...]:
    if version == VERSION_2:
        return _FORMS_V2
    if family == 6:
        return _FORMS_V6
    return _FORMS_UNICAST if unicast else _FORMS_V4
