# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a probe is and what it says in the end."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ..model.units import Instant


@dataclass(frozen=True)
class Verdict:
    """The judgement of one probe."""

    ok: bool
    reason: str
    """One sentence: "HTTP 503, accepted are 200-299", "connection refused"."""
    weight: t.Optional[int] = None
    """What the check says the server's weight should be; None: nothing."""
    notes: t.Tuple[str, ...] = ()
    """What an operator should hear although it passed: "certificate ends in 5 days"."""
    details: t.Tuple[t.Tuple[str, str], ...] = ()
    """For `mainstay probe`: ("status", "200"), ("digest_md5", "..."), ("certificate_ends", "...")."""


@dataclass(frozen=True)
class StartTls:
    """The conversation goes on inside TLS from here; the driver shakes hands and calls start() again."""


Said = t.Union[bytes, Verdict, StartTls, None]
"""What to send next, the verdict, the word to begin TLS, or None to wait for more."""


class Probe(t.Protocol):
    """A conversation without a socket: bytes in, bytes out, one verdict.

    The driver owns connect, TLS, the overall deadline and the byte limits, for every probe alike. Of a datagram
    transport each receive() is one datagram.
    """

    def start(self, now: Instant) -> Said:
        """The connection is open (or TLS now is): what to send first, or the verdict when connecting was all."""

    def receive(self, received: bytes, now: Instant) -> Said:
        """Bytes came (b"" is end of stream): what to send next, the verdict, or None to wait for more."""

    def awaits(self) -> str:
        """What is still missing, for the sentence of a driver that gives up: "complete status line"."""
