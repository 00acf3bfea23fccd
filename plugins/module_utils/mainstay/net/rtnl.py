# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The words of rtnetlink that VRRP needs: links and addresses, as values and as bytes.

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

_IFLA_ADDRESS, _IFLA_IFNAME, _IFLA_MTU, _IFLA_LINK, _IFLA_LINKINFO, _IFLA_IFALIAS = 1, 3, 4, 5, 18, 20
_IFLA_INFO_KIND = 1
_LINK_ATTRIBUTES = (_IFLA_ADDRESS, _IFLA_IFNAME, _IFLA_MTU, _IFLA_LINK, _IFLA_LINKINFO, _IFLA_IFALIAS)
_IFA_ADDRESS, _IFA_LOCAL, _IFA_LABEL, _IFA_BROADCAST, _IFA_CACHEINFO, _IFA_FLAGS = 1, 2, 3, 4, 6, 8
_IFF_UP, _IFF_RUNNING = 0x1, 0x40
_IFA_F_SECONDARY, _IFA_F_NODAD, _IFA_F_DADFAILED, _IFA_F_TENTATIVE = 0x01, 0x02, 0x08, 0x40
_IFA_F_OPTIMISTIC = 0x04
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
    mtu: int = 1500
    """Bytes of the largest IP packet."""
    kind: str = ""
    """"macvlan", "vlan", "vrf" ...; empty for hardware."""
    parent: int = 0
    """Index of the link that this one is made on; 0 for none."""
    alias: str = ""
    """Free text, as `ip link set alias` writes it."""


@dataclass(frozen=True)
class LinkGone:
    """An interface was deleted or moved to another namespace."""

    index: int


@dataclass(frozen=True)
class AddressKey:
    """What makes an address on an interface one entry of the kernel."""

    index: int
    address: str
    prefix_length: int

    @property
    def family(self) -> int:
        """4 or 6."""
        return 6 if ":" in self.address else 4


@dataclass(frozen=True)
class AddressForm:
    """How an address is put on its interface; the kernel keeps the form until the address is removed."""

    label: t.Optional[str] = None
    """IPv4: another name than the interface's own."""
    broadcast: t.Optional[str] = None
    """IPv4."""
    scope: int = 0
    """IPv4; the kernel knows that of an IPv6 address by itself."""


PLAIN = AddressForm()


@dataclass(frozen=True)
class HeldAddress:
    """One address the kernel holds."""

    key: AddressKey
    secondary: bool
    """Another address of the same network came first."""
    scope: int
    """0 global, 253 link, 254 host."""
    valid_seconds: t.Optional[int]
    """Rest of its life at the time of the message; None is for ever."""
    tentative: bool = False
    """IPv6: duplicate address detection has not ended, nothing can be sent from it yet."""
    dad_failed: bool = False
    """IPv6: another machine has it; the kernel will not use it."""
    label: t.Optional[str] = None
    """IPv4: the interface's name, or what it was labelled with."""
    broadcast: t.Optional[str] = None

    @property
    def form(self) -> AddressForm:
        """As `address_request` would ask for it, the label always given."""
        return AddressForm(self.label, self.broadcast, self.scope)


@dataclass(frozen=True)
class AddressGone:
    """An address was removed: by hand, by us, or because its lease ended."""

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
    """Ask for all links (RTM_GETLINK) or all addresses of both families (RTM_GETADDR)."""
    everything = socket.AF_UNSPEC
    layout = _IFADDR if message_type == RTM_GETADDR else _IFINFO
    body = layout.pack(everything, 0, 0, 0, 0)
    flags = _NLM_F_REQUEST | _NLM_F_DUMP
    return _HEADER.pack(_HEADER.size + len(body), message_type, flags, sequence, 0) + body


def address_request(
    message_type: int,
    key: AddressKey,
    sequence: int,
    form: AddressForm = PLAIN,
    lifetime: int = FOREVER,
    preferred: t.Optional[int] = None,
) -> bytes:
    """Encode RTM_NEWADDR (add, or give an existing one a new lifetime) or RTM_DELADDR for one address.

    `lifetime` is in seconds, `preferred` too (how long it may be chosen as a source; None: all its life). No
    acknowledgement is asked for: rtnetlink works within sendmsg(), so a refusal is already waiting to be read when
    the send returns, and silence means success.
    """
    family = socket.AF_INET6 if key.family == 6 else socket.AF_INET
    address = socket.inet_pton(family, key.address)
    scope = form.scope if message_type == RTM_NEWADDR else 0
    body = _IFADDR.pack(family, key.prefix_length, 0, scope, key.index)
    body += _attribute(_IFA_LOCAL, address) + _attribute(_IFA_ADDRESS, address)
    flags = _NLM_F_REQUEST
    if message_type == RTM_NEWADDR:
        flags |= _NLM_F_CREATE | _NLM_F_REPLACE
        shown = lifetime if preferred is None else min(preferred, lifetime)
        body += _attribute(_IFA_CACHEINFO, _CACHEINFO.pack(shown, lifetime, 0, 0))
        body += _flags(_IFA_F_NODAD) if family == socket.AF_INET6 else _form(form)
    return _HEADER.pack(_HEADER.size + len(body), message_type, flags, sequence, 0) + body


