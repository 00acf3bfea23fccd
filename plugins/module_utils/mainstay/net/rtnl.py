# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The words of rtnetlink that VRRP needs: links and IPv4 addresses, as values and as bytes.

Packed and unpacked by hand. The kernel sends one notification for every refreshed lease, and pyroute2 needs 60
to 160 us to decode one where this needs 4; what is left to encode is one message, and importing pyroute2 for it
costs every director 18 MB and 0.3 s of start. It is the oracle of the tests instead.

Layouts: linux/netlink.h, linux/rtnetlink.h, linux/if_addr.h, linux/if_link.h. All integers are in host order.
"""

from __future__ import annotations

import socket
import struct
import typing as t
from dataclasses import dataclass

RTM_NEWLINK, RTM_DELLINK, RTM_GETLINK = 16, 17, 18
RTM_NEWADDR, RTM_DELADDR, RTM_GETADDR = 20, 21, 22

_NLMSG_ERROR, _NLMSG_DONE = 2, 3
_NLM_F_REQUEST, _NLM_F_DUMP = 0x1, 0x300
_NLM_F_DUMP_INTR = 0x10
_NLM_F_REPLACE, _NLM_F_CREATE = 0x100, 0x400

_HEADER = struct.Struct("=IHHII")  # length, type, flags, sequence, sender
_IFINFO = struct.Struct("=BxHiII")  # family, hardware type, index, flags, change
_IFADDR = struct.Struct("=BBBBI")  # family, prefix length, flags, scope, index
_ATTRIBUTE = struct.Struct("=HH")  # length with this header, type
_CACHEINFO = struct.Struct("=IIII")  # preferred, valid, created, updated

_IFLA_ADDRESS, _IFLA_IFNAME = 1, 3
_IFA_ADDRESS, _IFA_LOCAL, _IFA_LABEL, _IFA_CACHEINFO = 1, 2, 3, 6
_IFF_UP, _IFF_RUNNING = 0x1, 0x40
_IFA_F_SECONDARY = 0x01
_ARPHRD_ETHER = 1
_TYPE_MASK = 0x3FFF  # the two top bits of an attribute's type are flags

FOREVER = 0xFFFFFFFF
"""Lifetime that never ends, as the kernel spells it."""


@dataclass(frozen=True)
class Link:
    """One network interface."""

    index: int
    name: str
    enabled: bool
    """Administratively up (ip link set up)."""
    running: bool
    """Has carrier and may carry frames."""
    hardware_address: bytes
    """Six bytes on Ethernet, else as long as the medium's are."""
    ethernet: bool = True


@dataclass(frozen=True)
class LinkGone:
    """An interface was deleted or moved to another namespace."""

    index: int


@dataclass(frozen=True)
class AddressKey:
    """What makes an IPv4 address on an interface one entry of the kernel."""

    index: int
    address: str
    prefix_length: int


@dataclass(frozen=True)
class HeldAddress:
    """One IPv4 address the kernel holds."""

    key: AddressKey
    secondary: bool
    """Another address of the same network came first."""
    scope: int
    """0 global, 253 link, 254 host."""
    valid_seconds: t.Optional[int]
    """Rest of its life at the time of the message; None is for ever."""


@dataclass(frozen=True)
class AddressGone:
    """An IPv4 address was removed: by hand, by us, or because its lease ended."""

    key: AddressKey


@dataclass(frozen=True)
class DumpEnd:
    """A dump is complete."""


@dataclass(frozen=True)
class Refused:
    """The kernel's answer to one request of ours that it did not carry out."""

    sequence: int
    errno: int


Notice = t.Union[Link, LinkGone, HeldAddress, AddressGone, DumpEnd, Refused]


class DumpInterrupted(Exception):
    """The table changed while it was read; read it again."""


def dump_request(message_type: int, sequence: int) -> bytes:
    """Ask for all links (RTM_GETLINK) or all IPv4 addresses (RTM_GETADDR)."""
    family = socket.AF_INET if message_type == RTM_GETADDR else socket.AF_UNSPEC
    body = _IFADDR.pack(family, 0, 0, 0, 0) if message_type == RTM_GETADDR else _IFINFO.pack(family, 0, 0, 0, 0)
    flags = _NLM_F_REQUEST | _NLM_F_DUMP
    return _HEADER.pack(_HEADER.size + len(body), message_type, flags, sequence, 0) + body


