# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that enters the bridge of a segment, stamped by the kernel.

The stamps are the kernel's own (SO_TIMESTAMPNS), so it does not matter how late this process gets to read them: real
time daemons beside it take the processor whenever they want it.
"""

from __future__ import annotations

import socket
import struct
import time
import typing as t

from netns.segment import Segment

from bench.wire import bridge_side

_ETH_P_ALL = 0x0003
_ETH_P_IP, _ETH_P_ARP = 0x0800, 0x0806
_OUTGOING = 4  # PACKET_OUTGOING
_SO_TIMESTAMPNS = 35
_SO_RCVBUFFORCE = 33
_BUFFER = 64 * 1024 * 1024
_STAMP = struct.Struct("=qq")
_VRRP = 112


class Advert(t.NamedTuple):
    """One VRRP advert of a machine."""

    at: float
    """Seconds of the wall clock, by the kernel."""
    port: str
    """Of the bridge: port-a, port-b ...; the same for a second link of the machine."""
    router: tuple[bytes, int]
    """Source address and virtual_router_id: unique on all links of the segment."""
    priority: int


class Claim(t.NamedTuple):
    """One gratuitous ARP: a machine says that an address is its own."""

    at: float
    port: str
    address: str


class Tap:
    """A packet socket in the namespace of the bridge."""

    def __init__(self, segment: Segment) -> None:
        self._socket = bridge_side(segment).socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETH_P_ALL))
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _BUFFER)
        self.last_awaited = 0.0
        """When the advert came that await_advert returned last."""

    def close(self) -> None:
        self._socket.close()

    def clear(self) -> None:
        """Forget what waits."""
        self.read()

    def read(self) -> list[Advert | Claim]:
        """What came since the last call."""
        self._socket.setblocking(False)
        seen: list[Advert | Claim] = []
        try:
            while True:
                seen += self._one()
        except BlockingIOError:
            return seen

    def await_advert(self, port: str, seconds: float = 30.0) -> Advert:
        """The next advert that enters by this port."""
        self.clear()
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self._socket.settimeout(left)
            for one in self._one():
                if isinstance(one, Advert) and one.port == port:
                    self.last_awaited = one.at
                    return one
        raise AssertionError(f"no advert entered by {port} within {seconds:g} s")

    def _one(self) -> list[Advert | Claim]:
        frame, ancillary, _flags, (port, _protocol, kind, *_more) = self._socket.recvmsg(2048, 64)
        if kind == _OUTGOING or not port.startswith("port-"):
            return []
        seconds, nanoseconds = _STAMP.unpack(ancillary[0][2][: _STAMP.size])
        found = _decode(frame, seconds + nanoseconds / 1e9, port.partition(".")[0])
        return [] if found is None else [found]


def _decode(frame: bytes, at: float, port: str) -> Advert | Claim | None:
    ethertype = int.from_bytes(frame[12:14], "big")
    if ethertype == _ETH_P_ARP and frame[28:32] == frame[38:42]:
        return Claim(at, port, socket.inet_ntoa(frame[28:32]))
    if ethertype != _ETH_P_IP or frame[23] != _VRRP:
        return None
    message = frame[14 + (frame[14] & 0x0F) * 4 :]
    return Advert(at, port, (frame[26:30], message[1]), message[2])


def adverts(seen: t.Iterable[Advert | Claim], port: str) -> list[Advert]:
    """Of one machine."""
    return [one for one in seen if isinstance(one, Advert) and one.port == port]


def longest_gap(seen: t.Iterable[Advert]) -> float:
    """The longest time, in seconds, that one of these routers was silent between two of its adverts."""
    last: dict[tuple[bytes, int], float] = {}
    longest = 0.0
    for advert in seen:
        longest = max(longest, advert.at - last.get(advert.router, advert.at))
        last[advert.router] = advert.at
    return longest
