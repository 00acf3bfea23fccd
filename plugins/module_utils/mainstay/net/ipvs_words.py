# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The numbers of ip_vs and the words of our table for them, both ways (linux/ip_vs.h).

Each number has a word, also those that we never write: what somebody else made has to be seen as different, and shown.
"""

from __future__ import annotations

import ipaddress
import struct
import typing as t

from ..lvs.table import Tunnel

PERSISTENT = 0x0001
_HASHED = 0x0002  # the kernel's own mark

_PROTOCOLS = {"TCP": 6, "UDP": 17, "SCTP": 132}
_FORWARDING = {"NAT": 0, "LOCAL": 1, "TUN": 2, "DR": 3, "BYPASS": 4}
_TUNNELS = {"ipip": 0, "gue": 1, "gre": 2}
_CHECKSUMS = {"nocsum": 0, "csum": 1, "remcsum": 2}
_FLAGS = {"ops": 0x0004, "fallback": 0x0008, "port": 0x0010, "flag-3": 0x0020}

_PROTOCOL_WORDS = {number: word for word, number in _PROTOCOLS.items()}
_FORWARDING_WORDS = {number: word for word, number in _FORWARDING.items()}
_TUNNEL_WORDS = {number: word for word, number in _TUNNELS.items()}
_CHECKSUM_WORDS = {number: word for word, number in _CHECKSUMS.items()}
_FORWARDING_MASK = 0x7

_NETWORK_U32 = struct.Struct("!I")
_HOST_U32 = struct.Struct("=I")
_ALL_OF_IPV4, _ALL_OF_IPV6 = 32, 128
_MASK = "netmask "


def protocol_number(word: str) -> int:
    """TCP, UDP, SCTP, or the number in "protocol 50"."""
    return _number(_PROTOCOLS, word)


def protocol_word(number: int) -> str:
    """The other way round."""
    return _PROTOCOL_WORDS.get(number, f"protocol {number}")


def forwarding_number(word: str) -> int:
    """The forwarding method of an lb_kind."""
    return _number(_FORWARDING, word)


def forwarding_word(number: int) -> str:
    """The lb_kind of a forwarding method, whatever other connection flags come along."""
    return _FORWARDING_WORDS.get(number & _FORWARDING_MASK, f"method {number & _FORWARDING_MASK}")


def tunnel_numbers(tunnel: Tunnel) -> t.Tuple[int, int, int]:
    """Type, port and flags."""
    return _number(_TUNNELS, tunnel.kind), tunnel.port, _number(_CHECKSUMS, tunnel.checksum)


def tunnel_of(kind: int, port: int, flags: int) -> Tunnel:
    """The other way round."""
    return Tunnel(_TUNNEL_WORDS.get(kind, f"type {kind}"), port, _CHECKSUM_WORDS.get(flags, f"flags {flags}"))


def flag_bits(words: t.Iterable[str]) -> int:
    """The flags of a service without PERSISTENT; a bit without a word stands there as 0x40."""
    bits = 0
    for word in words:
        if not word.startswith(_MASK):
            bits |= _FLAGS[word] if word in _FLAGS else int(word, 16)
    return bits


def flag_words(bits: int) -> t.FrozenSet[str]:
    """The other way round; the kernel's own mark is left out."""
    words = {word for word, bit in _FLAGS.items() if bits & bit}
    unknown = bits & ~(PERSISTENT | _HASHED | sum(_FLAGS.values()))
    return frozenset(words | {hex(1 << place) for place in range(32) if unknown & 1 << place})


def netmask_field(ipv6: bool, granularity: t.Optional[int], flags: t.Collection[str]) -> bytes:
    """IPv4: the mask itself in network order. IPv6: the prefix length in host order; the kernel wants one always."""
    if ipv6:
        return _HOST_U32.pack(_ALL_OF_IPV6 if granularity is None else granularity)
    for flag in flags:
        if flag.startswith(_MASK):
            return ipaddress.IPv4Address(flag[len(_MASK) :]).packed
    length = _ALL_OF_IPV4 if granularity is None else granularity
    return _NETWORK_U32.pack((0xFFFFFFFF << (32 - length)) & 0xFFFFFFFF)


def granularity_of(ipv6: bool, field: bytes) -> t.Tuple[t.Optional[int], t.FrozenSet[str]]:
    """The prefix length, None for every client by itself; and a flag instead for a mask that is no prefix."""
    if ipv6:
        (length,) = _HOST_U32.unpack_from(field)
        return (None if length == _ALL_OF_IPV6 else int(length)), frozenset()
    (mask,) = _NETWORK_U32.unpack_from(field)
    length = bin(mask).count("1")
    if mask != (0xFFFFFFFF << (32 - length)) & 0xFFFFFFFF:
        return None, frozenset({f"{_MASK}{ipaddress.IPv4Address(mask)}"})
    return (None if length == _ALL_OF_IPV4 else length), frozenset()


def _number(words: t.Mapping[str, int], word: str) -> int:
    """Of a word that the table knows, or of one that was made for a number without a word."""
    return words[word] if word in words else int(word.rpartition(" ")[2])
