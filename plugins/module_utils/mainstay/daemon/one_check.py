# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One health check, now, in the calling process: what `mainstay probe` and the Ansible module ha_check run."""

from __future__ import annotations

import typing as t

from ..model.check_config import Check, MiscCheck
from ..model.units import seconds
from ..net.check_run import CheckRun
from ..probes.outcome import ProbeOutcome
from .check_tasks import check_tasks
from .reactor import Reactor

DEFAULT_TIMEOUT = seconds(5)


def run_check(check: Check, address: str, port: int, report: bool = False) -> ProbeOutcome:
    """Check the real server `address`:`port` once and wait for the outcome; of a misc check run its program.

    Each task of the check takes at most its `connect_timeout`. No retries: the outcome is what this one probe saw.
    With `report` pages are read to their end and their digests told. Raises ValueError for a check that cannot be
    built, or that only the daemon can answer.
    """
    if isinstance(check, MiscCheck):
        # Loaded by who needs it: programs are the smaller part of what is asked here.
        from .one_program import run_program

        return run_program(check)
    tasks = check_tasks(check, address, port, report)
    outcomes: t.List[ProbeOutcome] = []
    reactor = Reactor()
    try:
        CheckRun(reactor, tasks, check.connect_timeout or DEFAULT_TIMEOUT, outcomes.append)
        while not outcomes:
            reactor.run_once()
    finally:
        reactor.close()
    return outcomes[0]
