# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When a server's programs ran last, and what they said, in what the health worker answers.

The supervisor tells the worker only what changes the pool, so the worker cannot know that a program passed once more a
second ago. Whoever asks is answered by the supervisor, which knows.
"""

from __future__ import annotations

import typing as t

from ...lvs.keys import ServerId
from ...lvs.table import endpoint_text
from ..check_names import server_of

Section = t.Mapping[str, t.Any]


def with_last_runs(lvs: Section, programs: t.Mapping[str, Section]) -> Section:
    """The `lvs` section, with age and reason of the servers that follow `programs` (status of these, by name)."""
    runs: t.Dict[ServerId, t.List[Section]] = {}
    for name, one in programs.items():
        server = server_of(name)
        if server is not None and one.get("age") is not None:
            runs.setdefault(server, []).append(one)
    if not runs:
        return lvs
    named = {service for service, _server in runs}
    services = lvs.get("virtual_servers") or {}
    filled = {name: _service(name, one, runs) if name in named else one for name, one in services.items()}
    return {**lvs, "virtual_servers": filled}


def _service(name: str, service: Section, runs: t.Mapping[ServerId, t.Sequence[Section]]) -> Section:
    servers = [_server(one, runs.get((name, _name(one)), ())) for one in service.get("real_servers") or ()]
    return {**service, "real_servers": servers}


def _name(server: Section) -> str:
    return endpoint_text(str(server["address"]), int(server["port"] or 0))


def _server(server: Section, runs: t.Sequence[Section]) -> Section:
    """The age is that of the latest of all its checks."""
    if not runs:
        return server
    ages = [one["age"] for one in runs] + ([] if server.get("age") is None else [server["age"]])
    reason = str(server.get("reason") or "")
    for run in runs:
        reason = _reason(reason, run)
    return {**server, "age": min(ages), "reason": reason}


def _reason(reason: str, run: Section) -> str:
    """The words of the last run in place of those that were told, or behind them where it changed nothing yet."""
    told, last = run["told"], run["last"]
    if told is None or told == last or told not in reason:
        return reason
    return reason.replace(told, last, 1) if run["confirms"] else f"{reason}; the last run: {last}"
