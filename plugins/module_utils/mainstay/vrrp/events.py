# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can happen to a virtual router: the only way into `Router.handle`."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .advert import Advert
from .settings import RouterSettings


@dataclass(frozen=True)
class Started:
    """The router is to run."""

    adopt: bool = False
    """The kernel still holds our addresses under an unexpired lease, so no peer can have taken over: go on as
    master."""


@dataclass(frozen=True)
class Stopped:
    """The router is to end: release mastership if held."""


@dataclass(frozen=True)
class AdvertReceived:
    """A valid advertisement for this virtual router arrived."""

    advert: Advert
    source: int
    """Sender's IPv4 address as an unsigned integer in network order."""


@dataclass(frozen=True)
class DeadlineReached:
    """The instant that `Router.deadline` named has come; stale ones are no-ops."""


@dataclass(frozen=True)
class PriorityChanged:
    """Tracking moved the effective priority (1..254; owners never change)."""

    effective_priority: int


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


Event = t.Union[Started, Stopped, AdvertReceived, DeadlineReached, PriorityChanged, LinkChanged, Reconfigured]