def _form(form: AddressForm) -> bytes:
    body = b""
    if form.broadcast is not None:
        body += _attribute(_IFA_BROADCAST, socket.inet_aton(form.broadcast))
    if form.label is not None:
        body += _attribute(_IFA_LABEL, form.label.encode("ascii") + b"\0")
    return body


def _flags(flags: int) -> bytes:
    """NODAD: what follows mastership may still be held by the last master while it is being added here (NDP-08)."""
    return _attribute(_IFA_FLAGS, struct.pack("=I", flags))


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
    found = _attributes(body, _IFINFO.size, _LINK_ATTRIBUTES)
    information = _attributes(found.get(_IFLA_LINKINFO, b""), 0, (_IFLA_INFO_KIND,))
    return Link(
        index=index,
        name=_text(found.get(_IFLA_IFNAME)),
        enabled=bool(flags & _IFF_UP),
        running=bool(flags & _IFF_RUNNING),
        hardware_address=found.get(_IFLA_ADDRESS, b""),
        ethernet=hardware == _ARPHRD_ETHER,
        mtu=_number(found.get(_IFLA_MTU), 1500),
        kind=_text(information.get(_IFLA_INFO_KIND)),
        parent=_number(found.get(_IFLA_LINK), 0),
        alias=_text(found.get(_IFLA_IFALIAS)),
    )


def _text(attribute: t.Optional[bytes]) -> str:
    return (attribute or b"").rstrip(b"\0").decode("utf-8", "replace")


def _decode_address(body: bytes, gone: bool) -> t.Optional[Notice]:
    family, prefix_length, flags, scope, index = _IFADDR.unpack_from(body)
    size = _ADDRESS_SIZES.get(family)
    if size is None:
        return None
    found = _attributes(body, _IFADDR.size, _ADDRESS_ATTRIBUTES)
    # IPv6 has a "local" only where there is a peer.
    local = found.get(_IFA_LOCAL, found.get(_IFA_ADDRESS, b""))
    if len(local) != size:
        return None
    key = AddressKey(index, socket.inet_ntop(family, local), prefix_length)
    if gone:
        return AddressGone(key)
    lifetimes = found.get(_IFA_CACHEINFO, b"")
    valid = _CACHEINFO.unpack(lifetimes)[1] if len(lifetimes) == _CACHEINFO.size else FOREVER
    flags = _number(found.get(_IFA_FLAGS), flags)
    label, broadcast = found.get(_IFA_LABEL), found.get(_IFA_BROADCAST, b"")
    ipv6 = family == socket.AF_INET6
    return HeldAddress(
        key,
        # The same bit says of an IPv6 address that it is a temporary one.
        secondary=bool(flags & _IFA_F_SECONDARY),
        scope=scope,
        valid_seconds=None if valid == FOREVER else valid,
        tentative=ipv6 and bool(flags & _IFA_F_TENTATIVE) and not flags & _IFA_F_OPTIMISTIC,
        dad_failed=ipv6 and bool(flags & _IFA_F_DADFAILED),
        label=None if label is None else label.rstrip(b"\0").decode("ascii", "replace"),
        broadcast=socket.inet_ntoa(broadcast) if len(broadcast) == _ADDRESS_SIZES[socket.AF_INET] else None,
    )


_ADDRESS_SIZES: t.Mapping[int, int] = {socket.AF_INET: 4, socket.AF_INET6: 16}
_ADDRESS_ATTRIBUTES = (_IFA_ADDRESS, _IFA_LOCAL, _IFA_LABEL, _IFA_BROADCAST, _IFA_CACHEINFO, _IFA_FLAGS)


def _number(attribute: t.Optional[bytes], otherwise: int) -> int:
    """An attribute of 32 bits."""
    return otherwise if attribute is None or len(attribute) != 4 else int(struct.unpack("=I", attribute)[0])


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
