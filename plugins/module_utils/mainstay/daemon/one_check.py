# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One health check, now, in the calling process; what the Ansible module ha_check runs."""

from __future__ import annotations

import typing as t

from ..model.check_config import Check
from ..model.units import Duration, seconds
from ..net.bounded_search import bounded_search
from ..net.check_run import CheckRun
from ..probes.build import probe_tasks
from ..probes.outcome import ProbeOutcome
from .reactor import Reactor

DEFAULT_TIMEOUT = seconds(5)


def run_check(check: Check, address: str, port: int) -> ProbeOutcome:
    """Probe the real server `address`:`port` once and wait for the outcome.

    Each task of the check takes at most its `connect_timeout`. No retries: the outcome is what this one probe saw.
    Raises ValueError for a check that cannot be built.
    """
    tasks = probe_tasks(check, address, port, bounded_search)
    timeout: Duration = check.connect_timeout or DEFAULT_TIMEOUT
    outcomes: t.List[ProbeOutcome] = []
    reactor = Reactor()
    try:
        CheckRun(reactor, tasks, timeout, outcomes.append)
        while not outcomes:
            reactor.run_once()
    finally:
        reactor.close()
    return outcomes[0]
