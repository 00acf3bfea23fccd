# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Unsolicited neighbour advertisements: gratuitous ARP's counterpart for IPv6 (RFC 9568 8.2.2, RFC 4861 7.2.6).

Whole Ethernet frames, prepared as bytes like those of net/arp.py and sent through the same kind of socket.
"""

from __future__ import annotations

import socket
import struct

_ETHERTYPE_IPV6 = 0x86DD
_ALL_NODES = socket.inet_pton(socket.AF_INET6, "ff02::1")
_ALL_NODES_HARDWARE = b"\x33\x33\x00\x00\x00\x01"  # RFC 2464 section 7
_ICMPV6 = 58
_NEIGHBOUR_ADVERTISEMENT = 136
_ROUTER, _OVERRIDE = 0x80000000, 0x20000000
"""R: we route, or hosts would drop us from their router lists; O: replace what is cached. S is 0: nobody asked."""
_TARGET_LINK_LAYER_ADDRESS = 2
_HOP_LIMIT = 255  # RFC 4861 7.1.2: proof that it comes from the link
_TRAFFIC_CLASS = 0xC0 << 20  # DSCP CS6, as adverts have
_VERSION = 6 << 28
_MAC_LENGTH = 6

_ETHERNET = struct.Struct("!6s6sH")  # destination, source, type
_IPV6 = struct.Struct("!IHBB16s16s")  # version and class, payload length, next header, hop limit, source, destination
_PSEUDO_HEADER = struct.Struct("!16s16sI3xB")  # RFC 8200 section 8.1
_ADVERTISEMENT = struct.Struct("!BBHI16sBB6s")  # type, code, checksum, flags, target; option, length, MAC


def neighbour_advertisement(hardware_address: bytes, address: str) -> bytes:
    """The frame that tells all nodes of the link that `address` lives at this hardware address.

    It is sent from `address` itself, which is on the link by then. Raises ValueError when the link has no Ethernet
    address: there is no neighbour discovery to announce on it.
    """
    if len(hardware_address) != _MAC_LENGTH:
        raise ValueError(f"a hardware address of {len(hardware_address)} bytes is not an Ethernet address")
    target = socket.inet_pton(socket.AF_INET6, address)
    message = _message(hardware_address, target, 0)
    pseudo_header = _PSEUDO_HEADER.pack(target, _ALL_NODES, len(message), _ICMPV6)
    message = _message(hardware_address, target, _checksum(pseudo_header + message))
    header = _IPV6.pack(_VERSION | _TRAFFIC_CLASS, len(message), _ICMPV6, _HOP_LIMIT, target, _ALL_NODES)
    return _ETHERNET.pack(_ALL_NODES_HARDWARE, hardware_address, _ETHERTYPE_IPV6) + header + message


def _message(hardware_address: bytes, target: bytes, checksum: int) -> bytes:
    fixed = (_NEIGHBOUR_ADVERTISEMENT, 0, checksum, _ROUTER | _OVERRIDE, target)
    return _ADVERTISEMENT.pack(*fixed, _TARGET_LINK_LAYER_ADDRESS, 1, hardware_address)


def _checksum(octets: bytes) -> int:
    """RFC 1071 over an even number of bytes that are not all zero."""
    return -int.from_bytes(octets, "big") % 0xFFFF
