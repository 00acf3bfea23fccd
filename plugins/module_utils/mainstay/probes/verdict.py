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


class Probe(t.Protocol):
    """A conversation without a socket: bytes in, bytes out, one verdict.

    The driver owns connect, the overall deadline and the byte limits, for every probe alike.
    """

    def start(self, now: Instant) -> t.Union[bytes, Verdict]:
        """The connection is open: what to send first, or the verdict when connecting was all."""

    def receive(self, received: bytes, now: Instant) -> t.Union[bytes, Verdict, None]:
        """Bytes came (b"" is end of stream): what to send next, the verdict, or None to wait for more."""

    def awaits(self) -> str:
        """What is still missing, for the sentence of a driver that gives up: "complete status line"."""
