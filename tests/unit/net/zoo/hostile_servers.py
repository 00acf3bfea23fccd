# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers that a health check may meet on a bad day. Loopback only.

Each behaviour is a function over one accepted connection; it may write, wait or close as it likes, until `stopping`
is set. A `HostileServer` serves one behaviour on a port of its own.
"""

from __future__ import annotations

import fcntl
import itertools
import socket
import struct
import termios
import threading
import typing as t

Behaviour = t.Callable[[socket.socket, threading.Event], None]


class HostileServer:
    """Accepts connections on 127.0.0.1 and treats each as its behaviour says; a context manager."""

    def __init__(self, behaviour: Behaviour) -> None:
        self._behaviour = behaviour
        self._stopping = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=16)
        self._listener.settimeout(0.05)
        self._thread = threading.Thread(target=self._serve)

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    def __enter__(self) -> HostileServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join()
        self._listener.close()

    def _serve(self) -> None:
        while not self._stopping.is_set():
            try:
                connection, _ = self._listener.accept()
            except TimeoutError:
                continue
            connection.settimeout(1)
            with connection:
                try:
                    self._behaviour(connection, self._stopping)
                except OSError:
                    continue  # the probe hung up, as it should


def read_request(connection: socket.socket) -> None:
    """Take the whole request, so that closing afterwards is orderly and not a reset."""
    seen = b""
    while not seen.endswith(b"\r\n\r\n"):
        received = connection.recv(4096)
        if not received:
            return
        seen += received


def _reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def says(answer: bytes) -> Behaviour:
    """Reads the request, answers, closes in order."""

    def behave(connection: socket.socket, _: threading.Event) -> None:
        read_request(connection)
        connection.sendall(answer)

    return behave


def says_and_holds(answer: bytes) -> Behaviour:
    """Answers at once, unasked, and never closes."""

    def behave(connection: socket.socket, stopping: threading.Event) -> None:
        connection.sendall(answer)
        stopping.wait()

    return behave


def says_forever(opening: bytes, again: bytes) -> Behaviour:
    """An opening, then the same over and over until the probe hangs up."""

    def behave(connection: socket.socket, stopping: threading.Event) -> None:
        read_request(connection)
        connection.sendall(opening)
        while not stopping.is_set():
            connection.sendall(again)

    return behave


def drips(answer: bytes) -> Behaviour:
    """One byte every 20 ms: never silent for long, never done in time."""

    def behave(connection: socket.socket, stopping: threading.Event) -> None:
        for value in itertools.cycle(answer):
            if stopping.wait(0.02):
                return
            connection.sendall(bytes([value]))

    return behave


def silent(connection: socket.socket, stopping: threading.Event) -> None:
    """Accepts and says nothing."""
    stopping.wait()


def resets_after_accept(connection: socket.socket, _: threading.Event) -> None:
    """Answers the connection with RST."""
    _reset(connection)


def resets_within_the_head(connection: socket.socket, _: threading.Event) -> None:
    """Half an answer, and RST once the probe has taken it."""
    read_request(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nServer: x")
    while _unacknowledged(connection):
        pass
    _reset(connection)


def _unacknowledged(connection: socket.socket) -> int:
    """Bytes that the other side's kernel has not confirmed yet (SIOCOUTQ)."""
    return int(struct.unpack("i", fcntl.ioctl(connection, termios.TIOCOUTQ, b"\0" * 4))[0])


def half_closes(connection: socket.socket, stopping: threading.Event) -> None:
    """Says that nothing will come, but keeps listening."""
    read_request(connection)
    connection.shutdown(socket.SHUT_WR)
    stopping.wait()


def closes_at_once(connection: socket.socket, _: threading.Event) -> None:
    """Hangs up without a word; the unread request makes it a reset or an end of stream."""


class NeverAccepts:
    """A listener whose queue is full: further connections get no answer at all."""

    def __enter__(self) -> NeverAccepts:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=0)
        self.port = int(self._listener.getsockname()[1])
        self._fillers = [self._connect() for _ in range(3)]
        return self

    def __exit__(self, *_: object) -> None:
        for connection in [*self._fillers, self._listener]:
            connection.close()

    def _connect(self) -> socket.socket:
        filler = socket.socket()
        filler.setblocking(False)
        filler.connect_ex(("127.0.0.1", self.port))
        return filler


def refused_port() -> int:
    """A port of 127.0.0.1 that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
