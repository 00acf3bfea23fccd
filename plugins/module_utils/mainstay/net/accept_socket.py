# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Our table of net/accept_filter in the kernel: change it, and see whether it is still what we made of it."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import struct
import typing as t

from .accept_filter import CHAIN, GETGEN, GETRULE, GETSETELEM, RULES, SETS, TABLE, Element, removal_batch
from .netlink import KernelSocket, Message, decode, encode

_NETLINK_NETFILTER = 12
_SUBSYSTEM = 10
_UNSPEC, _INET = b"\0\0\0\0", b"\1\0\0\0"
_HEADER = struct.Struct("=IHHII")
_NLMSG_ERROR = 2
_DATAGRAM = 256 * 1024
_GONE = (errno.ENOENT,)


class FilterSocket:
    """Changes and looks, each answered before the call returns."""

    def __init__(self) -> None:
        """Raises OSError when the kernel gives no netlink socket, as without nf_tables."""
        self._questions = KernelSocket(_NETLINK_NETFILTER)
        self._changes = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, _NETLINK_NETFILTER)
        self._changes.bind((0, 0))
        self._changes.setblocking(False)

    def close(self) -> None:
        """Give the descriptors back."""
        self._questions.close()
        self._changes.close()

    def change(self, batch: bytes) -> None:
        """Carry out a transaction. Raises OSError when the kernel refused it: then nothing of it was done.

        The kernel works within send(): silence after it means done.
        """
        if not batch:
            return
        self._changes.send(batch)
        refusal = 0
        with contextlib.suppress(BlockingIOError):
            while True:
                datagram, (sender, _groups) = self._changes.recvfrom(_DATAGRAM)
                refusal = refusal or (_refusal(datagram) if sender == 0 else 0)
        if refusal:
            raise OSError(refusal, os.strerror(refusal))

    def generation(self) -> bytes:
        """A number that every change of any table moves on. Raises OSError."""
        return decode(self._questions.ask(Message(_SUBSYSTEM << 8 | GETGEN, _UNSPEC)), len(_UNSPEC)).get(1, b"")

    def is_whole(self, elements: t.Collection[Element]) -> bool:
        """Every rule and every one of these elements is there. Raises OSError."""
        try:
            rules = self._dump(GETRULE, CHAIN)
            return len(rules) == RULES and set(elements) <= self._elements()
        except OSError as error:
            if error.errno in _GONE:
                return False
            raise

    def _elements(self) -> t.Set[Element]:
        found: t.Set[Element] = set()
        for name in SETS:
            for body in self._dump(GETSETELEM, name):
                found.update(Element(name, key) for key in _keys(decode(body, len(_INET)).get(3, b"")))
        return found

    def _dump(self, kind: int, name: str) -> t.List[bytes]:
        named = encode([(1, TABLE.encode() + b"\0"), (2, name.encode() + b"\0")])
        return self._questions.dump(Message(_SUBSYSTEM << 8 | kind, _INET + named))


def remove_table() -> bool:
    """Whether there was one. Raises OSError when it stays."""
    kernel = FilterSocket()
    try:
        kernel.change(removal_batch())
        return True
    except OSError as error:
        if error.errno in _GONE:
            return False
        raise
    finally:
        kernel.close()


def _keys(listed: bytes) -> t.Iterator[bytes]:
    """The keys of a list of set elements."""
    offset = 0
    while offset + 4 <= len(listed):
        (length,) = struct.unpack_from("=H", listed, offset)
        if length < 4:
            return
        yield decode(decode(listed[offset + 4 : offset + length]).get(1, b"")).get(1, b"")
        offset += (length + 3) & ~3


def _refusal(datagram: bytes) -> int:
    """The first errno in it, 0 for none."""
    offset = 0
    while offset + _HEADER.size + 4 <= len(datagram):
        length, kind, _flags, _sequence, _port = _HEADER.unpack_from(datagram, offset)
        (negative,) = struct.unpack_from("=i", datagram, offset + _HEADER.size)
        if kind == _NLMSG_ERROR and negative:
            return -int(negative)
        offset += max((length + 3) & ~3, _HEADER.size)
    return 0
