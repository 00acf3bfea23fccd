# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a virtual router wants done: the only way out of `Router.handle`. Order matters and is kept."""

from __future__ import annotations

import enum
import typing as t
from dataclasses import dataclass


class State(str, enum.Enum):
    """RFC 9568 section 6.4 in the words keepalived's users see; FAULT is keepalived's own."""

    INIT = "INIT"
    BACKUP = "BACKUP"
    MASTER = "MASTER"
    FAULT = "FAULT"


@dataclass(frozen=True)
class SendAdvert:
    """Transmit one advertisement now, with this priority and the current settings."""

    priority: int


@dataclass(frozen=True)
class TakeAddresses:
    """Install the virtual addresses (idempotent)."""


@dataclass(frozen=True)
class ReleaseAddresses:
    """Withdraw the virtual addresses (idempotent)."""


@dataclass(frozen=True)
class Announce:
    """Tell the segment where the addresses live: gratuitous ARP or NA for each (RFC 9568 6.4.1, 6.4.2)."""

    against_lesser: bool = False
    """Because a lesser master was heard: garp_lower_prio_repeat and garp_lower_prio_delay count, not garp_master_*."""


@dataclass(frozen=True)
class Transition:
    """The state changed; `reason` is a sentence for a tired operator."""

    before: State
    after: State
    reason: str


@dataclass(frozen=True)
class Alarm:
    """Something an operator must hear of that changed no state."""

    kind: str
    """Stable word: equal_address, two_owners, two_masters, other_version, interval_capped, stalled, ..."""
    detail: str


@dataclass(frozen=True)
class WantsMaster:
    """A member of a sync group would be master now; it stays BACKUP until GroupPromotes.

    `Router.wants_master` says so as long as it holds; it ends with the next advert of a master to follow.
    """


@dataclass(frozen=True)
class LesserMasterHeard:
    """We are master and a router that must yield to us advertises too; once for each wake-up."""

    source: int
    """Its address as an unsigned integer."""


@dataclass(frozen=True)
class PriorityMoved:
    """The effective priority of a MASTER or BACKUP is another now (tracking, demotion, a second owner)."""

    effective_priority: int


Action = t.Union[
    SendAdvert,
    TakeAddresses,
    ReleaseAddresses,
    Announce,
    Transition,
    Alarm,
    WantsMaster,
    LesserMasterHeard,
    PriorityMoved,
]
