# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs one probe over TCP: connect, converse, one outcome.

Theory of operation. A run has one deadline for everything, connect included, so a server that drips bytes
gains nothing, and one ceiling for received bytes. It ends in exactly one of two ways: an outcome goes to
`done`, or `cancel()` was called. `done` is never called from within the constructor, so the caller may keep
the run in a variable first.

    connecting -> conversing -> over        each arrow an event of the Poller; the deadline ends any

The connection is closed with a reset (SO_LINGER 0): checking one server often must not fill this host's table
of TIME_WAIT ports (28 000 per target and minute).

Not every failure is the server's. A shortage of this host, or a wake-up long after the deadline (the process
was frozen, the answer may be there unread), gives an outcome that did not run.
"""

from __future__ import annotations

import errno
import socket
import struct
import typing as t

from ..model.units import Duration, Instant, as_seconds, seconds
from ..probes.outcome import ProbeOutcome
from ..probes.task import ProbeTask
from ..probes.verdict import Said, StartTls, Verdict
from .polling import READABLE, WRITABLE, Poller
from .probe_errors import error_sentence, is_own_shortage

RECEIVED_BYTES = 64 * 1024
"""A server may say this much before there is a verdict."""

STALL = seconds(1)
"""A deadline noticed this much late was missed by this process, not by the server."""

_READ_BYTES = 16 * 1024
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
_SOCKET_KIND = socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC
_UNDER_WAY = (0, errno.EINPROGRESS)

Done = t.Callable[[ProbeOutcome], None]


class ProbeRun:
    """One run of `task`; begins at once."""

    def __init__(self, poller: Poller, task: ProbeTask, timeout: Duration, done: Done) -> None:
        """`timeout` in nanoseconds is the deadline of the whole run; `done` gets the outcome, once."""
        self._poller = poller
        self._target = (task.address, task.port)
        self._probe = task.begin()
        self._timeout = timeout
        self._done = done
        self._socket: t.Optional[socket.socket] = None
        self._outgoing = b""
        self._received = 0
        self._connect_ns: t.Optional[Duration] = None
        self._first_byte_ns: t.Optional[Duration] = None
        self._started = poller.now()
        self._timer = poller.call_at(self._started + timeout, self._expired)
        self._open()

    def cancel(self) -> None:
        """Forget the run; `done` is not called any more. Harmless when it is over."""
        self._timer.cancel()
        if self._socket is not None:
            self._poller.unwatch(self._socket.fileno())
            self._socket.close()
            self._socket = None

    def _open(self) -> None:
        family = socket.AF_INET6 if ":" in self._target[0] else socket.AF_INET
        try:
            self._socket = socket.socket(family, _SOCKET_KIND)
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            code = self._socket.connect_ex(self._target)
        except OSError as error:
            code = error.errno or errno.EIO
        if self._socket is not None and code in _UNDER_WAY:
            self._poller.watch(self._socket.fileno(), WRITABLE, self._ready)
        else:
            self._end_later(code)

    def _end_later(self, code: int) -> None:
        """The failure is known inside the constructor already: tell it from the next turn of the loop."""
        self._timer.cancel()
        self._timer = self._poller.call_at(self._started, lambda now: self._fail(code, now))

    def _ready(self, bits: int, now: Instant) -> None:
        # `done` is called outside the try: an OSError of the caller's is not this server's.
        code = 0
        verdict: t.Optional[Verdict] = None
        try:
            verdict = self._advance(bits, now)
        except BlockingIOError:
            return
        except OSError as error:
            code = error.errno or errno.EIO
        if code:
            self._fail(code, now)
        elif verdict is not None:
            self._end(verdict, now)

    def _advance(self, bits: int, now: Instant) -> t.Optional[Verdict]:
        if self._socket is None:
            return None
        if self._connect_ns is None:
            self._check_connected(self._socket)
            self._connect_ns = now - self._started
            return self._take(self._socket, self._probe.start(now))
        if bits & WRITABLE and self._outgoing:
            self._outgoing = self._outgoing[self._socket.send(self._outgoing) :]
            return self._take(self._socket, None)
        return self._take(self._socket, self._receive(self._socket, now))

    def _check_connected(self, connection: socket.socket) -> None:
        code = connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            raise OSError(code, "connect")
        # A port of this host without a listener can become our own source port: TCP then connects to itself.
        if connection.getsockname()[:2] == self._target:
            raise OSError(errno.ECONNREFUSED, "connected to itself")

    def _receive(self, connection: socket.socket, now: Instant) -> Said:
        received = connection.recv(_READ_BYTES)
        if received and self._first_byte_ns is None:
            self._first_byte_ns = now - self._started
        self._received += len(received)
        said = self._probe.receive(received, now)
        if isinstance(said, Verdict):
            return said
        if not received:
            return self._without("connection closed")
        if self._received > RECEIVED_BYTES:
            return self._without(f"more than {RECEIVED_BYTES // 1024} KiB")
        return said

    def _take(self, connection: socket.socket, said: Said) -> t.Optional[Verdict]:
        """What the probe said: a verdict goes back to end the run, bytes go out, None waits for more."""
        if isinstance(said, Verdict):
            return said
        if isinstance(said, StartTls):
            raise OSError(errno.EPROTONOSUPPORT, "TLS")
        self._outgoing += said or b""
        interest = READABLE | WRITABLE if self._outgoing else READABLE
        self._poller.watch(connection.fileno(), interest, self._ready)
        return None

    def _expired(self, now: Instant) -> None:
        late = now - self._started - self._timeout
        if late > STALL:
            reason = f"this process was held up for {as_seconds(late):.1f} s"
            self._end(Verdict(False, reason), now, ran=False)
            return
        missing = f"no {self._probe.awaits()}" if self._connect_ns is not None else "no connection"
        seen = f": got {self._received} bytes" if self._connect_ns is not None else ""
        self._end(Verdict(False, f"{missing} within {as_seconds(self._timeout):g} s{seen}"), now)

    def _fail(self, code: int, now: Instant) -> None:
        sentence = error_sentence(code)
        if is_own_shortage(code):
            self._end(Verdict(False, sentence), now, ran=False)
        elif self._connect_ns is None:
            self._end(Verdict(False, sentence), now)
        else:
            self._end(self._without(sentence), now)

    def _without(self, what: str) -> Verdict:
        """The conversation ended too early."""
        return Verdict(False, f"{what} before a {self._probe.awaits()}: got {self._received} bytes")

    def _end(self, verdict: Verdict, now: Instant, ran: bool = True) -> None:
        self.cancel()
        total = now - self._started
        self._done(ProbeOutcome(verdict, ran, self._connect_ns, None, self._first_byte_ns, total))
