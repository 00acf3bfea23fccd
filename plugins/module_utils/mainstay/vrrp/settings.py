# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one virtual router needs to know of its configuration."""

from __future__ import annotations

from dataclasses import dataclass

from ..model.units import Duration


@dataclass(frozen=True)
class RouterSettings:
    """Settings of one router; the worker builds them from a VrrpInstance and the interface's address."""

    name: str
    virtual_router_id: int
    priority: int
    advert_int: Duration
    local_address: int
    """Primary IPv4 address of the interface as an unsigned integer: the tie-break of RFC 9568 6.4.3."""
    version: int = 3
    nopreempt: bool = False
