# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The intervals that decide who takes over when (RFC 9568 section 6.1). All spans are nanoseconds."""

from __future__ import annotations

from ..model.units import Duration, seconds

MISSED_ADVERTS = 3
"""A master is down after this many silent intervals, plus the skew."""

OWNER_PRIORITY = 255
"""The router whose own interface has the virtual addresses."""

HIGHEST_PRIORITY = 254
"""Of a router that is not the owner."""

_LEARNT_INTERVAL_FLOOR = seconds(10)
_LEARNT_INTERVAL_FACTOR = 10


def skew_time(priority: int, advert_int: Duration) -> Duration:
    """Extra wait of a backup, shorter for a better one, so that the best of several moves first (TMR-02)."""
    return (256 - priority) * advert_int // 256


def master_down_interval(priority: int, advert_int: Duration) -> Duration:
    """Silence after which a backup of `priority` takes over, `advert_int` being the master's."""
    return MISSED_ADVERTS * advert_int + skew_time(priority, advert_int)


def shortest_down_interval(advert_int: Duration) -> Duration:
    """The soonest that any backup can take over from a silent master."""
    return master_down_interval(HIGHEST_PRIORITY, advert_int)


def longest_learnt_interval(advert_int: Duration) -> Duration:
    """The most that a backup takes over from a master's advert (TMR-05).

    Without a limit, one forged packet that says 40.95 s leaves the segment without a master for 139.7 s
    (measured on keepalived 2.2.7). Routers of one group are configured alike, so tenfold is already generous.
    """
    return max(_LEARNT_INTERVAL_FACTOR * advert_int, _LEARNT_INTERVAL_FLOOR)
