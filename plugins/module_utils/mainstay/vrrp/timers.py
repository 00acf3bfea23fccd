# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The intervals that decide who takes over when (RFC 9568 and RFC 3768 section 6.1). All spans are nanoseconds."""

from __future__ import annotations

from ..model.units import NANOSECONDS_PER_SECOND, Duration

MISSED_ADVERTS = 3
"""A master is down after this many silent intervals, plus the skew; `down_timer_adverts` may say otherwise (TMR-06)."""

OWNER_PRIORITY = 255
"""The router whose own interface has the virtual addresses."""

HIGHEST_PRIORITY = 254
"""Of a router that is not the owner."""

DEMOTED_PRIORITY = 1
"""Of a router that an operator took out of the election: better than nothing, worse than anybody."""


def skew_time(priority: int, advert_int: Duration, version: int = 3) -> Duration:
    """Extra wait of a backup, shorter for a better one, so that the best of several moves first.

    Version 3 scales it with the interval (TMR-02), version 2 does not (TMR-01).
    """
    return (256 - priority) * (advert_int if version == 3 else NANOSECONDS_PER_SECOND) // 256


def master_down_interval(
    priority: int, advert_int: Duration, version: int = 3, adverts: int = MISSED_ADVERTS
) -> Duration:
    """Silence after which a backup of `priority` takes over, `advert_int` being the master's."""
    return adverts * advert_int + skew_time(priority, advert_int, version)


def shortest_down_interval(advert_int: Duration, version: int = 3, adverts: int = MISSED_ADVERTS) -> Duration:
    """The soonest that any backup, configured like us, can take over from a silent master."""
    return master_down_interval(HIGHEST_PRIORITY, advert_int, version, adverts)


def first_wait_of_a_hinted_master(advert_int: Duration, version: int = 3) -> Duration:
    """With the hint `state MASTER`: one interval and the least skew, so that a running master can still be heard."""
    return advert_int + skew_time(OWNER_PRIORITY, advert_int, version)
