# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Work whose memory should not stay: a child of this process does it and hands over the result.

A library that needs 200 MB for a moment leaves a process that large for good: what is freed in pieces seldom goes back
to the kernel. The child has a copy of everything, so nothing has to be told to it, and its end takes all of it away.

The caller waits. Nothing of it can change meanwhile, so the sockets that the child holds, too, do no harm.
"""

from __future__ import annotations

import ctypes
import os
import signal
import typing as t

_PR_SET_PDEATHSIG = 1

_Result = t.TypeVar("_Result")


def aside(work: t.Callable[[], _Result]) -> _Result:
    """What `work` returns, done by a child; it has to be something that pickle knows.

    Raises what `work` raises, and OSError when there is no room for a child or it was killed.
    """
    import pickle  # only who has a large table needs it: it is a megabyte

    reading, writing = os.pipe()
    parent = os.getpid()
    # A signal of the whole group is the caller's to answer; the child ends with its work or with the caller.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    try:
        child = os.fork()
        if child == 0:
            _work(lambda: pickle.dumps(_tried(work), pickle.HIGHEST_PROTOCOL), writing, parent)
    except OSError:
        os.close(reading)
        raise
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        os.close(writing)
    with open(reading, "rb") as pipe:
        said = pipe.read()
    os.waitpid(child, 0)
    if not said:
        raise OSError("the process that did the work has ended without a word")
    good, result = pickle.loads(said)  # noqa: S301  # from a copy of ourselves
    if not good:
        raise result
    return t.cast(_Result, result)


def _work(work: t.Callable[[], bytes], writing: int, parent: int) -> t.NoReturn:
    """The child's life. It never returns into the caller's stack."""
    try:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() == parent:
            said = work()
            with open(writing, "wb", closefd=False) as pipe:
                pipe.write(said)
    finally:
        os._exit(0)


def _tried(work: t.Callable[[], object]) -> t.Tuple[bool, object]:
    try:
        return True, work()
    except Exception as error:  # noqa: BLE001  # it is the caller's, who gets it
        return False, error
