# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host that answers checks: one process on every address, which counts what it was asked."""

from __future__ import annotations

import mmap
import os
import selectors
import signal
import socket
import ssl
import struct
import subprocess
import typing as t
from pathlib import Path

PORT = 8080
_COUNT = struct.Struct("=Q")
_PAGE = b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n\r\nup\n"
_BACKLOG = 4096
_PATIENCE = 2.0


class Answerer:
    """Answers tcp, http or https until it is closed."""

    def __init__(self, kind: str, folder: Path) -> None:
        self._count = mmap.mmap(-1, mmap.PAGESIZE)
        context = _context(folder) if kind == "https" else None
        listener = socket.create_server(("0.0.0.0", PORT), backlog=_BACKLOG)
        self._pid = os.fork()
        if self._pid == 0:
            try:
                _serve(listener, kind, context, self._count)
            finally:
                os._exit(1)
        listener.close()

    def asked(self) -> int:
        """Connections accepted so far."""
        (count,) = _COUNT.unpack_from(self._count, 0)
        return int(count)

    def close(self) -> None:
        os.kill(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)


def _context(folder: Path) -> ssl.SSLContext:
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    subject = ["-subj", "/CN=bench", "-days", "30", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", *subject],
        check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


def _serve(listener: socket.socket, kind: str, context: ssl.SSLContext | None, count: mmap.mmap) -> None:
    selector = selectors.DefaultSelector()
    selector.register(listener, selectors.EVENT_READ)
    asked = 0
    while True:
        for key, _bits in selector.select():
            if key.fileobj is not listener:
                _answer(selector, t.cast(socket.socket, key.fileobj))
                continue
            connection, _peer = listener.accept()
            asked += 1
            _COUNT.pack_into(count, 0, asked)
            if kind == "tcp":
                connection.close()
            elif context is not None:
                _answer_tls(context, connection)
            else:
                selector.register(connection, selectors.EVENT_READ)


def _answer(selector: selectors.BaseSelector, connection: socket.socket) -> None:
    """A request of these checks comes in one segment."""
    selector.unregister(connection)
    try:
        if connection.recv(4096):
            connection.sendall(_PAGE)
    except OSError:
        pass  # the check was through with us before we were with it
    connection.close()


def _answer_tls(context: ssl.SSLContext, connection: socket.socket) -> None:
    """One after the other: a handshake takes two milliseconds."""
    connection.settimeout(_PATIENCE)
    try:
        with context.wrap_socket(connection, server_side=True) as channel:
            channel.recv(4096)
            channel.sendall(_PAGE)
    except OSError:
        pass  # as above
