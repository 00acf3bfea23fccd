# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Watches one interface for adverts that another machine sends from our own IPv4 address."""

from __future__ import annotations

import typing as t

from ...model.units import Instant
from ...net.double_socket import Double, DoubleSocket
from ...net.polling import READABLE, Poller
from ...net.standing import Standing

Heard = t.Callable[[Double, Instant], None]

# The rest makes the poller call again.
_AT_ONCE = 64


class DoubleWatch:
    """One small packet socket, as long as there is an Ethernet link with an address."""

    def __init__(self, poller: Poller, device: str, heard: Heard) -> None:
        self._poller = poller
        self._device = device
        self._heard = heard
        self._socket: t.Optional[DoubleSocket] = None
        self._place: t.Optional[t.Tuple[int, str]] = None
        self._own = b""

    def settle(self, standing: Standing) -> None:
        """Make the socket fit the interface as it stands. Raises OSError."""
        link, source = standing.link, standing.source
        place = None if link is None or source is None or not link.ethernet else (link.index, source)
        self._own = b"" if link is None else link.hardware_address
        if place != self._place:
            self.close()
            if place is not None:
                self._socket = DoubleSocket(self._device, (place[1],))
                self._place = place
                self._poller.watch(self._socket.fileno(), READABLE, self._readable)

    def close(self) -> None:
        """Stop watching."""
        if self._socket is not None:
            self._poller.unwatch(self._socket.fileno())
            self._socket.close()
        self._socket = self._place = None

    def _readable(self, _ready: int, now: Instant) -> None:
        for _count in range(_AT_ONCE):
            double = self._read()
            if double is None:
                return
            if double.hardware_address != self._own:  # what a switch sends back to us is our own
                self._heard(double, now)

    def _read(self) -> t.Optional[Double]:
        try:
            return None if self._socket is None else self._socket.receive()
        except OSError:
            # The interface went down or away under the socket; the mirror of links tells the story.
            return None
