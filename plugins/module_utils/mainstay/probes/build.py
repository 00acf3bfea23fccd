# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a configured check to the conversations that carry it out."""

from __future__ import annotations

import typing as t

from ..model.check_config import Check, HttpCheck
from . import http, tcp
from .task import ProbeTask, Search, Tasks


def probe_tasks(check: Check, address: str, port: int, search: Search, report: bool = False) -> t.Tuple[ProbeTask, ...]:
    """The tasks of one check of the real server `address`:`port`; all of them have to pass.

    With `report` pages are read to their end, and the verdicts tell their digests. The tasks hold nothing of a run
    and may be kept. Raises ValueError, in words, for what cannot be built: a path that cannot stand in a request,
    a pattern that does not compile, a kind that talks to no address.
    """
    if report and isinstance(check, HttpCheck):
        return http.tasks(check, address, port, search, report=True)
    return _tasks_of(check.type)(check, address, port, search)


def _tasks_of(kind: str) -> Tasks:
    """What most configurations have is there from the start; the rest is loaded when one names any of it."""
    usual = _USUAL.get(kind)
    if usual is not None:
        return usual
    from .rare import RARE

    if kind not in RARE:
        raise ValueError(f"a check of type {kind} talks to no address: it cannot be probed")
    return RARE[kind]


_USUAL: t.Mapping[str, Tasks] = {"tcp": tcp.tasks, "http": http.tasks, "https": http.tasks}
