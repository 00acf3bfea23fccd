# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How often a master refreshes its leased addresses: validation needs it as much as the lease itself does."""

from __future__ import annotations

from .units import Duration, seconds

_SHORTEST_REFRESH = seconds(0.25)

WITHDRAWAL_SLACK = seconds(0.3)
"""The kernel's own lateness in withdrawing an expired address, measured 0.26 s at most."""


def refresh_period(advert_int: Duration) -> Duration:
    """How often a master refreshes its addresses: with each advert, but at most four times a second."""
    return max(advert_int, _SHORTEST_REFRESH)


def outlives_refresh(vip_lease: Duration, advert_int: Duration) -> bool:
    """Whether a living master always comes in time to keep addresses of this lifetime; 0, no lease, needs none."""
    return vip_lease == 0 or vip_lease > refresh_period(advert_int)


def withdrawn_late_by(vip_lease: Duration, advert_int: Duration, adverts: int) -> Duration:
    """How long after the first moment of a takeover a dead master's address may still be there; not above 0: never.

    Without the skew time of at most 2/256 advert_int that the best possible backup waits on top.
    """
    return vip_lease + WITHDRAWAL_SLACK - adverts * advert_int
