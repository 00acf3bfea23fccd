# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When the next probe of a target starts.

Every target gets a phase inside its `delay_loop` from a hash of its identity. The phase survives restarts and
reloads, so a thousand checks stay spread over the period instead of starting together. They start in steps of it, a
few in one wake-up of the process: ten in one cost it a quarter less than ten in ten. The very first probe comes
earlier, within `warmup`: a server nobody has looked at yet is in the pool on trust.
"""

from __future__ import annotations

import zlib

from ...lvs.health import CheckHistory
from ...model.check_config import Check
from ...model.units import Duration, Instant, seconds

FIRST_PROBE_SPACING = seconds(0.005)
"""First probes start this far apart on average: 200 a second, a fifth of what one core can do."""

STEP = seconds(0.01)
"""Regular probes start this far apart, or together: a hundred wake-ups a second, however many the checks."""

_HASHES = 1 << 32


def check_seed(check: Check) -> int:
    """A number of this check, the same in every process; working it out costs some 30 us."""
    return zlib.crc32(repr(check).encode())


def target_seed(of_check: int, address: str, port: int) -> int:
    """A number of this check of this target, 0 <= seed < 2^32, the same in every process."""
    return zlib.crc32(f"{address} {port}".encode(), of_check)


def phase(seed: int, period: Duration) -> Duration:
    """The place inside `period`, 0 <= phase < period (0 of an empty one)."""
    return seed * period // _HASHES


def first_due(seed: int, warmup: Duration, beginning: int, now: Instant) -> Instant:
    """Start of the first probe of one of so many checks that are `beginning` together."""
    return now + phase(seed, min(warmup, beginning * FIRST_PROBE_SPACING))


def next_due(seed: int, history: CheckHistory, now: Instant) -> Instant:
    """Start of the probe after a result that came at `now`.

    Between two states the pause is `delay_before_retry`. A regular probe starts at the step of the target's phase, at
    least a quarter of `delay_loop` from now; from the second one on that is exactly one `delay_loop` from start to
    start.
    """
    period = history.policy.delay_loop
    if history.pause != period:
        return now + history.pause
    earliest = now + period // 4
    step = phase(seed, period) // STEP * STEP
    return earliest + (step - earliest) % period
