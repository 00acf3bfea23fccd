# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What systemd wants to hear of a Type=notify service: sd_notify(3), sd_watchdog_enabled(3)."""

from __future__ import annotations

import os
import typing as t

from ..model.units import Duration, Instant
from ..net.local_sockets import NotifySocket

_NANOSECONDS_PER_MICROSECOND = 1000


class ServiceManager:
    """Sends the messages; without NOTIFY_SOCKET in the environment nobody asked and nothing is sent."""

    def __init__(self, environment: t.Mapping[str, str]) -> None:
        address = environment.get("NOTIFY_SOCKET", "")
        self._socket = NotifySocket(address) if address.startswith(("/", "@")) else None
        self.watchdog = _watchdog(environment) if self._socket else None
        """WATCHDOG=1 is expected at least this often; None when not."""

    def ready(self, status: str) -> None:
        """Started, or the reload is over."""
        self._send("READY=1", f"STATUS={status}")

    def reloading(self, now: Instant) -> None:
        """A reload begins; `now` is CLOCK_MONOTONIC, as MONOTONIC_USEC must be."""
        self._send("RELOADING=1", f"MONOTONIC_USEC={now // _NANOSECONDS_PER_MICROSECOND}", "STATUS=reloading")

    def stopping(self) -> None:
        """The end in order begins."""
        self._send("STOPPING=1", "STATUS=stopping")

    def alive(self) -> None:
        """The watchdog may rest until the next one is due."""
        self._send("WATCHDOG=1")

    def _send(self, *assignments: str) -> None:
        if self._socket is not None:
            self._socket.send("\n".join(assignments))


def _watchdog(environment: t.Mapping[str, str]) -> t.Optional[Duration]:
    """sd_watchdog_enabled(3): the interval counts only for the process that WATCHDOG_PID names."""
    microseconds = environment.get("WATCHDOG_USEC", "")
    owner = environment.get("WATCHDOG_PID", str(os.getpid()))
    if not microseconds.isdigit() or owner != str(os.getpid()):
        return None
    return int(microseconds) * _NANOSECONDS_PER_MICROSECOND or None
