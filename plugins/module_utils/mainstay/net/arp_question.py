# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks a segment whether somebody else has an IPv4 address of ours, and hears who says yes (RFC 5227)."""

from __future__ import annotations

import socket
import typing as t

from .arp import REPLY, arp_probe
from .frame_filter import FrameFilter
from .packet_filter import LOAD_HALF, attach

_ETHERTYPE_ARP = 0x0806
_ETHERNET = 14
_OPERATION_AT = _ETHERNET + 6
_SENDER_MAC = slice(_ETHERNET + 8, _ETHERNET + 14)
_SENDER_AT = _ETHERNET + 14
_SENDER = slice(_SENDER_AT, _SENDER_AT + 4)
_FRAME = 256
_RECEIVE_BUFFER = 64 * 1024


class Claim(t.NamedTuple):
    """Somebody answered for an address."""

    hardware_address: bytes
    address: str


class ArpQuestion:
    """A packet socket of one Ethernet link, for one question."""

    def __init__(self, device: str, addresses: t.Sequence[str]) -> None:
        """Listen for answers about these addresses. Raises OSError when the link is missing or CAP_NET_RAW is."""
        self._addresses = tuple(addresses)
        # Protocol 0: nothing is received before the filter is there.
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_CLOEXEC, 0)
        try:
            self._socket.setblocking(False)
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
            attach(self._socket, answers_filter(addresses))
            self._socket.bind((device, _ETHERTYPE_ARP))
        except OSError:
            self._socket.close()
            raise

    def fileno(self) -> int:
        """The descriptor, for the poller."""
        return self._socket.fileno()

    def ask(self, hardware_address: bytes) -> None:
        """One probe for each address, from our own hardware address. Raises OSError when the link takes none."""
        for address in self._addresses:
            self._socket.send(arp_probe(hardware_address, address))

    def receive(self) -> t.Optional[Claim]:
        """One answer, or None when nothing waits. Raises OSError when the link went."""
        try:
            frame = self._socket.recv(_FRAME)
        except BlockingIOError:
            return None
        return Claim(frame[_SENDER_MAC], socket.inet_ntoa(frame[_SENDER]))

    def close(self) -> None:
        """Give the descriptor back."""
        self._socket.close()


def answers_filter(addresses: t.Sequence[str]) -> bytes:
    """Classic BPF over an Ethernet frame: ARP replies that come from one of these addresses pass."""
    return FrameFilter(LOAD_HALF, _OPERATION_AT, REPLY, _SENDER_AT).program(addresses)
