# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The line of keepalived's notify FIFO, and one FIFO that it is written to without ever waiting.

We hold the FIFO open for reading too. So it needs no reader to be written to, and what was written stays in it while
a reader starts again. A reader that lags fills the pipe, then a queue of ours; then the oldest line is dropped and
counted.
"""

from __future__ import annotations

import collections
import contextlib
import os
import stat
import typing as t

from ...model.units import Instant
from ...net.polling import WRITABLE, Poller
from ..worker import Happening

MOST_WAITING = 1024
"""Lines, beside the 64 KiB that the kernel keeps."""


class FifoRefused(Exception):
    """Why the path cannot be used; for people."""


def fifo_line(happening: Happening, state: str, called: t.Sequence[str] = ()) -> bytes:
    """As keepalived writes it: INSTANCE "VI_1" MASTER 150, GROUP "VG_1" FAULT 0.

    With `called`, of a service or a server: VS FWM 5 UP, RS [192.0.2.21]:tcp:80 [192.0.2.10]:tcp:80 DOWN.
    """
    rest = " ".join((*called, state)) if called else f'"{happening.name}" {state} {happening.priority}'
    return f"{happening.kind} {rest}\n".encode("utf-8", "replace")


class NotifyFifo:
    """One FIFO."""

    def __init__(self, poller: Poller, path: str, owner: t.Optional[int] = None) -> None:
        """Make it, 0600, or take the one that we made before. `owner`: uid of its reader, None for ourselves.

        Raises FifoRefused: something else stands there, or it cannot be made.
        """
        self.path = path
        self._poller = poller
        self._descriptor = _open(path, os.geteuid() if owner is None else owner)
        self._waiting: t.Deque[bytes] = collections.deque()
        self._watching = False
        self.written = 0
        self.dropped = 0

    @property
    def waiting(self) -> int:
        """Lines that the pipe has no room for."""
        return len(self._waiting)

    def write(self, line: bytes) -> None:
        """Write it as soon as there is room."""
        self._waiting.append(line)
        if not self._watching:
            self._write()
        if len(self._waiting) > MOST_WAITING:
            self._waiting.popleft()
            self.dropped += 1

    def close(self) -> None:
        """Let the reader come to the end, and remove it."""
        if self._watching:
            self._poller.unwatch(self._descriptor)
        with contextlib.suppress(OSError):
            if os.path.samestat(os.lstat(self.path), os.fstat(self._descriptor)):
                os.unlink(self.path)
        os.close(self._descriptor)

    def document(self) -> t.Dict[str, object]:
        """For the status."""
        return {"written": self.written, "waiting": self.waiting, "dropped": self.dropped}

    def _ready(self, _bits: int, _now: Instant) -> None:
        self._write()

    def _write(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while self._waiting:
                os.write(self._descriptor, self._waiting[0])  # shorter than PIPE_BUF: all of it or nothing
                self._waiting.popleft()
                self.written += 1
        self._watch(bool(self._waiting))

    def _watch(self, wanted: bool) -> None:
        if wanted and not self._watching:
            self._poller.watch(self._descriptor, WRITABLE, self._ready)
        elif self._watching and not wanted:
            self._poller.unwatch(self._descriptor)
        self._watching = wanted


def _open(path: str, owner: int) -> int:
    """A descriptor of our FIFO. Raises FifoRefused."""
    try:
        with contextlib.suppress(FileExistsError):
            os.mkfifo(path, 0o600)
        # Opening anything but a FIFO may have effects (devices), so it is looked at before, and again after.
        _check(path, os.lstat(path), owner)
        descriptor = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        raise FifoRefused(f"{path} cannot be made or opened: {error.strerror}") from error
    try:
        _check(path, os.fstat(descriptor), owner)
        os.fchmod(descriptor, 0o600)
        if os.fstat(descriptor).st_uid != owner:
            os.fchown(descriptor, owner, -1)
    except OSError as error:
        os.close(descriptor)
        raise FifoRefused(f"{path} cannot be given to uid {owner}: {error.strerror}") from error
    except FifoRefused:
        os.close(descriptor)
        raise
    return descriptor


def _check(path: str, found: os.stat_result, owner: int) -> None:
    if not stat.S_ISFIFO(found.st_mode):
        raise FifoRefused(f"{path} is there and is no FIFO; remove it")
    if found.st_uid not in (os.geteuid(), owner):
        raise FifoRefused(f"{path} belongs to uid {found.st_uid}, who could read or forge what stands in it; remove it")
