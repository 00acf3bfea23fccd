# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Forking a worker: what the child sheds before it becomes one."""

from __future__ import annotations

import gc
import os
import signal
import sys
import typing as t

from ..net.local_sockets import channel_pair
from . import scheduling
from .worker_process import Role, WorkerProcess


class StartedWorker(t.NamedTuple):
    """A fresh child."""

    pid: int
    descriptor: int
    """Our end of its channel."""


def start_worker(role: Role, keep: t.Collection[int]) -> StartedWorker:
    """Fork. The child closes every descriptor but standard ones, its channel and `keep`.

    Raises OSError when there is no room for one more process; nothing of the attempt is left then.
    """
    ours, theirs = channel_pair()
    supervisor = os.getpid()
    # What is there is shared and never garbage: no collection shall touch its pages and copy them.
    gc.collect()
    gc.freeze()
    # A signal between fork and the child's own handlers would be written to the supervisor's wake-up pipe.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    try:
        pid = os.fork()
        if pid == 0:
            _become_worker(role, supervisor, theirs, {*keep, theirs}, before)
    except OSError:
        os.close(ours)
        raise
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        os.close(theirs)
    return StartedWorker(pid, ours)


def _become_worker(
    role: Role, supervisor: int, descriptor: int, keep: t.Collection[int], mask: t.Iterable[int]
) -> t.NoReturn:
    """Never returns into the supervisor's stack, whatever happens."""
    status = 1
    try:
        signal.set_wakeup_fd(-1)
        close_all_but(keep)
        scheduling.set_process_name(f"mainstayd-{role.name}")
        process = WorkerProcess(role, descriptor)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        scheduling.die_with_parent(supervisor)
        process.run()
        status = 0
    finally:
        kind, error, traceback = sys.exc_info()
        if kind is not None and error is not None:
            sys.excepthook(kind, error, traceback)
        sys.stderr.flush()
        os._exit(status)


def close_all_but(keep: t.Collection[int]) -> None:
    """The objects that own the closed descriptors stay referenced by the supervisor's frames, so none of them
    closes a reused number later.
    """
    for name in os.listdir("/proc/self/fd"):
        descriptor = int(name)
        if descriptor > 2 and descriptor not in keep:
            os.closerange(descriptor, descriptor + 1)
