# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The receive ladder: from a raw IPv4 datagram to an advertisement, or to the first reason against it.

The order of the rungs is that of the conformance list (RX-01..RX-19), so each discarded packet is counted under
one reason, and a packet that fails never reaches the router (RX-25).

One socket may serve several virtual routers of an interface: `peek_virtual_router_id` says whose packet it is,
so that version, list and counters are those of the right instance.
"""

from __future__ import annotations

import ipaddress
import struct
import typing as t
from dataclasses import dataclass

from ..model.units import Duration, as_seconds
from .actions import Alarm
from .advert import Advert
from .packet import PROTOCOL_NUMBER, ChecksumForm, Message, PacketError, RejectReason

GROUP = "224.0.0.18"
"""All VRRP routers of the link (RFC 9568 5.1.1.2)."""

_IP_HEADER = struct.Struct("!BxHxxHBBxxII")
"""Version and header length, total length, fragment, TTL, protocol, source, destination."""
_REQUIRED_TTL = 255
"""No router forwards it: the sender is on our link (RFC 9568 5.1.1.3)."""
_FRAGMENT = 0x3FFF
"""More-fragments flag and offset: the kernel reassembles before a raw socket sees a datagram."""


@dataclass(frozen=True)
class Expectations:
    """What a packet must look like to be for one virtual router."""

    virtual_router_id: int
    advert_int: Duration
    addresses: t.Tuple[str, ...]
    """Our virtual addresses, in any order."""
    version: int = 3


@dataclass(frozen=True)
class Received:
    """A packet that passed every rung."""

    advert: Advert
    source: int
    """Sender's IPv4 address as an unsigned integer in network order."""
    checksum_form: ChecksumForm
    alarms: t.Tuple[Alarm, ...]
    """Accepted, but an operator should hear of it (RX-16, RX-17). Repeated with every such packet."""


@dataclass(frozen=True)
class _Header:
    """What matters of the IPv4 header."""

    ttl: int
    source: int
    destination: int


def peek_virtual_router_id(datagram: bytes) -> t.Optional[int]:
    """The virtual router id in a raw IPv4 datagram, unchecked; None when the datagram is too short for one."""
    offset = (datagram[0] & 0x0F) * 4 + 1 if datagram else 1
    return datagram[offset] if offset < len(datagram) else None


def receive_datagram(datagram: bytes, expectations: Expectations) -> Received:
    """Climb the ladder with one IPv4 datagram as a raw socket delivers it. Raises PacketError."""
    header, payload = _split(datagram)  # RX-01
    message = Message.parse(payload)  # RX-02
    _check_ttl(header)  # RX-03
    message.check_version(expectations.version)  # RX-05
    message.check_type()  # RX-06
    message.check_length()  # RX-07
    form = message.checksum_form(header.source, header.destination)  # RX-08
    _check_virtual_router_id(message, expectations)  # RX-09
    message.check_address_count()  # RX-11
    message.check_interval()  # RX-12
    _check_source(header, message.priority, expectations)  # RX-18
    _check_destination(header)  # RX-19
    advert = message.advert()
    return Received(advert, header.source, form, tuple(_alarms(advert, header.source, expectations)))


def _split(datagram: bytes) -> t.Tuple[_Header, bytes]:
    """RX-01: options are skipped; the IP length counts, not the frame's (frames are padded to 60 bytes)."""
    if len(datagram) < _IP_HEADER.size:
        raise PacketError(RejectReason.IP_HEADER, f"{len(datagram)} bytes are no IPv4 header")
    first, total, fragment, ttl, protocol, source, destination = _IP_HEADER.unpack_from(datagram)
    header_length = (first & 0x0F) * 4
    sized = _IP_HEADER.size <= header_length <= total <= len(datagram)
    ours = first >> 4 == 4 and protocol == PROTOCOL_NUMBER and not fragment & _FRAGMENT
    if not (sized and ours):
        lengths = f"header {header_length}, total {total}, received {len(datagram)} bytes"
        detail = f"IP version {first >> 4}, protocol {protocol}, fragment {fragment & _FRAGMENT}, {lengths}"
        raise PacketError(RejectReason.IP_HEADER, detail)
    return _Header(ttl, source, destination), datagram[header_length:total]


def _check_ttl(header: _Header) -> None:
    if header.ttl != _REQUIRED_TTL:
        raise PacketError(RejectReason.TTL, f"TTL {header.ttl}, a sender on this link has {_REQUIRED_TTL}")


def _check_virtual_router_id(message: Message, expectations: Expectations) -> None:
    if message.virtual_router_id != expectations.virtual_router_id:
        detail = f"virtual_router_id {message.virtual_router_id}, ours is {expectations.virtual_router_id}"
        raise PacketError(RejectReason.VIRTUAL_ROUTER_ID, detail)


def _check_source(header: _Header, priority: int, expectations: Expectations) -> None:
    """RX-18. Only the owner, who says 255 (or 0 when it leaves), may send from a virtual address."""
    source = ipaddress.IPv4Address(header.source)
    nobody = source.is_multicast or source.is_reserved or source.is_unspecified
    stolen = str(source) in expectations.addresses and priority not in (0, 255)
    if nobody or stolen:
        kind = "a virtual address" if stolen else "no host's address"
        raise PacketError(RejectReason.SOURCE, f"source {source} is {kind}")


def _check_destination(header: _Header) -> None:
    destination = str(ipaddress.IPv4Address(header.destination))
    if destination != GROUP:
        raise PacketError(RejectReason.DESTINATION, f"destination {destination}, the group is {GROUP}")


def _alarms(advert: Advert, source: int, expectations: Expectations) -> t.Iterator[Alarm]:
    sender = ipaddress.IPv4Address(source)
    if set(advert.addresses) != set(expectations.addresses):
        detail = f"{sender} advertises {_listed(advert.addresses)}, we have {_listed(expectations.addresses)}"
        yield Alarm("address_list_mismatch", f"{detail}: give all routers the same virtual_ipaddress")
    if advert.advert_int != expectations.advert_int:
        theirs, ours = as_seconds(advert.advert_int), as_seconds(expectations.advert_int)
        yield Alarm("interval_mismatch", f"{sender} has advert_int {theirs:g} s, we have {ours:g} s")


def _listed(addresses: t.Sequence[str]) -> str:
    return " ".join(sorted(addresses)) or "nothing"
