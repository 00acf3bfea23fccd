# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The receive ladder: from a packet as the kernel hands it over to an advertisement, or to the first reason against it.

The order of the rungs is that of the conformance list (RX-01..RX-21), so each discarded packet is counted under
one reason, and a packet that fails never reaches the router (RX-25). Over IPv4 a raw socket delivers the IP header with
it. Over IPv6 the kernel has taken that off, walked the extension headers and reassembled (RX-23); what the header
said comes beside the payload.

One socket may serve several virtual routers of an interface: `peek_virtual_router_id` says whose packet it is,
so that version, list and counters are those of the right instance.

Nearly every packet is the current master's and says what the last one said. So its list is compared as bytes, and
text is made of addresses only where one differs.
"""

from __future__ import annotations

import ipaddress
import struct
import typing as t
from dataclasses import dataclass

from ..model.units import as_seconds
from .actions import Alarm
from .advert import Advert
from .authentication import check_authentication
from .checksum import PROTOCOL_NUMBER, ChecksumForm
from .expectations import Expectations
from .packet import VERSION_2, Message
from .rejection import DESTINATION_MISMATCH, PacketError, RejectReason
from .timers import OWNER_PRIORITY

_IP_HEADER = struct.Struct("!BxHxxHBBxxII")
"""Version and header length, total length, fragment, TTL, protocol, source, destination."""
_REQUIRED_HOP_LIMIT = 255
"""No router forwards it: the sender is on our link (RFC 9568 5.1.1.3, 5.1.2.3)."""
_FRAGMENT = 0x3FFF
"""More-fragments flag and offset: the kernel reassembles before a raw socket sees a datagram."""
_MULTICAST_V4, _RESERVED_V4 = 0xE0000000, 0xF0000000
_FIRST_HOST_V4 = 0x01000000
_MULTICAST_V6 = 0xFF
_LINK_LOCAL_V6 = 0xFE80 >> 6  # fe80::/10


class Envelope(t.NamedTuple):
    """What the IP header said; addresses are unsigned integers in network order."""

    source: int
    destination: int
    hop_limit: t.Optional[int]
    """TTL or hop limit; None when the kernel did not tell."""


@dataclass(frozen=True)
class Received:
    """A packet that passed every rung."""

    advert: Advert
    source: int
    """Sender's address of either family as an unsigned integer in network order."""
    checksum_form: ChecksumForm
    alarms: t.Tuple[Alarm, ...]
    """Accepted, but an operator should hear of it (RX-16, RX-17). Repeated with every such packet."""


def peek_virtual_router_id(datagram: bytes) -> t.Optional[int]:
    """The virtual router id in a raw IPv4 datagram, unchecked; None when the datagram is too short for one."""
    offset = (datagram[0] & 0x0F) * 4 + 1 if datagram else 1
    return datagram[offset] if offset < len(datagram) else None


def receive_datagram(datagram: bytes, expectations: Expectations, wall: int = 0) -> Received:
    """Climb the ladder with one IPv4 datagram as a raw socket delivers it. Raises PacketError.

    `wall` is the wall clock in nanoseconds; only a verifier (auth_hmac) asks for it.
    """
    envelope, payload = _split(datagram)  # RX-01
    return receive_payload(payload, envelope, expectations, wall)


