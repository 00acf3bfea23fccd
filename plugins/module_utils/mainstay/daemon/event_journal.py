# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What happened on this machine, one JSON object a line, for whoever asks weeks later: `mainstay events`.

Two files of 1 MiB in the state directory, the older one ends in ".1". A line is written with one call and never half:
what the disk had no room for is cut off again, counted, and told with the next line that fits. Addresses are more
important than history, so nothing here ever fails the daemon.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import stat
import typing as t
from dataclasses import asdict

from ..model.units import Instant, seconds
from .event_budget import EventBudget
from .journal import Journal
from .log_limit import LogLimit
from .state_directory import stored
from .vrrp.report import MASTER_RX_LOWER_PRI
from .wall_clock import wall_clock
from .worker import Happening

MAXIMUM_BYTES = 1024 * 1024
"""Of one file; there are two."""
MAXIMUM_ASKED = 1000
"""Events in one answer."""

_FILE = "events.jsonl"
_SUBJECT = "events"
_MODE = 0o640
# Each advert of a lesser master is one; whoever can send those must not push the rest out of the journal.
_PERIOD = seconds(60)
_FLAPPING = ("RS", "VS", "BFD")
"""Kinds whose state somebody outside of this machine may turn round many times a second."""

Event = t.Dict[str, t.Any]
"""at, kind (INSTANCE, GROUP, ALL, VS, RS, BFD or DAEMON), name, event, reason, and what belongs to the event."""


class Recent(t.NamedTuple):
    """What was asked for."""

    events: t.List[Event]
    """Oldest first."""
    damaged: int
    """Lines met on the way that are no event: a disk that was full, or somebody's editor."""


class EventJournal:
    """Writes and reads the journal."""

    def __init__(self, folder: str, journal: Journal) -> None:
        """`folder`: the state directory; that it cannot be used shows with the first event."""
        self.dropped = 0
        """Events of this run of the daemon that could not be written."""
        self.problem: t.Optional[str] = None
        """A sentence while events cannot be written."""
        self._path = os.path.join(folder, _FILE)
        self._journal = journal
        self._limit = LogLimit(_PERIOD)
        self._budget = EventBudget()
        self._untold = 0

    def happened(self, happening: Happening, now: Instant) -> None:
        """Something happened to an instance, a group, a service, a server or a BFD session."""
        if (happening.kind, happening.event) == ("BFD", "START"):
            return
        if happening.event == MASTER_RX_LOWER_PRI and not self._limit.allows(happening.name, now):
            return
        remark = self._budget.takes(f"{happening.kind} {happening.name}", now) if happening.kind in _FLAPPING else ""
        if remark is not None:
            event = asdict(happening)
            self._record({**event, "reason": "; ".join(filter(None, (happening.reason, remark)))})

    def daemon(self, event: str, reason: str) -> None:
        """Something happened to the daemon: START, STOP, RELOAD or RELOAD_REFUSED."""
        self._record(_of_daemon(event, reason))

    def operator(self, event: Event) -> None:
        """Somebody changed something by hand."""
        self._record(event)

    def recent(self, count: int, name: t.Optional[str] = None) -> Recent:
        """The last `count` events, about `name` alone when it is given. A file that cannot be read is an empty one."""
        found: t.List[Event] = []
        damaged = 0
        for line in self._lines_backwards():
            event = _event(line)
            if event is None:
                damaged += 1
            elif name is None or concerns(event, name):
                found.append(event)
                if len(found) == count:
                    break
        return Recent(found[::-1], damaged)

    def status(self) -> t.Dict[str, object]:
        """Section of the status answer."""
        return {"dropped": self.dropped, "problem": self.problem}

    # ---- writing

    def _record(self, event: Event) -> None:
        dated = {"at": wall_clock(), **event}
        try:
            if self._untold:
                self._append({"at": wall_clock(), **_of_daemon("DROPPED", f"{self._untold} events, {self.problem}")})
                self._untold = 0
            self._append(dated)
        except OSError as error:
            self._count_drop(error)
            return
        if self.problem is not None:
            self._journal.info(_SUBJECT, f"written again to {self._path}")
            self.problem = None

    def _count_drop(self, error: OSError) -> None:
        before, self.problem = self.problem, f"{self._path}: {error.strerror or error}"
        self.dropped += 1
        self._untold += 1
        if before is None:
            self._journal.warning(_SUBJECT, f"cannot be written, the daemon runs on without: {self.problem}")

    def _append(self, event: Event) -> None:
        """Write one line, whole or not at all. Raises OSError."""
        line = json.dumps(event).encode("ascii") + b"\n"
        descriptor = self._open()
        try:
            size = os.fstat(descriptor).st_size
            if size and size + len(line) > MAXIMUM_BYTES:
                os.replace(self._path, f"{self._path}.1")
                os.close(descriptor)
                descriptor, size = self._open(), 0
            if size and os.pread(descriptor, 1, size - 1) != b"\n":
                line = b"\n" + line  # the machine lost power within the line before
            if os.write(descriptor, line) < len(line):
                os.ftruncate(descriptor, size)
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        finally:
            os.close(descriptor)

    def _open(self) -> int:
        """Anew for each line: whoever moves the file away gets a whole one."""
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        descriptor = os.open(self._path, flags, _MODE)
        state = os.fstat(descriptor)
        if not stat.S_ISREG(state.st_mode):
            os.close(descriptor)
            raise OSError(errno.EINVAL, "is no ordinary file")
        if not state.st_size:
            os.fchmod(descriptor, _MODE)  # the umask may have made it less
        return descriptor

    # ---- reading

    def _lines_backwards(self) -> t.Iterator[bytes]:
        for path in (self._path, f"{self._path}.1"):
            content = b""
            with contextlib.suppress(OSError), open(path, "rb") as file:
                content = file.read(MAXIMUM_BYTES)
            yield from (line for line in reversed(content.split(b"\n")) if line)


def concerns(event: Event, name: str) -> bool:
    """The event is about the instance, group, service or server of this name, or about all.

    "web 192.0.2.21:80" is about web, and about 192.0.2.21:80 too.
    """
    members = event.get("instances")
    if event.get("kind") == "RS" and name in str(event.get("name")).rpartition(" "):
        return True
    return event.get("name") == name or event.get("kind") == "ALL" or (isinstance(members, list) and name in members)


def _of_daemon(event: str, reason: str) -> Event:
    return {"kind": "DAEMON", "name": "mainstayd", "event": event, "reason": reason}


def _event(line: bytes) -> t.Optional[Event]:
    try:
        event = stored(line)
    except ValueError:  # UnicodeDecodeError is one too
        return None
    return event if isinstance(event, dict) and isinstance(event.get("event"), str) else None