def address_request(
    message_type: int, key: AddressKey, sequence: int, label: t.Optional[str] = None, lifetime: int = FOREVER
) -> bytes:
    """Encode RTM_NEWADDR (add, or give an existing one a new lifetime) or RTM_DELADDR for one address.

    `lifetime` is in seconds. No acknowledgement is asked for: rtnetlink works within sendmsg(), so a refusal is
    already waiting to be read when the send returns, and silence means success.
    """
    address = socket.inet_aton(key.address)
    body = _IFADDR.pack(socket.AF_INET, key.prefix_length, 0, 0, key.index)
    body += _attribute(_IFA_LOCAL, address) + _attribute(_IFA_ADDRESS, address)
    flags = _NLM_F_REQUEST
    if message_type == RTM_NEWADDR:
        flags |= _NLM_F_CREATE | _NLM_F_REPLACE
        body += _attribute(_IFA_CACHEINFO, _CACHEINFO.pack(lifetime, lifetime, 0, 0))
        if label is not None:
            body += _attribute(_IFA_LABEL, label.encode("ascii") + b"\0")
    return _HEADER.pack(_HEADER.size + len(body), message_type, flags, sequence, 0) + body


def notices(datagram: bytes) -> t.Iterator[Notice]:
    """Decode what one read of a netlink socket brought; messages nobody here needs are skipped.

    Raises DumpInterrupted when the kernel says that a dump is not one consistent picture.
    """
    offset = 0
    while offset + _HEADER.size <= len(datagram):
        length, message_type, flags, sequence, _sender = _HEADER.unpack_from(datagram, offset)
        if length < _HEADER.size or offset + length > len(datagram):
            return
        if flags & _NLM_F_DUMP_INTR and message_type != _NLMSG_ERROR:
            raise DumpInterrupted
        notice = _decode(message_type, sequence, datagram[offset + _HEADER.size : offset + length])
        if notice is not None:
            yield notice
        offset += (length + 3) & ~3


def _decode(message_type: int, sequence: int, body: bytes) -> t.Optional[Notice]:
    if message_type in (RTM_NEWADDR, RTM_DELADDR):
        return _decode_address(body, message_type == RTM_DELADDR)
    if message_type in (RTM_NEWLINK, RTM_DELLINK):
        return _decode_link(body, message_type == RTM_DELLINK)
    if message_type == _NLMSG_DONE:
        return DumpEnd()
    if message_type == _NLMSG_ERROR:
        (negative,) = struct.unpack_from("=i", body)
        return Refused(sequence, -negative) if negative else None
    return None


def _decode_link(body: bytes, gone: bool) -> t.Optional[Notice]:
    family, hardware, index, flags, _change = _IFINFO.unpack_from(body)
    # Bridges and bonds report their ports with a family of their own, also as "deleted": not about the link.
    if family != socket.AF_UNSPEC:
        return None
    if gone:
        return LinkGone(index)
    found = _attributes(body, _IFINFO.size, (_IFLA_ADDRESS, _IFLA_IFNAME))
    name = found.get(_IFLA_IFNAME, b"").rstrip(b"\0").decode("utf-8", "replace")
    return Link(
        index=index,
        name=name,
        enabled=bool(flags & _IFF_UP),
        running=bool(flags & _IFF_RUNNING),
        hardware_address=found.get(_IFLA_ADDRESS, b""),
        ethernet=hardware == _ARPHRD_ETHER,
    )


def _decode_address(body: bytes, gone: bool) -> t.Optional[Notice]:
    family, prefix_length, flags, scope, index = _IFADDR.unpack_from(body)
    if family != socket.AF_INET:
        return None
    found = _attributes(body, _IFADDR.size, (_IFA_LOCAL, _IFA_CACHEINFO))
    local = found.get(_IFA_LOCAL)
    if local is None:
        return None
    key = AddressKey(index, socket.inet_ntoa(local), prefix_length)
    if gone:
        return AddressGone(key)
    valid = _CACHEINFO.unpack(found[_IFA_CACHEINFO])[1] if _IFA_CACHEINFO in found else FOREVER
    return HeldAddress(key, bool(flags & _IFA_F_SECONDARY), scope, None if valid == FOREVER else valid)


def _attribute(kind: int, payload: bytes) -> bytes:
    """One attribute, padded to four bytes; its length counts the padding out."""
    return _ATTRIBUTE.pack(_ATTRIBUTE.size + len(payload), kind) + payload + bytes(-len(payload) % 4)


def _attributes(body: bytes, offset: int, wanted: t.Tuple[int, ...]) -> t.Dict[int, bytes]:
    """The wanted attributes of one message, by type."""
    found: t.Dict[int, bytes] = {}
    while offset + _ATTRIBUTE.size <= len(body):
        length, kind = _ATTRIBUTE.unpack_from(body, offset)
        if length < _ATTRIBUTE.size:
            break
        if kind & _TYPE_MASK in wanted:
            found[kind & _TYPE_MASK] = body[offset + _ATTRIBUTE.size : offset + length]
        offset += (length + 3) & ~3
    return found
