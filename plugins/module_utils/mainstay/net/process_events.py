# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kernel tells which processes begin, change and end: the process connector (linux/cn_proc.h).

It speaks in the machine's first network and process namespace only. In a container nothing answers, so a listener
counts on it only after it was welcomed.
"""

from __future__ import annotations

import os
import socket
import struct
import typing as t
from dataclasses import dataclass

from .netlink import u32

_NETLINK_CONNECTOR = 11
_CN_IDX_PROC = _CN_VAL_PROC = 1
_LISTEN = 1
_NLMSG_DONE = 3
_RECEIVE_BUFFER = 1 << 20
_DATAGRAM = 65536
_HEADER = struct.Struct("=IHHII")  # length, type, flags, sequence, sender
_CONNECTOR = struct.Struct("=IIIIHH")  # idx, val, seq, ack, len, flags
_EVENT = struct.Struct("=IIQ")  # what, cpu, timestamp
_TASK = struct.Struct("=ii")  # thread, process

WELCOME = 0
_FORK, _EXEC, _COMM, _EXIT = 0x1, 0x2, 0x200, 0x80000000
CHANGED, ENDED = 1, 2


@dataclass(frozen=True)
class ProcessEvent:
    """Something happened to a process (never to a mere thread)."""

    what: int
    """WELCOME, CHANGED (it began, or has another name or program) or ENDED."""
    pid: int
    """0 for WELCOME."""


class ProcessEvents:
    """The stream of events."""

    def __init__(self) -> None:
        """Ask for them. Raises OSError: no connector here, or no right to listen."""
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC, _NETLINK_CONNECTOR)
        try:
            self._socket.setblocking(False)
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
            self._socket.bind((0, _CN_IDX_PROC))
            self._socket.send(_listen())
        except OSError:
            self._socket.close()
            raise

    def fileno(self) -> int:
        """The descriptor, for the poller."""
        return self._socket.fileno()

    def receive(self) -> t.Optional[t.List[ProcessEvent]]:
        """The events of one datagram; None when there is none. Raises OSError (ENOBUFS: some were lost)."""
        try:
            datagram, (sender, _groups) = self._socket.recvfrom(_DATAGRAM)
        except BlockingIOError:
            return None
        return decode(datagram) if sender == 0 else []

    def close(self) -> None:
        """Give the descriptor back."""
        self._socket.close()


def _listen() -> bytes:
    body = _CONNECTOR.pack(_CN_IDX_PROC, _CN_VAL_PROC, 0, 0, 4, 0) + u32(_LISTEN)
    return _HEADER.pack(_HEADER.size + len(body), _NLMSG_DONE, 0, 0, os.getpid()) + body


def decode(datagram: bytes) -> t.List[ProcessEvent]:
    """What concerns us of one datagram; anything else, and anything malformed, is left out."""
    found: t.List[ProcessEvent] = []
    offset = 0
    while offset + _HEADER.size <= len(datagram):
        length = _HEADER.unpack_from(datagram, offset)[0]
        if length < _HEADER.size:
            break
        event = _event(datagram[offset + _HEADER.size : offset + length])
        if event is not None:
            found.append(event)
        offset += (length + 3) & ~3
    return found


def _event(body: bytes) -> t.Optional[ProcessEvent]:
    start = _CONNECTOR.size
    if len(body) < start + _EVENT.size + _TASK.size or _CONNECTOR.unpack_from(body)[:2] != (_CN_IDX_PROC, _CN_VAL_PROC):
        return None
    what = _EVENT.unpack_from(body, start)[0]
    tasks = body[start + _EVENT.size :]
    if what == WELCOME:
        (refusal,) = struct.unpack_from("=I", tasks)
        return None if refusal else ProcessEvent(WELCOME, 0)
    if what == _FORK:  # the parent stands first
        tasks = tasks[_TASK.size :]
    if what not in (_FORK, _EXEC, _COMM, _EXIT) or len(tasks) < _TASK.size:
        return None
    thread, process = _TASK.unpack_from(tasks)
    return ProcessEvent(ENDED if what == _EXIT else CHANGED, process) if thread == process else None
