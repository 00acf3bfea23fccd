# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers that a health check may meet on a bad day. Loopback only.

Each behaviour is a function over one accepted connection; it may write, wait for the other side or close as it likes.
A `HostileServer` treats every connection to a port of its own by one behaviour, each in a thread of its own.
"""

from __future__ import annotations

import contextlib
import fcntl
import itertools
import socket
import struct
import termios
import threading
import time
import typing as t

Behaviour = t.Callable[[socket.socket], None]

_QUEUE = 64


class Server(t.Protocol):
    """What the zoo keeps in a cage: bound to `port` when made, alive while it serves."""

    port: int

    def serve_forever(self) -> None:
        """Serve until the process ends."""


class HostileServer:
    """Treats each connection to 127.0.0.1 as its behaviour says; for one test also a context manager."""

    def __init__(self, behaviour: Behaviour) -> None:
        self._behaviour = behaviour
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=_QUEUE)
        self.port = int(self._listener.getsockname()[1])
        self._thread = threading.Thread(target=self.serve_forever, daemon=True)

    def __enter__(self) -> HostileServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()

    def serve_forever(self) -> None:
        """Until the listener is shut down."""
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._treat, args=(connection,), daemon=True).start()

    def _treat(self, connection: socket.socket) -> None:
        connection.settimeout(30)
        with connection, contextlib.suppress(OSError):  # the probe hung up, as it should
            self._behaviour(connection)


def read_request(connection: socket.socket) -> None:
    """Take the whole request, so that closing afterwards is orderly and not a reset."""
    seen = b""
    while not seen.endswith(b"\r\n\r\n"):
        received = connection.recv(4096)
        if not received:
            return
        seen += received


def hold(connection: socket.socket) -> None:
    """Keep the connection until the other side ends it."""
    while connection.recv(4096):
        pass


def reset(connection: socket.socket) -> None:
    """End it with RST."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def await_acknowledged(connection: socket.socket) -> None:
    """Until the other side's kernel has confirmed all bytes (SIOCOUTQ is 0)."""
    while struct.unpack("i", fcntl.ioctl(connection, termios.TIOCOUTQ, b"\0" * 4))[0]:
        time.sleep(0.001)


def says(answer: bytes) -> Behaviour:
    """Reads the request, answers, closes in order."""

    def behave(connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(answer)

    return behave


def says_and_holds(answer: bytes) -> Behaviour:
    """Answers at once, unasked, and never closes."""

    def behave(connection: socket.socket) -> None:
        connection.sendall(answer)
        hold(connection)

    return behave


def says_forever(opening: bytes, again: bytes) -> Behaviour:
    """An opening, then the same over and over until the probe hangs up."""

    def behave(connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(opening)
        while True:
            connection.sendall(again)

    return behave


def babbles(again: bytes) -> Behaviour:
    """The same over and over, unasked."""

    def behave(connection: socket.socket) -> None:
        while True:
            connection.sendall(again)

    return behave


def later_says(answer: bytes, pause: float) -> Behaviour:
    """A whole answer, but it takes its time."""

    def behave(connection: socket.socket) -> None:
        read_request(connection)
        time.sleep(pause)
        connection.sendall(answer)

    return behave


def drips(answer: bytes, pause: float = 0.1) -> Behaviour:
    """One byte at a time: never silent for long, never done in time."""

    def behave(connection: socket.socket) -> None:
        for value in itertools.cycle(answer):
            time.sleep(pause)
            connection.sendall(bytes([value]))

    return behave


def says_and_resets(answer: bytes) -> Behaviour:
    """A part of an answer, and RST once the probe's kernel has it."""

    def behave(connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(answer)
        await_acknowledged(connection)
        reset(connection)

    return behave


def half_closes(connection: socket.socket) -> None:
    """Says that nothing will come, but keeps listening."""
    read_request(connection)
    connection.shutdown(socket.SHUT_WR)
    hold(connection)


def closes_at_once(_connection: socket.socket) -> None:
    """Hangs up without a word; the unread request makes it a reset or an end of stream."""


class NeverAccepts:
    """A listener whose queue is full: further connections get no answer at all."""

    def __init__(self, _behaviour: t.Optional[Behaviour] = None) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=0)
        self.port = int(self._listener.getsockname()[1])
        self._fillers = [self._connect() for _ in range(3)]

    def __enter__(self) -> NeverAccepts:
        return self

    def __exit__(self, *_: object) -> None:
        for connection in [*self._fillers, self._listener]:
            connection.close()

    def serve_forever(self) -> None:
        """Being there is all it does."""

    def _connect(self) -> socket.socket:
        filler = socket.socket()
        filler.setblocking(False)
        filler.connect_ex(("127.0.0.1", self.port))
        return filler


class Refuses:
    """A port of 127.0.0.1 that nobody listens on."""

    def __init__(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.port = int(listener.getsockname()[1])

    def serve_forever(self) -> None:
        """Nothing listens."""
