# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What arrives for BFD: neighbors are read at every wake-up, strangers for half of the time."""

from __future__ import annotations

import os
import typing as t

from ...model.units import NANOSECONDS_PER_MILLISECOND, Instant, seconds
from ...net.bfd_socket import PORT, BfdReceiver, BfdReceivers, Datagram, family_of
from ...net.polling import READABLE, Poller, Timer
from ..log_limit import LogLimit
from ..worker import LogLine, Say
from .strangers import Strangers

SUBJECT = "bfd"

TakeIn = t.Callable[[Datagram, Instant], None]
"""Takes one datagram, whoever sent it."""

_RETRY = seconds(1)
_PERIOD = seconds(60)
# Datagrams read in one go: a flood must not keep the timers waiting.
_AT_ONCE = 256
_STRANGERS_AT_ONCE = 64
# Before a neighbor is declared dead everything it sent is read, but not for longer than this.
_PATIENCE = 20 * NANOSECONDS_PER_MILLISECOND
_PATIENCE_WITH_STRANGERS = 5 * NANOSECONDS_PER_MILLISECOND  # of many neighbors some stand among them


class _Open:
    """The sockets of one family."""

    def __init__(
        self, poller: Poller, strangers: Strangers, family: int, neighbors: t.Collection[str], take_in: TakeIn
    ) -> None:
        """Raises OSError."""
        self._poller = poller
        self._strangers = strangers
        self._take_in = take_in
        self.sockets = BfdReceivers(family, neighbors)
        poller.watch(self.sockets.neighbors.fileno(), READABLE, self._neighbors_wait)
        strangers.watch(self.sockets.strangers.fileno(), self.hear_strangers)

    def hear_neighbors(self, now: Instant) -> bool:
        """Hand out what waits, up to a limit; whether more may wait."""
        return self._hand_out(self.sockets.neighbors, _AT_ONCE, now)

    def hear_strangers(self, now: Instant) -> bool:
        """The same of everybody else."""
        return self._hand_out(self.sockets.strangers, _STRANGERS_AT_ONCE, now)

    def close(self) -> None:
        """Hear nothing any more."""
        self._strangers.unwatch(self.sockets.strangers.fileno())
        self._poller.unwatch(self.sockets.neighbors.fileno())
        self.sockets.close()

    def _neighbors_wait(self, _ready: int, now: Instant) -> None:
        self.hear_neighbors(now)

    def _hand_out(self, receiver: BfdReceiver, at_once: int, now: Instant) -> bool:
        for _count in range(at_once):
            datagram = receiver.receive()
            if datagram is None:
                return False
            self._take_in(datagram, now)
        return True


class BfdReception:
    """Opens what the neighbors need, and tries again what could not be opened."""

    def __init__(self, poller: Poller, strangers: Strangers, say: Say, take_in: TakeIn) -> None:
        self._poller, self._strangers, self._say = poller, strangers, say
        self._take_in = take_in
        self._limit = LogLimit(_PERIOD)
        self._open: t.Dict[int, _Open] = {}
        self._refusals: t.Dict[int, str] = {}
        self._retry: t.Optional[Timer] = None
        self._wake: Instant = 0

    def hear(self, neighbors: t.Collection[str], now: Instant) -> None:
        """Hear these neighbors from now on, and what strangers send beside them; without a neighbor nobody."""
        by_family: t.Dict[int, t.List[str]] = {}
        for neighbor in neighbors:
            by_family.setdefault(family_of(neighbor), []).append(neighbor)
        for family in set(self._open) - set(by_family):
            self._open.pop(family).close()
        self._refusals = {family: why for family, why in self._refusals.items() if family in by_family}
        for family, of_family in by_family.items():
            self._hear_family(family, of_family, now)
        self._retry_later(neighbors, now)

    def refusal(self, family: int) -> t.Optional[str]:
        """Why nothing of this family is received; None when it is."""
        return self._refusals.get(family)

    def hear_out(self, wake: Instant) -> None:
        """Read all that neighbors sent, so that nobody is declared dead whose packet has arrived.

        Strangers are read once for all sessions of the wake-up that came at `wake`.
        """
        before, self._wake = self._wake, wake
        for opened in list(self._open.values()):
            self._read_on(opened.hear_neighbors, _PATIENCE)
            if wake != before:
                self._read_on(opened.hear_strangers, _PATIENCE_WITH_STRANGERS)

    def _read_on(self, some: t.Callable[[Instant], bool], patience: int) -> None:
        until = self._poller.now() + patience
        while some(self._poller.now()) and self._poller.now() < until:
            pass

    def _hear_family(self, family: int, neighbors: t.Sequence[str], now: Instant) -> None:
        try:
            if family in self._open:
                self._open[family].sockets.know(neighbors)
            else:
                self._open[family] = _Open(self._poller, self._strangers, family, neighbors, self._take_in)
        except OSError as error:
            why = f"no BFD is received: {os.strerror(error.errno or 0)} on UDP port {PORT}; tried again every second"
            self._refusals[family] = why
            if self._limit.allows(str(family), now):
                self._say(LogLine("error", SUBJECT, why))
        else:
            self._refusals.pop(family, None)

    def _retry_later(self, neighbors: t.Collection[str], now: Instant) -> None:
        if self._retry is not None:
            self._retry.cancel()
            self._retry = None
        if self._refusals:
            self._retry = self._poller.call_at(now + _RETRY, lambda at: self.hear(neighbors, at))
