# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a configured check to the conversations that carry it out."""

from __future__ import annotations

import typing as t

from ..model.check_config import Check, HttpCheck
from . import dns, grpc, http, mysql, ping, postgres, redis, smtp, tcp, udp
from .task import ProbeTask, Search

Tasks = t.Callable[[t.Any, str, int, Search], t.Tuple[ProbeTask, ...]]
"""The check, address and port of the real server, what searches a body."""


def probe_tasks(check: Check, address: str, port: int, search: Search, report: bool = False) -> t.Tuple[ProbeTask, ...]:
    """The tasks of one check of the real server `address`:`port`; all of them have to pass.

    With `report` pages are read to their end, and the verdicts tell their digests. The tasks hold nothing of a run
    and may be kept. Raises ValueError, in words, for what cannot be built: a path that cannot stand in a request,
    a pattern that does not compile, a kind that talks to no address.
    """
    tasks = _KINDS.get(check.type)
    if tasks is None:
        raise ValueError(f"a check of type {check.type} talks to no address: it cannot be probed")
    if report and isinstance(check, HttpCheck):
        return http.tasks(check, address, port, search, report=True)
    return tasks(check, address, port, search)


_KINDS: t.Mapping[str, Tasks] = {
    "tcp": tcp.tasks,
    "http": http.tasks,
    "https": http.tasks,
    "smtp": smtp.tasks,
    "dns": dns.tasks,
    "udp": udp.tasks,
    "ping": ping.tasks,
    "grpc": grpc.tasks,
    "postgres": postgres.tasks,
    "mysql": mysql.tasks,
    "redis": redis.tasks,
}
