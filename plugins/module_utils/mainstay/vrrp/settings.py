# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one virtual router needs to know of its configuration."""

from __future__ import annotations

from dataclasses import dataclass

from ..model.units import Duration, seconds


@dataclass(frozen=True)
class RouterSettings:
    """Settings of one router; the worker builds them from a VrrpInstance and the interface's address."""

    name: str
    virtual_router_id: int
    priority: int
    advert_int: Duration
    local_address: int
    """Source of our adverts as an unsigned integer, 32 bits or (link-local) 128: the tie-break of RFC 9568 6.4.3."""
    version: int = 3
    """2 or 3."""
    nopreempt: bool = False
    family: int = 4
    """4 or 6: of the adverts, so that addresses can be shown."""
    state: str = "BACKUP"
    """The hint MASTER shortens the first wait to one advert_int and the least skew; strict mode ignores it."""
    preempt_delay: Duration = 0
    """From the first lesser advert to taking over from its sender (FSM-23)."""
    down_timer_adverts: int = 3
    """Adverts that must be missing until a backup takes over."""
    lower_prio_no_advert: bool = False
    """A master does not answer a lesser advert at once (FSM-17)."""
    higher_prio_send_advert: bool = False
    """A master that yields sends one more advert first."""
    learn_interval_max: Duration = seconds(10)
    """Longest advert_int believed of a master (TMR-05); never less than our own."""
    strict: bool = False
    """No state hint: only an owner starts as master. That a strict owner hears nobody is the ladder's part (RX-10)."""
    in_group: bool = False
    """A member of a sync group asks with WantsMaster and waits for GroupPromotes."""
