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
    """Tell the segment where the addresses live: gratuitous ARP for each (RFC 9568 6.4.1, 6.4.2)."""


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
    """Stable word: equal_address, address_list_mismatch, interval_capped, ..."""
    detail: str


Action = t.Union[SendAdvert, TakeAddresses, ReleaseAddresses, Announce, Transition, Alarm]
