# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs one task over TCP, plain or inside TLS: connect, converse, one outcome.

Theory of operation. A run has one deadline for everything, connect and TLS included, so a server that drips bytes
gains nothing, and one ceiling for received bytes. How it ends stands in probe_run.py.

    connecting -> (TLS handshake ->) conversing -> over        each arrow an event of the Poller; the deadline ends any

A conversation that began in plain text may go over to TLS (StartTls): it then starts once more inside.

The connection is closed with a reset (SO_LINGER 0): checking one server often must not fill this host's table
of TIME_WAIT ports (28 000 per target and minute); a task may ask for an orderly end instead.
"""

from __future__ import annotations

import contextlib
import errno
import socket
import struct
import typing as t

from ..model.units import Duration, Instant, as_seconds
from ..probes.outcome import ProbeOutcome
from ..probes.task import TLS, ProbeTask
from ..probes.verdict import Said, StartTls, Verdict
from .polling import READABLE, WRITABLE, Poller
from .probe_errors import OwnTrouble, error_sentence
from .probe_run import SOCKET_FLAGS, Done, TimedRun
from .probe_source import leave_by

if t.TYPE_CHECKING:
    from .tls_channel import TlsChannel

TLS_OVERHEAD = 256 * 1024
"""Bytes that TLS may add to those of the conversation: certificates, tickets, records."""

_READ_BYTES = 16 * 1024
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
_SOCKET_KIND = socket.SOCK_STREAM | SOCKET_FLAGS
_UNDER_WAY = (0, errno.EINPROGRESS)


class ProbeRun(TimedRun):
    """One run of `task`; begins at once."""

    __slots__ = ("_channel", "_connect_ns", "_outgoing", "_tls_ns", "_wire_bytes")

    def __init__(self, poller: Poller, task: ProbeTask, timeout: Duration, done: Done) -> None:
        """`timeout` in nanoseconds is the deadline of the whole run; `done` gets the outcome, once."""
        self._channel: t.Optional[TlsChannel] = None
        self._outgoing = b""
        self._wire_bytes = 0
        self._connect_ns: t.Optional[Duration] = None
        self._tls_ns: t.Optional[Duration] = None
        super().__init__(poller, task, timeout, done)

    def _open(self) -> None:
        address = self._task.address
        self._socket = connection = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, _SOCKET_KIND)
        if self._task.closes_with_reset:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        leave_by(connection, self._task.source)
        code = connection.connect_ex((address, self._task.port))
        if code not in _UNDER_WAY:
            raise OSError(code, "connect")
        self._poller.watch(connection.fileno(), WRITABLE, self._ready)

    def _advance(self, connection: socket.socket, bits: int, now: Instant) -> t.Optional[Verdict]:
        if self._connect_ns is None:
            self._check_connected(connection, bits)
            self._connect_ns = now - self._started
            verdict = self._opened(now)
            if verdict is None:
                self._send(connection)
                self._poller.watch(connection.fileno(), self._interest(), self._ready)
            return verdict
        held_back = bool(self._outgoing)
        verdict = None
        if not (bits & WRITABLE and held_back):
            verdict = self._receive(connection, now)
        if verdict is not None or not (held_back or self._outgoing):
            return verdict
        self._send(connection)
        if held_back or self._outgoing:
            self._poller.watch(connection.fileno(), self._interest(), self._ready)
        return None

    def _interest(self) -> int:
        return READABLE | WRITABLE if self._outgoing else READABLE

    def _check_connected(self, connection: socket.socket, bits: int) -> None:
        # Watched for WRITABLE alone so far: only an error makes it READABLE.
        code = connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) if bits & READABLE else 0
        if code:
            raise OSError(code, "connect")
        # A port of this host without a listener can become our own source port: TCP then connects to itself.
        place = connection.getsockname()
        if place[1] == self._task.port and place[0] == self._task.address:
            raise OSError(errno.ECONNREFUSED, "connected to itself")

    def _send(self, connection: socket.socket) -> None:
        if self._outgoing:
            with contextlib.suppress(BlockingIOError):
                self._outgoing = self._outgoing[connection.send(self._outgoing) :]

    def _opened(self, now: Instant) -> t.Optional[Verdict]:
        """The connection is open."""
        if self._task.transport == TLS:
            self._begin_tls()
            return None
        return self._say(self._probe.start(now))

    def _say(self, said: Said) -> t.Optional[Verdict]:
        """What the probe said: a verdict goes back to end the run, bytes go out, None waits for more."""
        if said is None or isinstance(said, Verdict):
            return said
        if isinstance(said, StartTls):
            self._begin_tls()
        elif self._channel is None:
            self._outgoing += said
        elif said:
            self._channel.put(said)
            self._outgoing += self._channel.wire()
        return None

    def _receive(self, connection: socket.socket, now: Instant) -> t.Optional[Verdict]:
        received = connection.recv(_READ_BYTES)
        if self._channel is None:
            return self._hear(received, now)
        self._wire_bytes += len(received)
        if self._wire_bytes > self._task.received_limit + TLS_OVERHEAD:
            return self._without(f"more than {self._task.received_limit + TLS_OVERHEAD >> 10} KiB of TLS")
        verdict = self._hear_tls(self._channel, received, now)
        self._outgoing += self._channel.wire()
        return verdict

    def _hear(self, received: bytes, now: Instant) -> t.Optional[Verdict]:
        """Bytes of the conversation."""
        if received and self._first_byte_ns is None:
            self._first_byte_ns = now - self._started
        self._received += len(received)
        verdict = self._say(self._probe.receive(received, now))
        if verdict is not None:
            return verdict
        if not received:
            return self._without("connection closed")
        if self._received > self._task.received_limit:
            return self._without(f"more than {self._task.received_limit >> 10} KiB")
        return None

    def _begin_tls(self) -> None:
        # Loaded by who needs it: most health workers and most calls of a module do not.
        from .tls_channel import TlsChannel
        from .tls_contexts import tls_context

        if self._channel is not None or self._task.tls is None:
            raise OwnTrouble("a probe asked for TLS where there is none to begin")
        context = tls_context(self._task.tls)
        if context.check_hostname and self._task.server_name is None:
            raise OwnTrouble("verify: full needs a name to look for in the certificate (sni_name)")
        self._channel = TlsChannel(context, self._task.server_name)
        self._channel.shake()
        self._outgoing += self._channel.wire()

    def _hear_tls(self, channel: TlsChannel, received: bytes, now: Instant) -> t.Optional[Verdict]:
        channel.feed(received)
        if not channel.ready:
            if not channel.shake():
                return None
            self._tls_ns = now - self._started
            verdict = self._say(self._probe.start(now))
            if verdict is not None:
                return verdict
        plain = channel.plain()
        while plain is not None:
            verdict = self._hear(plain, now)
            if verdict is not None:
                return verdict
            plain = channel.plain()
        return None

    def _out_of_time(self) -> Verdict:
        within = f"within {as_seconds(self._timeout):g} s"
        if self._connect_ns is None:
            return Verdict(False, f"no connection {within}")
        return Verdict(False, f"no {self._awaits()} {within}: got {self._got()} bytes")

    def _failure(self, code: int) -> Verdict:
        sentence = error_sentence(code)
        return Verdict(False, sentence) if self._connect_ns is None else self._without(sentence)

    def _without(self, what: str) -> Verdict:
        """The conversation ended too early."""
        awaited = self._awaits()
        article = "an" if awaited.startswith("a") else "a"
        return Verdict(False, f"{what} before {article} {awaited}: got {self._got()} bytes")

    def _awaits(self) -> str:
        shaking = self._channel is not None and not self._channel.ready
        return "TLS handshake" if shaking else self._probe.awaits()

    def _got(self) -> int:
        shaking = self._channel is not None and not self._channel.ready
        return self._wire_bytes if shaking else self._received

    def _end(self, verdict: Verdict, now: Instant, ran: bool = True) -> None:
        if self._channel is not None:
            verdict = self._with_tls(self._channel, verdict)
        self.cancel()
        phases = (self._connect_ns, self._tls_ns, self._first_byte_ns)
        self._done(ProbeOutcome(verdict, ran, *phases, now - self._started))

    def _with_tls(self, channel: TlsChannel, verdict: Verdict) -> Verdict:
        """What TLS has to say about it."""
        if not channel.ready or self._task.tls is None:
            return verdict
        from .tls_report import with_tls

        return with_tls(verdict, channel, self._task.tls, self._poller)
