# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When the next probe of a server starts.

Every server gets a phase inside its `delay_loop` from a hash of its identity. The phase survives restarts and
reloads, so a thousand checks stay spread over the period instead of starting together. The very first probe comes
earlier: a server nobody has looked at yet is in the pool on trust.
"""

from __future__ import annotations

import typing as t
import zlib

from ...lvs.health import CheckHistory
from ...lvs.table import DestinationKey, ServiceKey
from ...model.units import Duration, Instant, seconds

ServerKey = t.Tuple[ServiceKey, DestinationKey]
"""One real server in one service."""

FIRST_PROBE_SPACING = seconds(0.005)
"""First probes start this far apart on average: 200 a second, a fifth of what one core can do."""

_HASHES = 1 << 32


def phase(key: ServerKey, period: Duration) -> Duration:
    """The server's place inside `period`, 0 <= phase < period; the same in every process."""
    return zlib.crc32(f"{key[0]} {key[1]}".encode()) * period // _HASHES


def first_due(key: ServerKey, delay_loop: Duration, servers: int, now: Instant) -> Instant:
    """Start of the first probe of one of `servers` that begin together."""
    return now + phase(key, min(delay_loop, servers * FIRST_PROBE_SPACING))


def next_due(key: ServerKey, history: CheckHistory, now: Instant) -> Instant:
    """Start of the probe after a result that came at `now`.

    A retry waits `delay_before_retry`. A regular probe starts at the server's phase, at least a quarter of
    `delay_loop` from now; from the second one on that is exactly one `delay_loop` from start to start.
    """
    if history.retrying:
        return now + history.pause
    period = history.policy.delay_loop
    earliest = now + period // 4
    return earliest + (phase(key, period) - earliest) % period
