# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long instances hold still at the start: after that of the daemon, and after that of the machine."""

from __future__ import annotations

import time

from ...model.config import GlobalDefs
from ...model.units import Instant


def hold_until(defs: GlobalDefs, daemon_started: Instant, machine_booted: Instant) -> Instant:
    """The later end of vrrp_startup_delay and vrrp_delay_after_boot counts; a passed one delays nothing."""
    return max(daemon_started + defs.vrrp_startup_delay, machine_booted + defs.vrrp_delay_after_boot)


def boot_instant() -> Instant:
    """When this machine was booted, by the monotonic clock. Time that it slept counts as time since its boot."""
    return time.monotonic_ns() - time.clock_gettime_ns(time.CLOCK_BOOTTIME)
