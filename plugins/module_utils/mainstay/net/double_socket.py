# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hears adverts that another machine sends from our own IPv4 address (RX-21).

The kernel drops such packets before a raw IP socket could see them: two routers with one address are both master and
neither knows. A packet socket sees frames. A filter in the kernel passes VRRP from our addresses and nothing else,
so on a sound segment this socket never wakes anybody. IPv6 needs none of this: there the raw socket hears them.
"""

from __future__ import annotations

import socket
import typing as t

from .frame_filter import FrameFilter
from .packet_filter import LOAD_BYTE, attach
from .vrrp_socket import PROTOCOL

_ETHERTYPE_IPV4 = 0x0800
_ETHERNET = 14
_SOURCE_MAC = slice(6, 12)
_PROTOCOL_AT = _ETHERNET + 9
_SOURCE_AT = _ETHERNET + 12
_FRAME = 4096
_RECEIVE_BUFFER = 64 * 1024


class Double(t.NamedTuple):
    """One advert that somebody sent from an address of ours."""

    hardware_address: bytes
    datagram: bytes
    """With its IP header."""


class DoubleSocket:
    """Listens on one Ethernet link."""

    def __init__(self, device: str, addresses: t.Sequence[str]) -> None:
        """Listen for these source addresses. Raises OSError when the link is missing or CAP_NET_RAW is."""
        # Protocol 0: nothing is received before the filter is there.
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_CLOEXEC, 0)
        try:
            self._socket.setblocking(False)
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
            attach(self._socket, filter_program(addresses))
            self._socket.bind((device, _ETHERTYPE_IPV4))
        except OSError:
            self._socket.close()
            raise

    def fileno(self) -> int:
        """The descriptor, for the poller."""
        return self._socket.fileno()

    def receive(self) -> t.Optional[Double]:
        """One advert, or None when nothing waits."""
        try:
            frame = self._socket.recv(_FRAME)
        except BlockingIOError:
            return None
        return Double(frame[_SOURCE_MAC], frame[_ETHERNET:])

    def close(self) -> None:
        """Give the descriptor back."""
        self._socket.close()


def filter_program(addresses: t.Sequence[str]) -> bytes:
    """Classic BPF over an Ethernet frame: VRRP over IPv4 from one of these addresses passes."""
    return FrameFilter(LOAD_BYTE, _PROTOCOL_AT, PROTOCOL, _SOURCE_AT).program(addresses)
