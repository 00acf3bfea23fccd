# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sockets that stay on this machine: worker channels, the control socket, the service manager's datagrams."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import stat
import struct
import typing as t

_CREDENTIALS = struct.Struct("=iII")  # struct ucred: pid, uid, gid
_LISTEN_BACKLOG = 64
_ANSWER_CHUNK = 65536


class Peer(t.NamedTuple):
    """Who is at the other end, as the kernel says (SO_PEERCRED)."""

    pid: int
    uid: int
    gid: int


class SocketPathTaken(Exception):
    """Something that is no socket stands at the path; it is not ours to remove."""


def channel_pair() -> t.Tuple[int, int]:
    """Two connected stream descriptors, non-blocking, closed by exec."""
    ends = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    for end in ends:
        end.setblocking(False)
    return ends[0].detach(), ends[1].detach()


class ControlListener:
    """The listening control socket, owner and group may connect."""

    def __init__(self, path: str, group: t.Optional[int]) -> None:
        """Replace a stale socket at `path` and listen. `group`: id that gets access, None keeps our own.

        Raises SocketPathTaken, and OSError when the path is too long or the folder not writable.
        """
        _remove_stale(path)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.setblocking(False)
        self._socket.bind(path)
        # Nobody can connect before listen(), so there is no moment of wider access.
        os.chmod(path, 0o660)
        if group is not None:
            os.chown(path, -1, group)
        self._socket.listen(_LISTEN_BACKLOG)

    def fileno(self) -> int:
        """The descriptor, for the poller."""
        return self._socket.fileno()

    def accept(self) -> t.Optional[t.Tuple[int, Peer]]:
        """Descriptor and identity of one waiting client, or None when it is gone already."""
        try:
            client, _address = self._socket.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return None
        client.setblocking(False)
        credentials = client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
        return client.detach(), Peer(*_CREDENTIALS.unpack(credentials))

    def close(self) -> None:
        """Stop listening; the path stays for its owner to remove."""
        self._socket.close()


def _remove_stale(path: str) -> None:
    try:
        mode = os.lstat(path).st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise SocketPathTaken(f"{path} is there and is no socket; remove it")
    os.unlink(path)


def ask(path: str, request: bytes, timeout: float) -> bytes:
    """Send one line to the control socket and return the answering line, both without their line end.

    Raises OSError: nobody listens, no permission, TimeoutError after `timeout` seconds between two pieces,
    ConnectionError when the other side closes without a whole line.
    """
    with contextlib.closing(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)) as client:
        client.settimeout(timeout)
        try:
            client.connect(path)
            client.sendall(request + b"\n")
            return _line(client)
        except socket.timeout as error:  # is TimeoutError itself only from Python 3.10 on
            raise TimeoutError(errno.ETIMEDOUT, f"no answer within {timeout:g} s") from error


def _line(client: socket.socket) -> bytes:
    received = bytearray()
    while not received.endswith(b"\n"):
        piece = client.recv(_ANSWER_CHUNK)
        if not piece:
            raise ConnectionResetError(errno.ECONNRESET, "the connection was closed before the answer was complete")
        received += piece
    return bytes(received[:-1])


class NotifySocket:
    """Datagrams to the service manager (sd_notify(3)); a manager that does not listen is no fault of ours."""

    def __init__(self, address: str) -> None:
        """`address` as in NOTIFY_SOCKET: a path, or @name in the abstract namespace."""
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)

    def send(self, text: str) -> None:
        """Hand one message over, or drop it when the manager is not there or its queue is full."""
        with contextlib.suppress(OSError):
            self._socket.sendto(text.encode("utf-8"), self._address)

    def close(self) -> None:
        """Give the descriptor back."""
        self._socket.close()
