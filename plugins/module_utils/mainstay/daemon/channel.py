# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""JSON lines over an inherited socket pair, without ever waiting for the other side.

What cannot be written at once is kept and written when there is room. A side that does not read must not
stop the other one: beyond a limit new messages are dropped and counted.
"""

from __future__ import annotations

import contextlib
import json
import os
import typing as t

from ..model.units import Instant
from ..net.polling import READABLE, WRITABLE, Poller

Message = t.Dict[str, t.Any]
Received = t.Callable[[Message, Instant], None]
Closed = t.Callable[[Instant], None]

_READ = 1 << 18
_BACKLOG = 32 * 1024 * 1024
"""Bytes; several times the largest configuration."""


class Channel:
    """One end. The messages come from a process of our own and are trusted to be JSON objects."""

    def __init__(self, poller: Poller, descriptor: int, received: Received, closed: Closed) -> None:
        """`closed` is called once, when the other end is gone; the channel has closed itself by then."""
        self._poller = poller
        self._descriptor = descriptor
        self._received = received
        self._closed = closed
        self._incoming = bytearray()
        self._outgoing = bytearray()
        self._open = True
        self._holds = False
        self.dropped = 0
        self._interest = 0
        self._watch(READABLE)

    def send(self, message: Message) -> None:
        """Queue one message; dropped when the channel is closed or its backlog full."""
        if not self._open or len(self._outgoing) > _BACKLOG:
            self.dropped += 1
            return
        self._outgoing += json.dumps(message).encode("ascii") + b"\n"
        if not self._holds:
            self._write()

    @contextlib.contextmanager
    def held_back(self) -> t.Iterator[None]:
        """What is sent within goes out at the end: the other side has no work with it before."""
        self._holds = True
        try:
            yield
        finally:
            self._holds = False
            if self._open:
                self._write()

    def drain(self, now: Instant) -> None:
        """Deliver what a dead process said last."""
        while self._open and self._read(now):
            pass

    def close(self) -> None:
        """Give the descriptor back; closing twice is harmless. `closed` is not called."""
        if self._open:
            self._open = False
            self._poller.unwatch(self._descriptor)
            os.close(self._descriptor)

    def _ready(self, bits: int, now: Instant) -> None:
        if bits & READABLE:
            self._read(now)
        if bits & WRITABLE and self._open:
            self._write()

    def _read(self, now: Instant) -> bool:
        """Take one piece; False when there was none."""
        try:
            piece = os.read(self._descriptor, _READ)
        except BlockingIOError:
            return False
        except ConnectionResetError:
            piece = b""
        if not piece:
            self.close()
            self._closed(now)
            return False
        self._incoming += piece
        if b"\n" in piece:
            self._deliver(now)
        return True

    def _deliver(self, now: Instant) -> None:
        *lines, rest = bytes(self._incoming).split(b"\n")
        self._incoming = bytearray(rest)
        for line in lines:
            if self._open:
                self._received(json.loads(line), now)

    def _write(self) -> None:
        try:
            while self._outgoing:
                written = os.write(self._descriptor, self._outgoing)
                del self._outgoing[:written]
        except BlockingIOError:
            pass
        except (BrokenPipeError, ConnectionResetError):
            self._outgoing.clear()  # reading finds the end and tells the owner
        self._watch(READABLE | (WRITABLE if self._outgoing else 0))

    def _watch(self, interest: int) -> None:
        if interest != self._interest:
            self._interest = interest
            self._poller.watch(self._descriptor, interest, self._ready)
