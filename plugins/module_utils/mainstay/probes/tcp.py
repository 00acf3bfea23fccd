# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""TCP_CHECK: a server that accepts the connection is up."""

from __future__ import annotations

import typing as t

from ..model.units import Instant
from .verdict import Verdict

_CONNECTED = Verdict(ok=True, reason="connection opened")


class TcpProbe:
    """The conversation is over before it begins."""

    def start(self, _now: Instant) -> t.Union[bytes, Verdict]:
        """Connected: that was the question."""
        return _CONNECTED

    def receive(self, _received: bytes, _now: Instant) -> t.Union[bytes, Verdict, None]:
        """Whatever the server says does not matter."""
        return _CONNECTED

    def awaits(self) -> str:
        """Nothing follows the connection."""
        return "connection"
