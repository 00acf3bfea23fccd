# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can happen to a virtual router: the only way into `Router.handle`."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ..model.units import Instant
from .advert import Advert
from .settings import RouterSettings


@dataclass(frozen=True)
class Started:
    """The router is to run."""

    adopt: bool = False
    """The kernel still holds our addresses under an unexpired lease, so no peer can have taken over: go on as
    master. For a member of a sync group: and so do all other members hold theirs."""
    hold_until: t.Optional[Instant] = None
    """vrrp_startup_delay: until then adverts are ignored and no timer of the protocol runs. Adoption needs no hold."""


@dataclass(frozen=True)
class Stopped:
    """The router is to end: release mastership if held."""


@dataclass(frozen=True)
class AdvertReceived:
    """A valid advertisement for this virtual router arrived."""

    advert: Advert
    source: int
    """Sender's address as an unsigned integer in network order: 32 bits, for IPv6 128."""
    outranks: bool = False
    """It sends from our own address, and what decides between two equal ones instead decides for it: its MAC."""


@dataclass(frozen=True)
class DeadlineReached:
    """The instant that `Router.deadline` named has come; stale ones are no-ops."""


@dataclass(frozen=True)
class Influence:
    """One tracker's part in the effective priority."""

    name: str
    """Of the tracked object: chk_web, eth1."""
    change: int
    """What it adds, seldom 0."""
    since: Instant = 0
    """When its result became what it is."""


@dataclass(frozen=True)
class PriorityChanged:
    """Tracking moved the effective priority (1..254; owners never change)."""

    effective_priority: int
    why: t.Tuple[Influence, ...] = ()


@dataclass(frozen=True)
class FaultsChanged:
    """All reasons for FAULT other than the link and the sync group; () when none is left."""

    causes: t.Tuple[str, ...] = ()
    """For people: "script chk_web failed: exit status 1"."""


@dataclass(frozen=True)
class DemotionChanged:
    """An operator took this router out of the election, or put it back: demoted it counts as priority 1 (owner or
    not) and never preempts; a master resigns."""

    demoted: bool


@dataclass(frozen=True)
class GroupPromotes:
    """Every member of the sync group wants to be master: be it."""


@dataclass(frozen=True)
class GroupYields:
    """Another member of the sync group is master no more: resign with priority 0."""

    reason: str


@dataclass(frozen=True)
class GroupFaultChanged:
    """Another member of the sync group is in FAULT; "" when none is any more."""

    cause: str = ""


@dataclass(frozen=True)
class GroupReasserts:
    """Another member of the sync group, master like us, heard a lesser master: advertise and announce too."""


@dataclass(frozen=True)
class LinkChanged:
    """The interface went up (with a usable source address) or down."""

    up: bool
    cause: str = ""
    """For people: "carrier lost on eth0", "no IPv4 address on eth0"."""


@dataclass(frozen=True)
class Reconfigured:
    """A reload brought new settings for the same virtual router."""

    settings: RouterSettings
    tracked: t.Optional[PriorityChanged] = None
    """What tracking makes of the new priority: no advert may leave without it. None: as before."""


Event = t.Union[
    Started,
    Stopped,
    AdvertReceived,
    DeadlineReached,
    PriorityChanged,
    FaultsChanged,
    DemotionChanged,
    LinkChanged,
    Reconfigured,
    GroupPromotes,
    GroupYields,
    GroupFaultChanged,
    GroupReasserts,
]
