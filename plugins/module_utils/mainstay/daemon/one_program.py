# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The program of a misc check, run once by whoever asks."""

from __future__ import annotations

import os
import typing as t
from dataclasses import replace

from ..model.check_config import MiscCheck
from ..model.units import seconds
from ..probes.outcome import ProbeOutcome
from ..probes.verdict import Verdict
from .programs.script_run import ScriptResult
from .programs.scripts import ScriptRunner
from .reactor import Reactor

DEFAULT_TIMEOUT = seconds(6)
"""Of a daemon: its delay_loop."""

_FIRST_WEIGHT = 2


def run_program(check: MiscCheck) -> ProbeOutcome:
    """Run it as the caller, or as the user that the check names, and judge its exit status.

    Raises ValueError when the check has none.
    """
    if check.misc_path is None:
        raise ValueError("misc_path: there is no program to run")
    command = check.misc_path
    if command.user is None:
        command = replace(command, user=str(os.geteuid()))
    results: t.List[ScriptResult] = []
    reactor = Reactor()
    runner = ScriptRunner(reactor)
    try:
        runner.run(command, (), check.misc_timeout or DEFAULT_TIMEOUT, lambda result, _now: results.append(result))
        while not results or runner.running:
            reactor.run_once()
    finally:
        runner.close()
        reactor.close()
    return _judged(check, results[0])


def _judged(check: MiscCheck, result: ScriptResult) -> ProbeOutcome:
    details = tuple((key, value) for key, value in (("output", result.output.strip()),) if value)
    weight = None
    if check.misc_dynamic and result.status is not None and result.status >= _FIRST_WEIGHT:
        weight = result.status - _FIRST_WEIGHT
    verdict = Verdict(result.good or weight is not None, result.reason, weight, details=details)
    return ProbeOutcome(verdict, total_ns=result.took)
