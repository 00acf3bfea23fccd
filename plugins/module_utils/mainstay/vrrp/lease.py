# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long the kernel keeps a virtual address that nobody refreshes.

A master refreshes its addresses with its adverts. When it is killed or frozen both end together, so the kernel
must have withdrawn the address before the first backup can take over. Measured, the kernel withdraws an address
2.02-2.04 s after the last refresh for a lease of 2 s, 3.06-3.26 s for 3 s, 5.10-5.13 s for 5 s: up to 0.26 s
late, and WITHDRAWAL_SLACK covers that. We do not know the backups' priorities; the best possible, 254, waits
3 x advert_int + 2/256 x advert_int. The default is the largest whole number of seconds with

    lease + 0.3 s  <  3 x advert_int + 2/256 x advert_int

    advert_int   soonest takeover   lease   withdrawn by   margin
    10 s         30.078 s           29 s    29.3 s         0.778 s
     2 s          6.016 s            5 s     5.3 s         0.716 s
     1 s          3.008 s            2 s     2.3 s         0.708 s
     0.9 s        2.707 s            2 s     2.3 s         0.407 s
     0.5 s        1.504 s            1 s     1.3 s         0.204 s
     0.1 s        0.301 s            1 s     1.3 s         none: leases are whole seconds

so below advert_int 0.433 s a dead master keeps the address for up to 1.3 s, instead of for ever. Version 2 waits
3 x advert_int + 2/256 s, and `down_timer_adverts` replaces the three. With one missing advert as the limit a lease
that a living master refreshes in time cannot end before a takeover: then it is the shortest that is refreshed in time.
"""

from __future__ import annotations

import typing as t

from ..model.defaults import RunningInstance
from ..model.leasing import WITHDRAWAL_SLACK, refresh_period
from ..model.units import NANOSECONDS_PER_SECOND, Duration
from .timers import MISSED_ADVERTS, shortest_down_interval


def soonest_takeover(instance: RunningInstance) -> Duration:
    """The least silence after which a backup of this instance, configured like ours, can be master."""
    return shortest_down_interval(instance.advert_int, instance.version, instance.down_timer_adverts)


def lease_of(instance: RunningInstance) -> int:
    """`lease_seconds` of an instance as it is configured."""
    return lease_seconds(instance.advert_int, instance.vip_lease, instance.version, instance.down_timer_adverts)


def lease_seconds(
    advert_int: Duration,
    vip_lease: t.Optional[Duration] = None,
    version: int = 3,
    down_timer_adverts: int = MISSED_ADVERTS,
) -> int:
    """Lifetime to give the addresses in whole seconds; 0 means without end.

    `vip_lease` is the configured one: None chooses the largest safe lease, 0 turns leasing off. That it is whole
    seconds and outlives the refresh period, validation has seen to (model/options.py, model/consistency.py).
    """
    if vip_lease is None:
        limit = shortest_down_interval(advert_int, version, down_timer_adverts)
        return max(_shortest_lasting_lease(advert_int), _largest_safe_lease(limit))
    return vip_lease // NANOSECONDS_PER_SECOND


def _largest_safe_lease(limit: Duration) -> int:
    """The last whole second strictly before the soonest takeover less the slack."""
    return (limit - WITHDRAWAL_SLACK - 1) // NANOSECONDS_PER_SECOND


def _shortest_lasting_lease(advert_int: Duration) -> int:
    """The first whole second strictly after the refresh of a living master (model/leasing.py: outlives_refresh)."""
    return refresh_period(advert_int) // NANOSECONDS_PER_SECOND + 1
