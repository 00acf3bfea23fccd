# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one interface hears: the routers that it knows apart from everybody else, so that no flood drowns an advert.

Theory of operation. The queue of a raw socket holds some two thousand packets, and judging one costs 20 us. Whoever
sends faster than that keeps the queue full, most of a master's adverts find no room in it, and after three of them the
backup takes over. Hence two sockets. Whoever sent an advert that climbed the whole receive ladder (its signature, too,
where adverts are signed) is familiar: a filter in the kernel gives what it sends to a socket of its own, and the first
socket hears everybody else. The familiar are read at every wake-up, strangers for half of the time (strangers.py). What
the queue of strangers cannot hold is counted by the kernel and told.

That leaves two ways to drown an advert: to forge the address of a familiar router, which the filter cannot tell, and to
begin before the router was heard for the first time; then each of its adverts has the chance that the flood leaves it.
"""

from __future__ import annotations

import errno
import os
import typing as t

from ...model.units import NANOSECONDS_PER_MILLISECOND, Instant, seconds
from ...net.polling import READABLE, Poller
from ...net.vrrp_socket import Datagram, Delivery, VrrpSocket
from ..log_limit import LogLimit
from ..worker import LogLine, Say
from .strangers import Strangers

Deliver = t.Callable[[Datagram, Instant], bool]
"""Takes one datagram; whether it was a good advert for a virtual router of ours."""

# Datagrams read in one go: a flood must not keep the timers waiting. What is left makes the poller call again.
_AT_ONCE = 512
_STRANGERS_AT_ONCE = 128  # 3 ms
# Before a deadline is acted on everything is read, but not for longer than this, for all routers of a wake-up together.
_PATIENCE = 20 * NANOSECONDS_PER_MILLISECOND
_PATIENCE_WITH_STRANGERS = 5 * NANOSECONDS_PER_MILLISECOND
# What was read to its end just now is not read again for the next router of the same wake-up.
_FRESH = NANOSECONDS_PER_MILLISECOND
# The filter looks through all of them for each packet. More routers than that are on no segment; the oldest goes.
_MOST_FAMILIAR = 16
_SAID_EVERY = seconds(5)


class Place(t.NamedTuple):
    """What the sockets are opened for."""

    device: str
    link_index: int
    family: int
    group: str


class Hearing:
    """The two sockets of one interface, and who is familiar. Adverts leave through the first."""

    def __init__(self, poller: Poller, strangers: Strangers, device: str, say: Say, deliver: Deliver) -> None:
        self._poller = poller
        self._strangers = strangers
        self._subject = f"interface {device}"
        self._say = say
        self._deliver = deliver
        self._limit = LogLimit(_SAID_EVERY)
        self._place: t.Optional[Place] = None
        self._socket: t.Optional[VrrpSocket] = None
        self._of_familiar: t.Optional[VrrpSocket] = None
        self._familiar: t.List[int] = []
        self._unread_before = 0
        self._unread_told = 0
        self._wake: Instant = 0
        self._began: Instant = 0
        self._heard_at: Instant = 0

    @property
    def index(self) -> t.Optional[int]:
        """Of the interface that is listened on; None: on none."""
        return None if self._place is None else self._place.link_index

    @property
    def unread(self) -> int:
        """Packets that came faster than they could be read."""
        opened = [one for one in (self._socket, self._of_familiar) if one is not None]
        return self._unread_before + sum(one.unread() for one in opened)

    def open(self, place: Place) -> None:
        """Listen there. Raises OSError when that cannot be."""
        self.close()
        self._socket = VrrpSocket(*place)
        self._place = place
        self._strangers.watch(self._socket.fileno(), self._hear_strangers)
        if self._familiar:
            self._tell_apart(self._poller.now())

    def close(self) -> None:
        """Listen nowhere; who is familiar stays so."""
        if self._socket is not None:
            self._strangers.unwatch(self._socket.fileno())
            self._unread_before += self._socket.unread()
            self._socket.close()
        self._close_of_familiar()
        self._place = self._socket = None

    def send(self, packet: bytes, where: Delivery) -> None:
        """Send one message. Raises OSError when it could not leave."""
        if self._socket is None:
            raise OSError(errno.ENETDOWN, os.strerror(errno.ENETDOWN))
        self._socket.send(packet, where)

    def hear_out(self, wake: Instant) -> None:
        """Hand out all that waits, so that nobody acts on a deadline before hearing what was said already.

        `wake` is the instant of the wake-up that brought the deadline: a flood costs each wake-up 20 ms, not each
        router of it. All that is heard in one call has one instant.
        """
        now = self._poller.now()
        if wake != self._wake:
            self._wake, self._began, self._heard_at = wake, now, -_FRESH
        if now - self._heard_at < _FRESH:
            return
        self._read_on(self._hear_familiar, now, _PATIENCE)
        self._read_on(self._hear_strangers, now, _PATIENCE_WITH_STRANGERS)
        self._heard_at = now

    def _read_on(self, some: t.Callable[[Instant], bool], now: Instant, patience: int) -> None:
        while self._poller.now() < self._began + patience and some(now):
            pass

    # ---- reading

    def _familiar_wait(self, _ready: int, now: Instant) -> None:
        self._hear_familiar(now)

    def _hear_familiar(self, now: Instant) -> bool:
        """Hand out some of what they sent; whether more may wait."""
        for _count in range(_AT_ONCE):
            datagram = _read(self._of_familiar)
            if datagram is None:
                return False
            self._deliver(datagram, now)
        return True

    def _hear_strangers(self, now: Instant) -> bool:
        """Hand out some of what they sent; whether more may wait."""
        for _count in range(_STRANGERS_AT_ONCE):
            datagram = _read(self._socket)
            if datagram is None:
                return False
            if self._deliver(datagram, now):
                self._know(datagram.source, now)
        self._tell_unread(now)
        return True

    def _tell_unread(self, now: Instant) -> None:
        unread = self.unread
        if unread > self._unread_told and self._limit.allows("unread", now):
            self._unread_told = unread
            words = f"more packets than can be judged, {unread} found no room and were dropped unread so far"
            self._warn(f"{words}; routers that were heard before have a queue of their own")

    # ---- who is familiar

    def _know(self, sender: t.Optional[int], now: Instant) -> None:
        """A good advert came from there: what it sends from now on goes to the socket of the familiar."""
        if sender is not None and sender not in self._familiar:
            self._familiar = [*self._familiar, sender][-_MOST_FAMILIAR:]
            self._tell_apart(now)

    def _tell_apart(self, now: Instant) -> None:
        """Strangers first: a packet that comes between the two steps is lost, which is better than heard twice.

        The second socket hears nobody before: to join the group may take long, others hold the lock of all links.
        """
        socket, place = self._socket, self._place
        if socket is None or place is None:
            return
        try:
            if self._of_familiar is None:
                self._of_familiar = VrrpSocket(*place, senders=())
                self._poller.watch(self._of_familiar.fileno(), READABLE, self._familiar_wait)
            socket.hear_all_but(self._familiar)
            self._of_familiar.hear_only(self._familiar)
        except OSError as error:
            self._know_nobody(socket, error, now)

    def _know_nobody(self, socket: VrrpSocket, error: OSError, now: Instant) -> None:
        """One socket hears everybody again; the next good advert brings another try."""
        self._close_of_familiar()
        self._familiar = []
        socket.hear_everybody()
        if self._limit.allows("apart", now):
            why = f"{os.strerror(error.errno or 0)}; tried again with the next advert"
            self._warn(f"no second VRRP socket, so a flood may drown adverts: {why}")

    def _close_of_familiar(self) -> None:
        if self._of_familiar is not None:
            self._unread_before += self._of_familiar.unread()
            self._poller.unwatch(self._of_familiar.fileno())
            self._of_familiar.close()
            self._of_familiar = None

    def _warn(self, message: str) -> None:
        self._say(LogLine("warning", self._subject, message))


def _read(opened: t.Optional[VrrpSocket]) -> t.Optional[Datagram]:
    try:
        return None if opened is None else opened.receive()
    except OSError:
        # The interface went down or away under the socket; the mirror of links tells the story.
        return None
