# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of ip_vs with 1,000 services of ten servers: programming, reading it again, one change, both starts."""

from __future__ import annotations

import shlex
import typing as t

from kernel.run import CHECKOUT
from netns.daemons import PYTHON

from bench.figures import AtMost, AtMostTimes, Figure, Series
from bench.guest import REMARK, in_guest
from bench.table_figures import DAEMON, ONE_WEIGHT, PROGRAM, UNCHANGED

SERVICES, SERVERS = 1000, 10
SIZE = f"{SERVICES} services of {SERVERS} servers"


def measure(say: t.Callable[[str], None]) -> list[Figure]:
    """All in one guest."""
    say(f"table of {SIZE} (boots a guest)")
    seen = in_guest(_command)
    ours, theirs, tool = (seen[who] for who in ("mainstay", "keepalived", "ipvsadm"))
    again = f"read and compare {SIZE}, unchanged"
    milliseconds = [1000 * value for value in ours[ONE_WEIGHT]]
    beside = f"beside it in keepalived's column: ipvsadm -R; {REMARK}"
    return [
        Figure(f"program {SIZE}", "s", 2, _series(ours[PROGRAM]), _series(tool[PROGRAM]),
               AtMostTimes(0.25), beside),
        Figure(f"program {SIZE}, beside keepalived's start with them", "s", 2, _series(ours[PROGRAM]),
               _series(theirs[DAEMON]), AtMostTimes(1.0), REMARK),
        Figure(f"start until {SIZE} are in the table", "s", 2, _series(ours[DAEMON]), _series(theirs[DAEMON]), None,
               f"ours reads, checks and hands over 10,000 servers in Python first; {REMARK}"),
        Figure(again, "s", 2, _series(ours[UNCHANGED]), None, AtMost(1.0), REMARK),
        Figure(f"change one weight among {SIZE}", "ms", 2, _series(milliseconds), None, AtMost(5.0), REMARK),
    ]  # fmt: skip


def _command(result: str) -> str:
    path = f"{CHECKOUT}/plugins/module_utils:{CHECKOUT}/tests"
    words = [PYTHON, "-B", "-m", "bench.tables_program", str(SERVICES), str(SERVERS), result]
    return f"PYTHONPATH={shlex.quote(path)} {shlex.join(words)}\n"


def _series(values: t.Sequence[float]) -> Series:
    return Series(tuple(values))
