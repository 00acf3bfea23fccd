# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What no correct segment shows: two masters that stay, two owners, one address twice.

Routers of two versions never get here: they discard each other's adverts (receive.alarm_about, INT-06).
"""

from __future__ import annotations

import typing as t
from ipaddress import IPv4Address, IPv6Address

from ..model.units import Duration, Instant, as_seconds
from .actions import Alarm

_TWO_MASTERS_AFTER = 3
"""Own adverts that a lesser master has ignored until it is an alarm. A healed split ends with the first."""

_USURPED_AFTER = (16, 5)
"""Intervals, as a fraction, that a second owner may go on: two adverts of ours, and 1.2 intervals for its answer."""


def address_text(number: int, family: int) -> str:
    """An address from a packet as people write it."""
    return str(IPv6Address(number) if family == 6 else IPv4Address(number))


class RivalWatch:
    """How long a master has been hearing another one that ought to have yielded."""

    def __init__(self) -> None:
        self._since: t.Optional[Instant] = None
        self._last: Instant = 0
        self._advert_int: Duration = 0

    def hear(self, now: Instant, advert_int: Duration, patience: Duration) -> None:
        """An advert of a rival; after a silence longer than `patience` it counts as a new one."""
        if self._since is None or now - self._last > patience:
            self._since = now
        self._last = now
        self._advert_int = advert_int

    def forget(self) -> None:
        """We are master no more, or not yet."""
        self._since = None

    @property
    def heard_for(self) -> Duration:
        return 0 if self._since is None else self._last - self._since

    @property
    def stays(self) -> bool:
        """Two masters, and not for a moment."""
        return self._since is not None and self.heard_for >= _TWO_MASTERS_AFTER * self._advert_int

    @property
    def usurps(self) -> bool:
        """A second owner that will not yield to us (FSM-22)."""
        return self._since is not None and _USURPED_AFTER[1] * self.heard_for >= _USURPED_AFTER[0] * self._advert_int


def two_masters(sender: str, priority: int, ours: int, heard_for: Duration) -> Alarm:
    """The other one does not hear us: a one-way path, a filter, another authentication or interval."""
    compared = f"priority {priority} against our {ours}"
    remedy = "it does not hear our adverts: look for a filter, a one-way path, or settings that differ"
    return Alarm("two_masters", f"{sender} has been master too for {as_seconds(heard_for):.1f} s, {compared}: {remedy}")


def two_owners(sender: str) -> Alarm:
    """FSM-22, OWN-08."""
    return Alarm("two_owners", f"{sender} claims priority 255 too: only one router owns the addresses")


def equal_address(sender: str) -> Alarm:
    """FSM-19."""
    return Alarm("equal_address", f"{sender} is our own address: another machine uses it too")


def interval_capped(sender: str, said: Duration, counted: Duration) -> Alarm:
    """TMR-05."""
    spans = f"advert_int {as_seconds(said):g} s, counted as {as_seconds(counted):g} s"
    return Alarm("interval_capped", f"an advert of {sender} says {spans}: set the same on all routers")
