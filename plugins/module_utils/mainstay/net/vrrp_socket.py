# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The raw socket of VRRP over IPv4 (protocol 112), one for each interface and shared by its virtual routers.

Received datagrams come with their IP header, which is where the TTL of 255 is proven. Nothing is filtered in
the kernel: a packet with a wrong TTL, version or virtual router id has to be counted, not lost.
"""

from __future__ import annotations

import ipaddress
import socket
import struct
import typing as t

VRRP_GROUP = "224.0.0.18"
"""RFC 9568 section 5.1.1.2."""

_PROTOCOL = 112
_TTL = 255  # section 5.1.1.3: proof that no router forwarded it
_TOS_INTERNETWORK_CONTROL = 0xC0  # DSCP CS6
_PRIORITY_CONTROL = 6  # TC_PRIO_INTERACTIVE's band: the highest a process without privileges may ask for
_RECEIVE_BUFFER = 1024 * 1024
_DATAGRAM = 4096  # 255 addresses make 1028 bytes; what is longer is malformed and cut is still malformed
_MREQN = struct.Struct("=4s4si")  # group, local address, interface index
# linux/in.h and asm-generic/socket.h; Python knows some of them only in late versions.
_IP_MULTICAST_ALL = 49
_SO_RCVBUFFORCE = getattr(socket, "SO_RCVBUFFORCE", 33)


class VrrpSocket:
    """Sends adverts to the group and receives everybody else's, on one interface."""

    def __init__(self, device: str, index: int) -> None:
        """Join the group. Raises OSError when the interface is missing or CAP_NET_RAW is."""
        self._index = index
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_RAW | socket.SOCK_CLOEXEC, _PROTOCOL)
        try:
            self._prepare(device)
        except OSError:
            self._socket.close()
            raise

    def fileno(self) -> int:
        """The descriptor, for the poller."""
        return self._socket.fileno()

    def send_from(self, source: str) -> None:
        """Use this address of the interface as the source of what is sent from now on."""
        chosen = _MREQN.pack(b"\0" * 4, ipaddress.IPv4Address(source).packed, self._index)
        self._socket.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, chosen)

    def send(self, packet: bytes) -> None:
        """Send one VRRP message to the group. Raises OSError when it could not leave."""
        self._socket.sendto(packet, (VRRP_GROUP, 0))

    def receive(self) -> t.Optional[bytes]:
        """One IP datagram with its header, or None when nothing waits."""
        try:
            return self._socket.recv(_DATAGRAM)
        except BlockingIOError:
            return None

    def close(self) -> None:
        """Leave the group and give the descriptor back."""
        self._socket.close()

    def _prepare(self, device: str) -> None:
        opened = self._socket
        opened.setblocking(False)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device.encode() + b"\0")
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_PRIORITY, _PRIORITY_CONTROL)
        try:
            opened.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _RECEIVE_BUFFER)
        except PermissionError:  # without CAP_NET_ADMIN the system's own size has to do
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
        group = _MREQN.pack(ipaddress.IPv4Address(VRRP_GROUP).packed, b"\0" * 4, self._index)
        for option, value in (
            (socket.IP_TOS, _TOS_INTERNETWORK_CONTROL),
            (socket.IP_TTL, _TTL),
            (socket.IP_MULTICAST_TTL, _TTL),
            (socket.IP_MULTICAST_LOOP, 0),
            (_IP_MULTICAST_ALL, 0),
            (socket.IP_ADD_MEMBERSHIP, group),
        ):
            opened.setsockopt(socket.IPPROTO_IP, option, value)
