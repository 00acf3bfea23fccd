# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The packet filter behind accept: false, as bytes: our table `inet mainstay_vrrp` (linux/netfilter/nf_tables.h).

Theory of operation. One chain at the input hook drops what is addressed to a member of our sets. The rules are put
there once; taking and giving up addresses changes the sets alone, one prepared message each. Neighbour solicitations
and advertisements pass, whoever they are for: a router that does not accept packets must still answer for its
addresses (RFC 9568 section 6.4.3, Accept_Mode). IPv4 has ARP for that, which this hook never sees.

A link-local address is one only together with its interface, so it has a set of its own. The fourth set holds our
macvlans: what a router advertises there is dropped, or the kernel would make an address of the virtual MAC (NDP-09).

Many sets of messages travel between a begin and an end; the kernel carries out all of them or none. Everything is
packed by hand, as in net/netlink.py: libnftables would cost the vrrp worker 6 MB and milliseconds at a takeover.
"""

from __future__ import annotations

import ipaddress
import socket
import struct
import typing as t

from .netlink import Encoded, encode, u32

TABLE = "mainstay_vrrp"
CHAIN = "input"

_SUBSYSTEM = 10
_BEGIN, _END = 16, 17
_NEWTABLE, _DELTABLE, _NEWCHAIN, _NEWRULE, _NEWSET, _NEWSETELEM, _DELSETELEM = 0, 2, 3, 6, 9, 12, 14
GETRULE, GETSETELEM, GETGEN = 7, 13, 16
_REQUEST, _CREATE, _APPEND = 0x1, 0x400, 0x800
_INET = 1
_INPUT_HOOK, _PRIORITY, _ACCEPT_POLICY = 1, -1, 1
"""Before the service address translation (0 and up), as keepalived's own chain."""

_HEADER = struct.Struct("=IHHII")  # length, type, flags, sequence, sender
_NFGEN = struct.Struct("!BBH")  # family, version, resource

_IPV4, _IPV6 = bytes([socket.AF_INET]), bytes([socket.AF_INET6])
_META_IIF, _META_NFPROTO, _META_L4PROTO = 4, 15, 16
_NETWORK, _TRANSPORT = 1, 2  # what a payload's offset counts from
_ICMPV6 = bytes([socket.IPPROTO_ICMPV6])
_ROUTER_ADVERTISEMENT, _SOLICITATION, _ADVERTISEMENT = b"\x86", b"\x87", b"\x88"  # RFC 4861 4.2 to 4.4
_EQUAL, _AT_MOST, _AT_LEAST = 0, 3, 5
_DROP, _ACCEPT = 0, 1
_REGISTER = 8  # NFT_REG32_00; four bytes each
_AFTER_IPV6 = _REGISTER + 4

ADDRESSES4, ADDRESSES6, LINK_LOCAL6, MACVLANS = "addresses4", "addresses6", "link_local6", "macvlans"

# Type as nft(8) shows it, and bytes of a key.
_SETS: t.Mapping[str, t.Tuple[int, int]] = {
    ADDRESSES4: (7, 4),
    ADDRESSES6: (8, 16),
    LINK_LOCAL6: (8 << 6 | 20, 20),
    MACVLANS: (20, 4),
}
SETS = tuple(_SETS)
_HOST_ORDER = struct.pack("=BBI", 0, 4, 1)
"""What nft(8) wants to know of a set to show its numbers right (NFTNL_UDATA_SET_KEYBYTEORDER)."""


class Element(t.NamedTuple):
    """One member of one of our sets."""

    of: str
    key: bytes


def address_element(address: str, index: int) -> Element:
    """What drops packets to this address; `index` is the interface that it is on."""
    parsed = ipaddress.ip_address(address)
    if parsed.version == 4:
        return Element(ADDRESSES4, parsed.packed)
    if parsed.is_link_local:
        return Element(LINK_LOCAL6, parsed.packed + u32(index))
    return Element(ADDRESSES6, parsed.packed)


def macvlan_element(index: int) -> Element:
    """What keeps the routers of the segment from giving this interface an address."""
    return Element(MACVLANS, u32(index))


# ---- transactions


def table_batch(elements: t.Iterable[Element]) -> bytes:
    """Replace our table, whatever it is, by a whole one with these elements, in one step."""
    named = _named(1)
    messages = [
        _message(_NEWTABLE, _CREATE, named),  # or deleting one that is not there would spoil it all
        _message(_DELTABLE, 0, named),
        _message(_NEWTABLE, _CREATE, named),
        _message(_NEWCHAIN, _CREATE, _chain()),
        *(_message(_NEWSET, _CREATE, _set(name, number)) for number, name in enumerate(SETS, 1)),
        *(_message(_NEWRULE, _CREATE | _APPEND, _rule(expressions)) for expressions in _rules()),
        *_element_messages(_NEWSETELEM, elements),
    ]
    return _batch(messages)


def removal_batch() -> bytes:
    """Remove our table; ENOENT when there is none."""
    return _batch([_message(_DELTABLE, 0, _named(1))])


def adding_batch(elements: t.Iterable[Element]) -> bytes:
    """Put these into their sets; those already there are no complaint."""
    return _batch(_element_messages(_NEWSETELEM, elements))


