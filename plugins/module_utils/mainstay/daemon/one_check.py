# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One health check, now, in the calling process; what the Ansible module ha_check runs."""

from __future__ import annotations

import typing as t

from ..model.config import Check
from ..net.probe_driver import ProbeRun
from ..probes.build import probe_for, probe_target
from ..probes.outcome import ProbeOutcome
from .reactor import Reactor


def run_check(check: Check, address: str, port: int) -> ProbeOutcome:
    """Probe the real server `address`:`port` once and wait for the outcome, at most `check.connect_timeout`.

    No retries: the outcome is what this one probe saw. Raises ValueError for a check that cannot be built.
    """
    probe = probe_for(check, address, port)
    outcomes: t.List[ProbeOutcome] = []
    reactor = Reactor()
    try:
        ProbeRun(reactor, probe_target(check, address, port), probe, check.connect_timeout, outcomes.append)
        while not outcomes:
            reactor.run_once()
    finally:
        reactor.close()
    return outcomes[0]
