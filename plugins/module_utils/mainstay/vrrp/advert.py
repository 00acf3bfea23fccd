# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The VRRP advertisement as a value (RFC 9568 section 5)."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ..model.units import Duration


@dataclass(frozen=True)
class Advert:
    """One ADVERTISEMENT message, independent of its bytes."""

    version: int
    virtual_router_id: int
    priority: int
    """0 releases mastership, 255 is the owner."""
    advert_int: Duration
    """Nanoseconds; on the wire centiseconds (v3)."""
    addresses: t.Tuple[str, ...]
    """In the configured order."""
