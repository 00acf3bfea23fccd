# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a process asks of the kernel for itself: priority, memory that stays, an end when its parent dies."""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import resource
import signal
import struct
import typing as t

_PR_SET_PDEATHSIG = 1
_PR_SET_NAME = 15
_MCL_CURRENT_FUTURE_ONFAULT = 1 | 2 | 4
_CAP_IPC_LOCK = 14
_CAPABILITY_VERSION_3 = 0x20080522
_REAL_TIME_PRIORITY = 20
"""Above ordinary real-time work, below the kernel's interrupt threads (50)."""
_NICEST = -20


def die_with_parent(parent: int) -> None:
    """Ask for SIGTERM when the parent ends; raises SystemExit when it has ended already."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != parent:
        raise SystemExit(0)


def set_process_name(name: str) -> None:
    """What ps and top show; at most 15 bytes."""
    ctypes.CDLL(None).prctl(_PR_SET_NAME, name.encode("ascii")[:15], 0, 0, 0)


def drop_capabilities() -> None:
    """Give up every one for good, as a process that talks to strangers needs none."""
    header, none_of_them = struct.pack("=Ii", _CAPABILITY_VERSION_3, 0), bytes(24)
    ctypes.CDLL(None).capset(header, none_of_them)


def raise_open_files(wanted: int) -> int:
    """So many open files if the hard limit allows it, else as many as it allows; how many it is now."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < wanted:
        soft = min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return soft


def take_real_time() -> t.Optional[str]:
    """Run under SCHED_RR from now on; children do not inherit it. None when granted, else why not."""
    parameter = os.sched_param(_REAL_TIME_PRIORITY)
    try:
        os.sched_setscheduler(0, os.SCHED_RR | os.SCHED_RESET_ON_FORK, parameter)
    except OSError as error:
        return f"the kernel refused real-time priority ({error.strerror}); {_be_nice()}"
    return None


def keep_apart(punctual: bool) -> None:
    """Leave the upper half of the processors that we may use to the process that adverts depend on, and the lower half
    to the one that works: real-time priority does not help against a system call on the same processor. The nftables
    of 1,000 services were one of 0.4 s, and many kernels let nobody else in before it ends.

    A host that forbids it is no reason not to run: adverts are then as late as anybody's there.
    """
    processors = sorted(os.sched_getaffinity(0))
    half = len(processors) // 2
    if half:
        with contextlib.suppress(OSError):
            os.sched_setaffinity(0, processors[half:] if punctual else processors[:half])


def _be_nice() -> str:
    try:
        os.setpriority(os.PRIO_PROCESS, 0, _NICEST)
    except OSError:
        return "adverts may be late on a busy machine; grant CAP_SYS_NICE or set CPUSchedulingPolicy=rr in the unit"
    return "running at nice -20 instead; a realtime budget for the service's cgroup (cpu.rt_runtime_us) would mend it"


def keep_memory() -> bool:
    """Keep every page that was once touched in memory (mlockall with MCL_ONFAULT, which costs nothing extra).

    Only with CAP_IPC_LOCK: under a mere limit a later allocation could fail. False when it was not done.
    """
    if not _has_capability(_CAP_IPC_LOCK):
        return False
    return int(ctypes.CDLL(None).mlockall(_MCL_CURRENT_FUTURE_ONFAULT)) == 0


def _has_capability(number: int) -> bool:
    with open("/proc/self/status", encoding="ascii", errors="replace") as status:
        effective = re.search(r"^CapEff:\s*([0-9a-f]+)", status.read(), re.MULTILINE)
    return effective is not None and bool(int(effective.group(1), 16) >> number & 1)
