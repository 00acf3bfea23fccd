# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Adverts as they leave a machine, seen from outside of it."""

from __future__ import annotations

import socket
import time

from netns.segment import DEVICE, Node, Segment

from lab.errors import DeadlinePassed

_ETH_P_ALL = 0x0003
_VRRP = 112
_PROTOCOL_OFFSET = 9  # within the IPv4 header
_OUTGOING = 4  # PACKET_OUTGOING
_PATIENCE_SECONDS = 30.0


class _BridgeSide(Node):
    """The namespace of the bridge, where the ports are."""

    def __init__(self, segment: Segment) -> None:
        self.namespace = segment.namespace


def bridge_side(segment: Segment) -> Node:
    """For sockets beside the ports of a segment."""
    return _BridgeSide(segment)


class AdvertWatch:
    """A packet socket on a machine's own interface; stamps what leaves."""

    def __init__(self, node: Node) -> None:
        self._where = node.namespace
        self._socket = node.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(_ETH_P_ALL))
        self._socket.bind((DEVICE, _ETH_P_ALL))
        self._socket.settimeout(_PATIENCE_SECONDS)

    def close(self) -> None:
        self._socket.close()

    def next_advert(self) -> float:
        """Wait for the next advert from now on; the monotonic second at which it was read."""
        self._drain()
        end = time.monotonic() + _PATIENCE_SECONDS
        while time.monotonic() < end:
            packet, address = self._socket.recvfrom(2048)
            if address[2] == _OUTGOING and len(packet) > _PROTOCOL_OFFSET and packet[_PROTOCOL_OFFSET] == _VRRP:
                return time.monotonic()
        raise DeadlinePassed(f"no advert within {_PATIENCE_SECONDS:g} s in {self._where}")

    def _drain(self) -> None:
        self._socket.setblocking(False)
        try:
            while True:
                self._socket.recv(2048)
        except BlockingIOError:
            self._socket.settimeout(_PATIENCE_SECONDS)