def receive_payload(payload: bytes, envelope: Envelope, expectations: Expectations, wall: int = 0) -> Received:
    """Climb the ladder with a VRRP message whose IP header is off already, as over IPv6. Raises PacketError."""
    message = Message(payload)  # RX-02
    _check_hop_limit(envelope, expectations)  # RX-03, RX-04
    message.check_version(expectations.version)  # RX-05
    message.check_type()  # RX-06
    message.check_length(expectations.family, expectations.hmac is not None)  # RX-07
    form = message.checksum_form(envelope.source, envelope.destination, bool(expectations.peers))  # RX-08
    _check_virtual_router_id(message, expectations)  # RX-09
    _check_owner(expectations)  # RX-10
    if expectations.addresses:
        message.check_address_count()  # RX-11
    message.check_interval()  # RX-12
    if expectations.family == 6 and not expectations.skip_check_adv_addr:
        message.check_link_local_first()  # RX-13
    alarms = _check_authentication(message, envelope, expectations, wall)  # RX-14, AUTH-02, AUTH-04
    alarms += _check_interval_and_list(message, envelope, expectations)  # RX-15, RX-16, RX-17
    _check_source(envelope, message.priority, expectations)  # RX-18, RX-21
    _check_destination(envelope, expectations)  # RX-19
    _check_peer(envelope, expectations)  # RX-20
    return Received(_advert(message, expectations), envelope.source, form, alarms)


def alarm_about(error: PacketError, sender: str) -> t.Optional[Alarm]:
    """What an operator must hear of a discarded packet: two routers that discard each other are both master."""
    kind = error.alarm
    return Alarm(kind, f"adverts of {sender} are discarded: {error.detail}") if kind else None


def _split(datagram: bytes) -> t.Tuple[Envelope, bytes]:
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
    return Envelope(source, destination, ttl), datagram[header_length:total]


def _check_hop_limit(envelope: Envelope, expectations: Expectations) -> None:
    hops = envelope.hop_limit
    if not expectations.peers:
        if hops != _REQUIRED_HOP_LIMIT:
            detail = f"TTL {hops}, a sender on this link has {_REQUIRED_HOP_LIMIT}"
            raise PacketError(RejectReason.TTL, detail)
        return
    peer = expectations.peer_by_source.get(envelope.source)
    if peer is not None and (peer.min_ttl is not None or peer.max_ttl is not None):
        low, high = peer.min_ttl or 0, 255 if peer.max_ttl is None else peer.max_ttl
        if hops is None or not low <= hops <= high:
            raise PacketError(RejectReason.TTL, f"TTL {hops}, unicast_peer {peer.address} allows {low} to {high}")


def _check_virtual_router_id(message: Message, expectations: Expectations) -> None:
    if message.virtual_router_id != expectations.virtual_router_id:
        detail = f"virtual_router_id {message.virtual_router_id}, ours is {expectations.virtual_router_id}"
        raise PacketError(RejectReason.VIRTUAL_ROUTER_ID, detail)


def _check_owner(expectations: Expectations) -> None:
    if expectations.owner_ignores:
        raise PacketError(RejectReason.OWNER, "we own the addresses and listen to nobody (strict_mode)")


def _check_authentication(
    message: Message, envelope: Envelope, expectations: Expectations, wall: int
) -> t.Tuple[Alarm, ...]:
    if message.version == VERSION_2:
        check_authentication(message.auth_type, message.auth_data, expectations.auth_data)
    if expectations.hmac is None:
        return ()
    source = envelope.source.to_bytes(16 if expectations.family == 6 else 4, "big")
    alarm = expectations.hmac.verify(message.body, message.trailer, source, wall)
    return () if alarm is None else (alarm,)


def _check_interval_and_list(message: Message, envelope: Envelope, expectations: Expectations) -> t.Tuple[Alarm, ...]:
    """Version 2 discards what differs, unless the owner says it; version 3 accepts it with an alarm."""
    alarms: t.Tuple[Alarm, ...] = ()
    strict = message.version == VERSION_2
    if message.advert_int != expectations.advert_int:
        theirs, ours = as_seconds(message.advert_int), as_seconds(expectations.advert_int)
        detail = f"{_address(envelope.source, expectations)} has advert_int {theirs:g} s, we have {ours:g} s"
        if strict:
            raise PacketError(RejectReason.INTERVAL_MISMATCH, f"{detail}: set the same on all routers")
        alarms = (Alarm("interval_mismatch", detail),)
    if not expectations.skip_check_adv_addr and not _same_list(message, expectations):
        theirs_ours = f"{_listed(message.addresses())}, we have {_listed(expectations.addresses)}"
        detail = f"{_address(envelope.source, expectations)} advertises {theirs_ours}"
        if strict and message.priority != OWNER_PRIORITY:
            raise PacketError(RejectReason.ADDRESS_LIST, f"{detail}: give all routers the same virtual_ipaddress")
        alarms = (Alarm("address_list_mismatch", f"{detail}: give all routers the same virtual_ipaddress"), *alarms)
    return alarms


