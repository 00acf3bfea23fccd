# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""TCP_CHECK: a server that accepts the connection is up."""

from __future__ import annotations

import typing as t

from ..model.check_config import TcpCheck
from ..model.units import Instant
from .task import TCP, ProbeTask, Search, source_of, target_of
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


_PROBE = TcpProbe()


def _begin() -> TcpProbe:
    """One for all: it remembers nothing."""
    return _PROBE


def tasks(check: TcpCheck, address: str, port: int, _search: Search) -> t.Tuple[ProbeTask, ...]:
    """The one task of a TCP_CHECK."""
    return (ProbeTask(TCP, *target_of(check, address, port), _begin, source_of(check)),)
