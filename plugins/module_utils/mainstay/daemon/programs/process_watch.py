# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which processes run, as far as vrrp_track_process asks: events of the kernel, or /proc read once a second.

Where the process connector answers, /proc is read once at the start and again only when events were lost. Until its
welcome has come, and where it never comes (containers), /proc is read every second.

A new process is looked at a moment after its event: most are gone by then, or have got the name they will keep.
"""

from __future__ import annotations

import typing as t

from ...model.units import NANOSECONDS_PER_MILLISECOND, NANOSECONDS_PER_SECOND, Instant
from ...net.polling import READABLE, Poller, Timer
from ...net.process_events import ENDED, WELCOME, ProcessEvent, ProcessEvents
from .process_table import ProcessEntry, pids, read_process

_PERIOD = NANOSECONDS_PER_SECOND
_SETTLE = 20 * NANOSECONDS_PER_MILLISECOND
_MOST_DATAGRAMS = 256
"""Per turn of the loop: a machine that forks like mad must not starve everything else."""

Changed = t.Callable[[Instant], None]


class ProcessWatch:
    """Keeps the processes that a tracker means."""

    def __init__(
        self,
        poller: Poller,
        meant: t.Callable[[ProcessEntry], bool],
        changed: Changed,
        listen: t.Callable[[], ProcessEvents] = ProcessEvents,
    ) -> None:
        """`changed` is called when one of those that are `meant` came, changed or went."""
        self._poller = poller
        self._meant = meant
        self._changed = changed
        self._listen = listen
        self._events: t.Optional[ProcessEvents] = None
        self._welcome = False
        self._timer: t.Optional[Timer] = None
        self._new: t.Set[int] = set()
        self.processes: t.Dict[int, ProcessEntry] = {}

    @property
    def source(self) -> str:
        """Where knowledge comes from: "events" or "/proc every second"."""
        return "events" if self._welcome else "/proc every second"

    def start(self) -> None:
        """Read /proc now, and stay up to date from now on."""
        try:
            self._events = self._listen()
            self._poller.watch(self._events.fileno(), READABLE, self._ready)
        except OSError:
            self._events = None
        self.scan()
        self._timer = self._poller.call_at(self._poller.now() + _PERIOD, self._poll)

    def close(self) -> None:
        """Stop."""
        if self._timer is not None:
            self._timer.cancel()
        if self._events is not None:
            self._poller.unwatch(self._events.fileno())
            self._events.close()
            self._events = None
        self._welcome = False

    def scan(self) -> None:
        """Read all of /proc."""
        entries = ((pid, read_process(pid)) for pid in pids())
        self.processes = {pid: entry for pid, entry in entries if entry is not None and self._meant(entry)}

    def _poll(self, now: Instant) -> None:
        if self._welcome:
            self._timer = None
            return
        self._timer = self._poller.call_at(now + _PERIOD, self._poll)
        self._scan_and_tell(now)

    def _scan_and_tell(self, now: Instant) -> None:
        before = self.processes
        self.scan()
        if self.processes != before:
            self._changed(now)

    def _ready(self, _bits: int, now: Instant) -> None:
        for _datagram in range(_MOST_DATAGRAMS):
            try:
                events = self._events.receive() if self._events is not None else None
            except OSError:  # ENOBUFS: some were lost
                self._scan_and_tell(now)
                events = []
            if events is None:
                break
            for event in events:
                self._take(event, now)

    def _take(self, event: ProcessEvent, now: Instant) -> None:
        if event.what == WELCOME:
            self._welcome = True
            self._scan_and_tell(now)
        elif event.what == ENDED:
            self._new.discard(event.pid)
            if self.processes.pop(event.pid, None) is not None:
                self._changed(now)
        else:
            if not self._new:
                self._poller.call_at(now + _SETTLE, self._look_at_new)
            self._new.add(event.pid)

    def _look_at_new(self, now: Instant) -> None:
        new, self._new = self._new, set()
        before = dict(self.processes)
        for pid in new:
            entry = read_process(pid)
            if entry is not None and self._meant(entry):
                self.processes[pid] = entry
            else:
                self.processes.pop(pid, None)
        if self.processes != before:
            self._changed(now)
