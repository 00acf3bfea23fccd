# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts announcements onto the wire at the pace their interface allows, for all virtual routers together.

One line for each interface and kind (gratuitous ARP, neighbour advertisement), or for each garp_group. Without a
configured gap, which is the usual case, everything leaves within the call.
"""

from __future__ import annotations

import typing as t

from ...model.config import Config
from ...model.units import Duration, Instant
from ...net.polling import Poller, Timer
from ...vrrp.pacing import Pace

SendFrame = t.Callable[["Announcement", Instant], None]


class Announcement(t.NamedTuple):
    """One frame of one virtual router."""

    device: str
    family: int
    frame: bytes
    send: SendFrame


class _Line:
    """A pace and the timer that keeps it."""

    def __init__(self, poller: Poller, gap: Duration) -> None:
        self.pace: Pace[Announcement] = Pace(gap)
        self._poller = poller
        self._timer: t.Optional[Timer] = None

    def run(self, now: Instant) -> None:
        for announcement in self.pace.due(now):
            announcement.send(announcement, now)
        if self._timer is not None:
            self._timer.cancel()
        deadline = self.pace.deadline()
        self._timer = None if deadline is None else self._poller.call_at(deadline, self.run)


class AnnouncementPacing:
    """The lines of one worker."""

    def __init__(self, poller: Poller) -> None:
        self._poller = poller
        self._gaps: t.Dict[int, Duration] = {}
        self._groups: t.Dict[t.Tuple[str, int], t.Tuple[str, Duration]] = {}
        self._lines: t.Dict[t.Tuple[str, int], _Line] = {}

    def follow(self, config: Config) -> None:
        """Take the configured gaps over; who waits in line goes on waiting, by the new ones."""
        defs = config.global_defs
        self._gaps = {4: defs.vrrp_garp_interval, 6: defs.vrrp_gna_interval}
        self._groups = {}
        for group in config.garp_groups.values():
            for device in group.interfaces:
                self._groups[device, 4] = f"garp_group {group.name}", group.garp_interval
                self._groups[device, 6] = f"garp_group {group.name}", group.gna_interval
        for (name, family), line in self._lines.items():
            groups = {place: gap for (_device, of), (place, gap) in self._groups.items() if of == family}
            line.pace.gap = groups.get(name, self._gaps[family])

    def send(self, announcements: t.Sequence[Announcement], rounds: int, now: Instant) -> None:
        """Send each so often, each round after the one before it."""
        by_line: t.Dict[t.Tuple[str, int], t.List[Announcement]] = {}
        for one in announcements:
            by_line.setdefault(self._place(one)[0], []).append(one)
        for together in by_line.values():
            line = self._line(together[0])
            line.pace.join(together, rounds)
            line.run(now)

    def drop(self, announcements: t.Collection[Announcement]) -> None:
        """Not one of these more (NDP-04)."""
        for line in self._lines.values():
            line.pace.leave(announcements)

    def _line(self, announcement: Announcement) -> _Line:
        place, gap = self._place(announcement)
        if place not in self._lines:
            self._lines[place] = _Line(self._poller, gap)
        return self._lines[place]

    def _place(self, announcement: Announcement) -> t.Tuple[t.Tuple[str, int], Duration]:
        device, family = announcement.device, announcement.family
        name, gap = self._groups.get((device, family), (device, self._gaps.get(family, 0)))
        return (name, family), gap