def removing_batch(elements: t.Iterable[Element]) -> bytes:
    """Take these out of their sets; ENOENT when one is not there."""
    return _batch(_element_messages(_DELSETELEM, elements))


def _batch(messages: t.Sequence[bytes]) -> bytes:
    begin = _HEADER.pack(_HEADER.size + _NFGEN.size, _BEGIN, _REQUEST, 0, 0) + _NFGEN.pack(0, 0, _SUBSYSTEM)
    end = _HEADER.pack(_HEADER.size + _NFGEN.size, _END, _REQUEST, 0, 0) + _NFGEN.pack(0, 0, _SUBSYSTEM)
    return b"".join((begin, *messages, end)) if messages else b""


def _message(kind: int, flags: int, attributes: t.Sequence[t.Tuple[int, Encoded]]) -> bytes:
    body = _NFGEN.pack(_INET, 0, 0) + encode(attributes)
    return _HEADER.pack(_HEADER.size + len(body), _SUBSYSTEM << 8 | kind, _REQUEST | flags, 0, 0) + body


def _element_messages(kind: int, elements: t.Iterable[Element]) -> t.List[bytes]:
    keys: t.Dict[str, t.List[bytes]] = {}
    for element in sorted(elements):
        keys.setdefault(element.of, []).append(element.key)
    return [
        _message(kind, _CREATE if kind == _NEWSETELEM else 0, [*_named(1, name), (3, _listed(found))])
        for name, found in keys.items()
    ]


def _listed(keys: t.Sequence[bytes]) -> Encoded:
    return [(1, [(1, [(1, key)])]) for key in keys]


def _named(first: int, *further: str) -> t.List[t.Tuple[int, Encoded]]:
    """The table's name and more names, as attributes numbered from `first`."""
    return [(first + place, name.encode() + b"\0") for place, name in enumerate((TABLE, *further))]


def _chain() -> t.List[t.Tuple[int, Encoded]]:
    hook = [(1, _number(_INPUT_HOOK)), (2, struct.pack("!i", _PRIORITY))]
    return [*_named(1), (3, CHAIN.encode() + b"\0"), (4, hook), (5, _number(_ACCEPT_POLICY)), (7, b"filter\0")]


def _set(name: str, number: int) -> t.List[t.Tuple[int, Encoded]]:
    shown, length = _SETS[name]
    fixed = [(3, _number(0)), (4, _number(shown)), (5, _number(length)), (10, _number(number))]
    return [*_named(1, name), *fixed, *([(13, _HOST_ORDER)] if name == MACVLANS else [])]


def _rule(expressions: t.Sequence[t.Tuple[str, Encoded]]) -> t.List[t.Tuple[int, Encoded]]:
    packed = [(1, [(1, name.encode() + b"\0"), (2, content)]) for name, content in expressions]
    return [*_named(1, CHAIN), (4, packed)]


def _rules() -> t.List[t.List[t.Tuple[str, Encoded]]]:
    ipv4, ipv6 = [_meta(_META_NFPROTO), _compare(_IPV4)], [_meta(_META_NFPROTO), _compare(_IPV6)]
    icmpv6_type = [_meta(_META_L4PROTO), _compare(_ICMPV6), _payload(_TRANSPORT, 0, 1)]
    discovery = [*icmpv6_type, _compare(_SOLICITATION, _AT_LEAST), _compare(_ADVERTISEMENT, _AT_MOST)]
    destination6 = _payload(_NETWORK, 24, 16)
    return [
        [*ipv6, _meta(_META_IIF), _lookup(MACVLANS), *icmpv6_type, _compare(_ROUTER_ADVERTISEMENT), _verdict(_DROP)],
        [*ipv6, *discovery, _verdict(_ACCEPT)],
        [*ipv4, _payload(_NETWORK, 16, 4), _lookup(ADDRESSES4), _verdict(_DROP)],
        [*ipv6, destination6, _lookup(ADDRESSES6), _verdict(_DROP)],
        [*ipv6, destination6, _meta(_META_IIF, _AFTER_IPV6), _lookup(LINK_LOCAL6), _verdict(_DROP)],
    ]


def _meta(key: int, register: int = _REGISTER) -> t.Tuple[str, Encoded]:
    return "meta", [(1, _number(register)), (2, _number(key))]


def _compare(value: bytes, operation: int = _EQUAL) -> t.Tuple[str, Encoded]:
    return "cmp", [(1, _number(_REGISTER)), (2, _number(operation)), (3, [(1, value)])]


def _payload(base: int, offset: int, length: int) -> t.Tuple[str, Encoded]:
    return "payload", [(1, _number(_REGISTER)), (2, _number(base)), (3, _number(offset)), (4, _number(length))]


def _lookup(name: str) -> t.Tuple[str, Encoded]:
    return "lookup", [(1, name.encode() + b"\0"), (2, _number(_REGISTER)), (4, _number(SETS.index(name) + 1))]


def _verdict(verdict: int) -> t.Tuple[str, Encoded]:
    return "immediate", [(1, _number(0)), (2, [(2, [(1, _number(verdict))])])]


def _number(value: int) -> bytes:
    """Numbers inside nf_tables attributes are in network order."""
    return struct.pack("!I", value)


RULES = len(_rules())
"""How many the chain has when it is whole."""
