# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A check that somebody spells outside a configuration, read by the rules of one."""

from __future__ import annotations

import typing as t
from dataclasses import replace

from ..model.check_config import Check
from ..model.load import load_config
from ..model.lvs_defaults import running_services
from ..model.problems import ConfigError
from ..model.units import seconds
from ..probes.outcome import ProbeOutcome

# The model reads a check as part of a server, and that as part of a service, so it gets both around it.
_SERVICE = "checked"
_AROUND = f"virtual_servers.{_SERVICE}.real_servers[0]."


def lone_check(check: t.Mapping[str, object], address: object, port: object) -> Check:
    """The check of the server `address`:`port` as the daemon would run it.

    Raises ConfigError, with paths as the caller knows them.
    """
    server = {"address": address, "port": port, "check": check}
    # A mark has neither address nor port nor family that could contradict the server's.
    service = {"fwmark": 1, "real_servers": [server]}
    try:
        config = load_config({"virtual_servers": {_SERVICE: service}})
    except ConfigError as error:
        raise ConfigError([replace(problem, path=_own_path(problem.path)) for problem in error.problems]) from None
    return running_services(config)[_SERVICE].real_servers[0].checks[0]


def _own_path(path: str) -> str:
    return path[len(_AROUND) :] if path.startswith(_AROUND) else path


def outcome_document(outcome: ProbeOutcome) -> t.Dict[str, t.Any]:
    """JSON-able form of a ProbeOutcome: verdict up, down or unknown, phases in seconds."""
    verdict = outcome.verdict
    phases = {
        "connect": outcome.connect_ns,
        "tls": outcome.tls_ns,
        "first_byte": outcome.first_byte_ns,
        "total": outcome.total_ns,
    }
    return {
        "verdict": ("up" if verdict.ok else "down") if outcome.ran else "unknown",
        "reason": verdict.reason,
        "weight": verdict.weight,
        "notes": list(verdict.notes),
        "phases": {name: None if phase is None else phase / seconds(1) for name, phase in phases.items()},
        "details": dict(verdict.details),
    }
