# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pings from a third host, counted: how many were never answered."""

from __future__ import annotations

import socket
import struct
import threading
import time

from netns.segment import Node

PINGS_EACH_SECOND = 100

_ECHO_REQUEST, _ECHO_REPLY = 8, 0
_HEADER = struct.Struct("!BBHHH")
_IPV4_HEADER = 20
_IDENTIFIER = 0x4D53
_LAST_ANSWER_SECONDS = 0.5


class Pings:
    """Asks an address for as long as it is open."""

    def __init__(self, node: Node, address: str) -> None:
        self.sent = 0
        self.answered: set[int] = set()
        self._address = address
        self._socket = node.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
        self._socket.settimeout(0.05)
        self._ended = threading.Event()
        self._closed = threading.Event()
        self._threads = [threading.Thread(target=work, daemon=True) for work in (self._ask, self._hear)]

    @property
    def lost(self) -> int:
        """To be read after the end."""
        return self.sent - len(self.answered)

    def __enter__(self) -> Pings:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_ended: object) -> None:
        self._ended.set()
        self._threads[0].join(10)
        time.sleep(_LAST_ANSWER_SECONDS)
        self._closed.set()
        self._threads[1].join(10)
        self._socket.close()

    def _ask(self) -> None:
        while not self._ended.wait(1 / PINGS_EACH_SECOND):
            self._socket.sendto(_echo(self.sent), (self._address, 0))
            self.sent += 1

    def _hear(self) -> None:
        while not self._closed.is_set():
            try:
                datagram = self._socket.recv(2048)
            except TimeoutError:
                continue
            kind, _code, _sum, identifier, number = _HEADER.unpack_from(datagram, _IPV4_HEADER)
            if kind == _ECHO_REPLY and identifier == _IDENTIFIER:
                self.answered.add(number)


def _echo(number: int) -> bytes:
    """The checksum is the complement of the sum of all 16-bit words (RFC 1071)."""
    total = (_ECHO_REQUEST << 8) + _IDENTIFIER + number
    total = (total & 0xFFFF) + (total >> 16)
    return _HEADER.pack(_ECHO_REQUEST, 0, ~total & 0xFFFF, _IDENTIFIER, number)
