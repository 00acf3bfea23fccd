# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The control socket's server: one JSON object per line in, one out.

Nothing a client does can hold up the supervisor or another client: requests are at most 64 KiB and 16
levels deep, must be complete within 2 s and their answer taken within 2 s; at most 16 clients are served,
further ones wait in the kernel's queue.
"""

from __future__ import annotations

import grp
import json
import os
import typing as t

from ..model.json_text import parse_json
from ..model.problems import ConfigError
from ..model.units import NANOSECONDS_PER_SECOND, Instant
from ..net.local_sockets import ControlListener, Peer
from ..net.polling import READABLE, WRITABLE, Poller, Timer
from .run_directory import RunDirectoryUnusable

MAXIMUM_REQUEST = 64 * 1024
MAXIMUM_CLIENTS = 16
PATIENCE = 2 * NANOSECONDS_PER_SECOND
_ACCEPT_AGAIN = NANOSECONDS_PER_SECOND // 10

_GROUP = "mainstay"

Request = t.Mapping[str, t.Any]
Reply = t.Callable[[t.Mapping[str, object]], None]
"""Call once with the answer; harmless when the client has gone."""
Serve = t.Callable[[Request, Peer, Reply], None]


def refusal(text: str) -> t.Dict[str, object]:
    """The answer to a request that cannot be served."""
    return {"ok": False, "error": text}


def open_control(path: str) -> ControlListener:
    """The listening socket, for root and the group mainstay. Raises SocketPathTaken and RunDirectoryUnusable."""
    try:
        return ControlListener(path, _control_group())
    except OSError as error:
        raise RunDirectoryUnusable(f"the control socket {path} cannot be opened: {error.strerror or error}") from error


def _control_group() -> t.Optional[int]:
    """The group mainstay, where we may give a file to it: as root.

    Else we run as user mainstay and it is ours.
    """
    if os.geteuid() != 0:
        return None
    try:
        return grp.getgrnam(_GROUP).gr_gid
    except KeyError:
        return None


class ControlServer:
    """Accepts clients and hands their requests on."""

    def __init__(self, poller: Poller, listener: ControlListener, serve: Serve) -> None:
        self._poller = poller
        self._listener = listener
        self._serve = serve
        self._clients: t.Set[_Client] = set()
        self._again: t.Optional[Timer] = None
        self._listen()

    def close(self) -> None:
        """Hang up on everyone and stop listening."""
        for client in list(self._clients):
            client.close()
        # Last: a client that goes makes us listen again when there was no place left.
        if self._again is not None:
            self._again.cancel()
        self._poller.unwatch(self._listener.fileno())
        self._listener.close()

    def _listen(self) -> None:
        self._poller.watch(self._listener.fileno(), READABLE, self._accept)

    def _accept(self, _bits: int, now: Instant) -> None:
        try:
            accepted = self._listener.accept()
        except OSError:  # no descriptor or no memory: whoever waits would wake us again at once
            self._poller.unwatch(self._listener.fileno())
            self._again = self._poller.call_at(now + _ACCEPT_AGAIN, lambda _now: self._listen())
            return
        if accepted is None:
            return
        self._clients.add(_Client(self._poller, *accepted, self._serve, self._gone, now))
        if len(self._clients) >= MAXIMUM_CLIENTS:
            self._poller.unwatch(self._listener.fileno())

    def _gone(self, client: _Client) -> None:
        self._clients.discard(client)
        if len(self._clients) == MAXIMUM_CLIENTS - 1:
            self._listen()


class _Client:
    """One connection: reads a request, waits for its answer, writes it, reads the next."""

    def __init__(
        self,
        poller: Poller,
        descriptor: int,
        peer: Peer,
        serve: Serve,
        gone: t.Callable[[_Client], None],
        now: Instant,
    ) -> None:
        self._poller = poller
        self._descriptor = descriptor
        self._peer = peer
        self._serve = serve
        self._gone = gone
        self._incoming = bytearray()
        self._outgoing = bytearray()
        self._last = False
        self._open = True
        self._deadline: t.Optional[Timer] = None
        self._read_from(now)

    def close(self) -> None:
        """Hang up."""
        if self._open:
            self._open = False
            self._rest()
            os.close(self._descriptor)
            self._gone(self)

    def _rest(self) -> None:
        """Neither read nor hurry the client: it is our turn."""
        self._poller.unwatch(self._descriptor)
        if self._deadline is not None:
            self._deadline.cancel()

    def _read_from(self, now: Instant) -> None:
        self._poller.watch(self._descriptor, READABLE, self._readable)
        self._deadline = self._poller.call_at(now + PATIENCE, self._too_slow)

    def _too_slow(self, now: Instant) -> None:
        if self._outgoing or not self._incoming:
            self.close()
        else:
            self._answer_last("the request was not complete within 2 s", now)

    def _readable(self, _bits: int, now: Instant) -> None:
        try:
            piece = os.read(self._descriptor, MAXIMUM_REQUEST)
        except BlockingIOError:
            return
        except ConnectionResetError:
            piece = b""
        if not piece:
            self.close()
            return
        self._incoming += piece
        if b"\n" in piece or len(self._incoming) > MAXIMUM_REQUEST:
            self._next_request(now)

    def _next_request(self, now: Instant) -> None:
        """Serve it when it is there already. Nothing is read before its answer has been written."""
        if not self._open:
            return
        self._rest()
        line, end, rest = self._incoming.partition(b"\n")
        if len(line) > MAXIMUM_REQUEST:
            self._answer_last("the request is larger than 64 KiB", now)
        elif end:
            self._incoming = rest
            self._serve_line(bytes(line), now)
        else:
            self._read_from(now)

    def _serve_line(self, line: bytes, now: Instant) -> None:
        try:
            request = parse_json(line.decode("utf-8"))
        except (ConfigError, UnicodeDecodeError):
            self._answer_last('the request is no JSON object on one line, such as {"verb": "status"}', now)
            return
        if not isinstance(request, dict) or not isinstance(request.get("verb"), str):
            self._answer_last('the request has no verb; send an object such as {"verb": "status"}', now)
            return
        self._serve(request, self._peer, self._answer)

    def _answer_last(self, text: str, now: Instant) -> None:
        self._last = True
        self._rest()
        self._write(refusal(text), now)

    def _answer(self, answer: t.Mapping[str, object]) -> None:
        if self._open and not self._outgoing:
            self._write(answer, self._poller.now())

    def _write(self, answer: t.Mapping[str, object], now: Instant) -> None:
        self._outgoing += json.dumps(answer).encode("ascii") + b"\n"
        self._deadline = self._poller.call_at(now + PATIENCE, self._too_slow)
        self._writable(WRITABLE, now)

    def _writable(self, _bits: int, now: Instant) -> None:
        try:
            written = os.write(self._descriptor, self._outgoing)
        except BlockingIOError:
            written = 0
        except (BrokenPipeError, ConnectionResetError):
            self.close()
            return
        del self._outgoing[:written]
        if self._outgoing:
            self._poller.watch(self._descriptor, WRITABLE, self._writable)
        elif self._last:
            self.close()
        else:
            self._rest()
            # Not at once: a client that sent thousands of requests in one go would nest us as deep.
            self._poller.call_at(now, self._next_request)
