# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gratuitous ARP: telling a segment, unasked, where an IPv4 address lives (RFC 9568 section 8.1.2, RFC 5227).

Frames are prepared as bytes and sent through a packet socket bound to the link, so that announcing costs one
system call an address at the moment that counts.
"""

from __future__ import annotations

import socket
import struct

_ETHERTYPE_ARP = 0x0806
_ETHERTYPE_IPV4 = 0x0800
_HARDWARE_ETHERNET = 1
_REQUEST, REPLY = 1, 2
_BROADCAST = b"\xff" * 6
_NOBODY = b"\x00" * 4
_UNKNOWN = b"\x00" * 6
_HEADER = struct.Struct("!6s6sH")  # destination, source, type
_ARP = struct.Struct("!HHBBH6s4s6s4s")  # hardware, protocol, their lengths, operation, sender, target
_MAC_LENGTH = 6


def gratuitous_arp(hardware_address: bytes, address: str) -> bytes:
    """The frame: a broadcast request whose sender and target are both `address`.

    The request form is what every stack takes into its cache; a reply nobody asked for is dropped by some.
    Raises ValueError when the link has no Ethernet address: there is no ARP to announce on it.
    """
    network = socket.inet_aton(address)
    return _request(hardware_address, network, network)


def arp_probe(hardware_address: bytes, address: str) -> bytes:
    """The frame: who has `address`? It names no sender, so that it changes nobody's cache (RFC 5227 section 2.1.1)."""
    return _request(hardware_address, _NOBODY, socket.inet_aton(address))


def _request(hardware_address: bytes, sender: bytes, target: bytes) -> bytes:
    if len(hardware_address) != _MAC_LENGTH:
        raise ValueError(f"a hardware address of {len(hardware_address)} bytes is not an Ethernet address")
    header = _HEADER.pack(_BROADCAST, hardware_address, _ETHERTYPE_ARP)
    addresses = (hardware_address, sender, _UNKNOWN, target)
    return header + _ARP.pack(_HARDWARE_ETHERNET, _ETHERTYPE_IPV4, _MAC_LENGTH, 4, _REQUEST, *addresses)


class FrameSocket:
    """Sends finished Ethernet frames on one link and receives nothing."""

    def __init__(self, device: str) -> None:
        """Raises OSError when the link is missing or CAP_NET_RAW is."""
        # Protocol 0: the socket is never handed a received frame.
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_CLOEXEC, 0)
        try:
            self._socket.bind((device, 0))
        except OSError:
            self._socket.close()
            raise
        self._socket.setblocking(False)

    def send(self, frame: bytes) -> None:
        """Put one frame on the wire. Raises OSError when the link does not take it."""
        self._socket.send(frame)

    def close(self) -> None:
        """Give the descriptor back."""
        self._socket.close()
