# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tells the neighbours where one instance's addresses live: prepared frames on the schedule of vrrp/announcing."""

from __future__ import annotations

import os
import typing as t

from ...model.defaults import RunningInstance
from ...model.units import Instant, seconds
from ...net.addresses import LeasedAddress
from ...net.arp import FrameSocket, gratuitous_arp
from ...net.links import LinkMirror
from ...net.ndp import neighbour_advertisement
from ...net.polling import Poller, Timer
from ...vrrp.announcing import Announcing
from ..log_limit import LogLimit
from ..worker import LogLine, Say
from .pacing import Announcement, AnnouncementPacing

_PERIOD = seconds(1)

Sender = t.Tuple[int, str, bytes]
"""Index, name and hardware address of a link that announces."""


class Announcer:
    """Gratuitous ARP and neighbour advertisements of one virtual router."""

    def __init__(
        self, poller: Poller, mirror: LinkMirror, pacing: AnnouncementPacing, subject: str, say: Say
    ) -> None:
        self._poller = poller
        self._pacing = pacing
        self._mirror = mirror
        self.subject = subject
        self._say = say
        self._limit = LogLimit(_PERIOD)
        self._schedule: t.Optional[Announcing] = None
        self._timer: t.Optional[Timer] = None
        self._sockets: t.Dict[Sender, FrameSocket] = {}
        self._announcements: t.Dict[Announcement, Sender] = {}
        self._unopened: t.Sequence[LeasedAddress] = ()

    def follow(self, instance: RunningInstance) -> None:
        """Take over the configured rhythm; a burst that was still to come is forgotten."""
        self.stop()
        self._schedule = Announcing(instance)

    def prepare(self, addresses: t.Sequence[LeasedAddress]) -> None:
        """Build the frames for these addresses, and open a socket on each link that needs one."""
        before, self._announcements = self._announcements, {}
        for leased in addresses:
            link = self._mirror.named(leased.device)
            if link is not None and link.ethernet:
                sender = (link.index, link.name, link.hardware_address)
                self._announcements[self._announcement(leased, link.hardware_address)] = sender
        self._pacing.drop(set(before) - set(self._announcements))
        wanted = set(self._announcements.values())
        self._open(wanted)
        self._unopened = addresses if wanted - set(self._sockets) else ()

    def start(self, now: Instant, against_lesser: bool = False) -> None:
        """Announce now, and again as the schedule says; a socket that was refused is asked for once more."""
        if self._unopened:
            self.prepare(self._unopened)
        if self._schedule is None:
            return
        if against_lesser:
            self._schedule.start_against_lesser(now)
        else:
            self._schedule.start(now)
        self._run(now)

    def stop(self) -> None:
        """Not one frame more."""
        if self._schedule is not None:
            self._schedule.stop()
        self._pacing.drop(self._announcements)
        self._cancel()

    def close(self) -> None:
        """Stop, and give the descriptors back."""
        self.stop()
        self._open(set())

    def _run(self, now: Instant) -> None:
        self._cancel()
        if self._schedule is None:
            return
        self._pacing.send(list(self._announcements), self._schedule.due(now), now)
        deadline = self._schedule.deadline()
        if deadline is not None:
            self._timer = self._poller.call_at(deadline, self._run)

    def _cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _announcement(self, leased: LeasedAddress, hardware_address: bytes) -> Announcement:
        family, encode = leased.key.family, _ENCODE[leased.key.family]
        return Announcement(leased.device, family, encode(hardware_address, leased.key.address), self._send)

    def _send(self, announcement: Announcement, now: Instant) -> None:
        sender = self._announcements[announcement]
        try:
            self._sockets[sender].send(announcement.frame)
        except OSError as error:
            self._complain("send", sender, error, now)

    def _open(self, senders: t.Set[Sender]) -> None:
        """Exactly these sockets; a link that was made anew has another index and so another socket."""
        for sender in set(self._sockets) - senders:
            self._sockets.pop(sender).close()
        for sender in senders - set(self._sockets):
            try:
                self._sockets[sender] = FrameSocket(sender[1])
            except OSError as error:
                self._complain("open a socket for", sender, error, self._poller.now())
        self._announcements = {one: at for one, at in self._announcements.items() if at in self._sockets}

    def _complain(self, verb: str, sender: Sender, error: OSError, now: Instant) -> None:
        if self._limit.allows(verb, now):
            message = f"cannot {verb} announcements on {sender[1]}: {os.strerror(error.errno or 0)}"
            self._say(LogLine("warning", self.subject, message))


_ENCODE: t.Mapping[int, t.Callable[[bytes, str], bytes]] = {4: gratuitous_arp, 6: neighbour_advertisement}
