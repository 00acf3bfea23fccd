# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How often a master refreshes its leased addresses: validation needs it as much as the lease itself does."""

from __future__ import annotations

from .units import Duration, seconds

_SHORTEST_REFRESH = seconds(0.25)


def refresh_period(advert_int: Duration) -> Duration:
    """How often a master refreshes its addresses: with each advert, but at most four times a second."""
    return max(advert_int, _SHORTEST_REFRESH)


def outlives_refresh(vip_lease: Duration, advert_int: Duration) -> bool:
    """Whether a living master always comes in time to keep addresses of this lifetime; 0, no lease, needs none."""
    return vip_lease == 0 or vip_lease > refresh_period(advert_int)
