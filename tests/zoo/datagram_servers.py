# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers of datagrams, good and bad. Loopback only."""

from __future__ import annotations

import contextlib
import itertools
import socket
import struct
import threading
import time
import typing as t

Reply = t.Callable[[bytes], None]
"""Sends one datagram back; raises OSError once nobody is there to take it."""
Behaviour = t.Callable[[bytes, Reply], None]

ADDRESS = b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 60, 4) + bytes([192, 0, 2, 80])
"""An A record of the name that was asked for."""
NOERROR, SERVFAIL, NXDOMAIN, TRUNCATED = 0x8180, 0x8182, 0x8183, 0x8380


class DatagramServer:
    """Treats each datagram to a port of 127.0.0.1 as its behaviour says; for one test also a context manager."""

    def __init__(self, behaviour: Behaviour) -> None:
        self._behaviour = behaviour
        self._socket = _bound(0)
        self.port = int(self._socket.getsockname()[1])
        self._thread = threading.Thread(target=self.serve_forever, daemon=True)

    def __enter__(self) -> DatagramServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        # shutdown() wakes a blocked recvfrom even though it says that nothing is connected.
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._socket.close()

    def serve_forever(self) -> None:
        """Until the socket is shut down, which reads as an empty datagram from nobody."""
        while True:
            datagram, peer = self._socket.recvfrom(65535)
            if not peer:
                return
            threading.Thread(target=self._treat, args=(datagram, peer), daemon=True).start()

    def _treat(self, datagram: bytes, peer: t.Tuple[str, int]) -> None:
        """From a socket of its own, which hears that the peer has gone."""
        with _bound(self.port) as own, contextlib.suppress(OSError):
            own.connect(peer)
            self._behaviour(datagram, lambda reply: _send(own, reply))


def _bound(port: int) -> socket.socket:
    bound = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind(("127.0.0.1", port))
    return bound


def _send(own: socket.socket, reply: bytes) -> None:
    own.send(reply)


class RefusesDatagrams:
    """A port of 127.0.0.1 that nobody listens on."""

    def __init__(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
            taken.bind(("127.0.0.1", 0))
            self.port = int(taken.getsockname()[1])

    def serve_forever(self) -> None:
        """Nothing listens."""


def silent(_datagram: bytes, _reply: Reply) -> None:
    """Takes it and says nothing."""


def replies(*answers: bytes) -> Behaviour:
    """These, whatever was sent."""

    def behave(_datagram: bytes, reply: Reply) -> None:
        for answer in answers:
            reply(answer)

    return behave


def answers(*made: t.Callable[[bytes], bytes]) -> Behaviour:
    """What these make of the question."""

    def behave(question: bytes, reply: Reply) -> None:
        for make in made:
            reply(make(question))

    return behave


def floods(make: t.Callable[[bytes], bytes]) -> Behaviour:
    """The same over and over until the probe has gone."""

    def behave(question: bytes, reply: Reply) -> None:
        for count in itertools.count():
            reply(make(question))
            if count % 50 == 0:
                time.sleep(0.001)

    return behave


def later(pause: float, make: t.Callable[[bytes], bytes]) -> Behaviour:
    """An answer that takes its time."""

    def behave(question: bytes, reply: Reply) -> None:
        time.sleep(pause)
        reply(make(question))

    return behave


def names(*records: bytes, flags: int = NOERROR, count: t.Optional[int] = None) -> t.Callable[[bytes], bytes]:
    """A name server's answer with these records."""

    def make(question: bytes) -> bytes:
        stated = len(records) if count is None else count
        return question[:2] + struct.pack("!5H", flags, 1, stated, 0, 0) + question[12:] + b"".join(records)

    return make


def forged(question: bytes) -> bytes:
    """A good answer to somebody else: the id differs by one bit."""
    return bytes([question[0] ^ 1]) + names(ADDRESS)(question)[1:]


def echoed(question: bytes) -> bytes:
    """The question itself."""
    return question
