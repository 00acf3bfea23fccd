# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Our own route netlink sockets: one that gives orders, one that listens.

Orders are synchronous: the kernel works within sendmsg(), so what it refused can be read without waiting. The
listener asks for a receive buffer that survives thousands of changes at once; when it overruns all the same
the kernel says ENOBUFS once, and the only right answer is to read everything anew.
"""

from __future__ import annotations

import errno
import socket
import typing as t

from . import rtnl

_RTMGRP_LINK, _RTMGRP_IPV4_IFADDR, _RTMGRP_IPV6_IFADDR = 0x1, 0x10, 0x100
_RECEIVE_BUFFER = 8 * 1024 * 1024
_DATAGRAM = 256 * 1024  # a dump's datagrams are at most 32 KiB, a notification's far less
_DUMP_ATTEMPTS = 5
# The kernel answers a dump while we ask for it; who waits longer than this keeps adverts waiting, too.
_DUMP_SECONDS = 0.2
# Not in the socket module before Python 3.13.
_SO_RCVBUFFORCE = getattr(socket, "SO_RCVBUFFORCE", 33)


class ListenerOverrun(Exception):
    """Notifications were lost; the mirror must be read anew."""


class OrderSocket:
    """Requests to the kernel: dumps and prepared batches."""

    def __init__(self) -> None:
        self._socket = _open(groups=0)
        self._sequence = 0
        self._dump_unfinished = False

    def next_sequence(self) -> int:
        """A number no other request of this socket has."""
        self._sequence += 1
        return self._sequence

    def send(self, batch: bytes) -> t.List[rtnl.Refused]:
        """Carry out prepared messages in order; the refused ones come back, the others are done.

        Raises OSError when the batch as a whole could not be handed to the kernel.
        """
        self._socket.send(batch)
        return self._refusals()

    def dump(self, message_type: int) -> t.List[rtnl.Notice]:
        """All links or all addresses. Raises OSError when the kernel does not answer or keeps changing.
        """
        for _attempt in range(_DUMP_ATTEMPTS):
            if self._dump_unfinished:  # the rest of it is no answer to the next request
                self._refusals()
            try:
                return self._dump_once(message_type)
            except rtnl.DumpInterrupted:
                continue
        raise OSError(errno.EBUSY, "the kernel's table changed during every attempt to read it")

    def close(self) -> None:
        """Give the descriptor back."""
        self._socket.close()

    def _dump_once(self, message_type: int) -> t.List[rtnl.Notice]:
        self._socket.send(rtnl.dump_request(message_type, self.next_sequence()))
        self._dump_unfinished = True
        collected: t.List[rtnl.Notice] = []
        self._socket.settimeout(_DUMP_SECONDS)
        try:
            while True:
                for notice in rtnl.notices(_receive(self._socket)):
                    if isinstance(notice, rtnl.DumpEnd):
                        self._dump_unfinished = False
                        return collected
                    if isinstance(notice, rtnl.Refused):
                        raise OSError(notice.errno, "the kernel refused to list its links or addresses")
                    collected.append(notice)
        finally:
            self._socket.settimeout(0)

    def _refusals(self) -> t.List[rtnl.Refused]:
        """Read what waits; leftovers of an interrupted dump are dropped."""
        refused: t.List[rtnl.Refused] = []
        while True:
            try:
                datagram = _receive(self._socket)
                refused.extend(notice for notice in rtnl.notices(datagram) if isinstance(notice, rtnl.Refused))
            except BlockingIOError:
                return refused
            except rtnl.DumpInterrupted:
                continue


class ListenerSocket:
    """Notifications of link and address changes."""

    def __init__(self) -> None:
        self._socket = _open(groups=_RTMGRP_LINK | _RTMGRP_IPV4_IFADDR | _RTMGRP_IPV6_IFADDR)

    def fileno(self) -> int:
        """The descriptor, for the poller."""
        return self._socket.fileno()

    def receive(self) -> t.Optional[t.List[rtnl.Notice]]:
        """What one datagram says, or None when nothing waits. Raises ListenerOverrun after a loss."""
        try:
            return list(rtnl.notices(_receive(self._socket)))
        except BlockingIOError:
            return None
        except OSError as error:
            if error.errno == errno.ENOBUFS:
                raise ListenerOverrun from error
            raise

    def close(self) -> None:
        """Give the descriptor back."""
        self._socket.close()


def _open(groups: int) -> socket.socket:
    opened = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE)
    try:
        opened.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _RECEIVE_BUFFER)
    except PermissionError:  # without CAP_NET_ADMIN the limit of the system holds
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
    opened.bind((0, groups))
    opened.setblocking(False)
    return opened


def _receive(source: socket.socket) -> bytes:
    """One datagram of the kernel's own; any process may write to a netlink socket, only the kernel is port 0.
    """
    while True:
        datagram, sender = source.recvfrom(_DATAGRAM)
        if sender[0] == 0:
            return datagram