def _same_list(message: Message, expectations: Expectations) -> bool:
    if message.addresses_packed == expectations.packed_addresses:
        return True
    return frozenset(message.addresses()) == expectations.address_texts


def _check_source(envelope: Envelope, priority: int, expectations: Expectations) -> None:
    """RX-18, RX-21. Only the owner, who says 255 (or 0 when it leaves), may send from a virtual address."""
    source = envelope.source
    stolen = source in expectations.address_numbers and priority not in (0, OWNER_PRIORITY)
    if stolen or not _may_send(source, expectations):
        kind = "a virtual address" if stolen else "nobody's that may send here"
        raise PacketError(RejectReason.SOURCE, f"source {_address(source, expectations)} is {kind}")
    if source == expectations.own:
        detail = f"{_address(source, expectations)} is our own address: looped, or another machine uses it too"
        raise PacketError(RejectReason.OWN_ADDRESS, detail)


def _may_send(source: int, expectations: Expectations) -> bool:
    if expectations.family == 4:
        return _FIRST_HOST_V4 <= source < _MULTICAST_V4
    if expectations.peers:  # unicast may cross routers
        return source > 1 and source >> 120 != _MULTICAST_V6
    return source >> 118 == _LINK_LOCAL_V6


def _check_destination(envelope: Envelope, expectations: Expectations) -> None:
    """RX-19. Unicast against multicast is a mistake worth an alarm; another group may be another router's."""
    destination, unicast = envelope.destination, bool(expectations.peers)
    wanted = expectations.own if unicast else expectations.destination
    if destination == wanted:
        return
    to_group = _is_multicast(destination, expectations.family)
    where = f"destination {_address(destination, expectations)}"
    if to_group == unicast:
        ours = "unicast_peer" if unicast else f"the group {_address(expectations.destination, expectations)}"
        detail = f"{where}, we use {ours}: set unicast_peer on all routers or on none"
        raise PacketError(RejectReason.DESTINATION, detail, DESTINATION_MISMATCH)
    if wanted is not None:
        raise PacketError(RejectReason.DESTINATION, f"{where}, ours is {_address(wanted, expectations)}")


def _is_multicast(address: int, family: int) -> bool:
    return address >> 120 == _MULTICAST_V6 if family == 6 else _MULTICAST_V4 <= address < _RESERVED_V4


def _check_peer(envelope: Envelope, expectations: Expectations) -> None:
    """RX-20."""
    if expectations.peers and expectations.check_unicast_src and envelope.source not in expectations.peer_by_source:
        sender = _address(envelope.source, expectations)
        number = expectations.virtual_router_id
        detail = f"{sender} is no unicast_peer of ours: list it, or give it another virtual_router_id than {number}"
        raise PacketError(RejectReason.UNICAST_PEER, detail)


def _advert(message: Message, expectations: Expectations) -> Advert:
    same = message.addresses_packed == expectations.packed_addresses
    listed = expectations.addresses if same else message.addresses()
    return Advert(message.version, message.virtual_router_id, message.priority, message.advert_int, listed)


def _address(number: int, expectations: Expectations) -> str:
    kind = ipaddress.IPv6Address if expectations.family == 6 else ipaddress.IPv4Address
    return str(kind(number))


def _listed(addresses: t.Sequence[str]) -> str:
    return " ".join(sorted(addresses)) or "nothing"
