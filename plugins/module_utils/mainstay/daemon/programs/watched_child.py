# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Forking a child that is only watched: its end through a pidfd, its output and its last words through pipes.

Everything that can fail for want of descriptors or processes fails in the parent with an OSError, nothing left behind.
"""

from __future__ import annotations

import contextlib
import os
import signal
import typing as t


class Started(t.NamedTuple):
    """A child and how to hear of it; the descriptors are ours to close."""

    pid: int
    pidfd: int
    """Readable when it has ended."""
    output: int
    """Its standard output and error, non-blocking."""
    failure: int
    """Why it could not do its work; empty when it could."""


Become = t.Callable[[int, int, int], t.NoReturn]
"""What the child does, given its parent's pid, the pipe for output and the one for last words. Never returns."""


def fork_watched(become: Become) -> Started:
    """Fork. All signals are blocked in the child until it unblocks them. Raises OSError when there is no room."""
    with contextlib.ExitStack() as undo:
        output, written = _pipe(undo)
        failure, told = _pipe(undo)
        # A signal between fork and exec would be written to the supervisor's wake-up pipe.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        try:
            parent = os.getpid()
            pid = os.fork()
            if pid == 0:
                become(parent, written, told)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        pidfd = _open_pidfd(pid)
        undo.pop_all()
    os.close(written)
    os.close(told)
    return Started(pid, pidfd, output, failure)


def _pipe(undo: contextlib.ExitStack) -> t.Tuple[int, int]:
    """Reading end (non-blocking) and writing end (blocking, as programs expect); closed if the start fails."""
    reader, writer = os.pipe2(os.O_CLOEXEC)
    undo.callback(os.close, reader)
    undo.callback(os.close, writer)
    os.set_blocking(reader, False)
    return reader, writer


def _open_pidfd(pid: int) -> int:
    try:
        return os.pidfd_open(pid)
    except OSError:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        raise
