# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can happen to a BFD session: the only way into `Session.handle`."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ..model.tracking import BfdInstance
from .packet import ControlPacket


@dataclass(frozen=True)
class Started:
    """The session is to run."""


@dataclass(frozen=True)
class Stopped:
    """The session is to end: the neighbor is told that it was on purpose."""


@dataclass(frozen=True)
class PacketReceived:
    """A valid control packet of this session arrived.

    Handing over the same object again for the same octets makes the usual case cheap.
    """

    packet: ControlPacket


@dataclass(frozen=True)
class DeadlineReached:
    """The instant that `Session.deadline` named has come; stale ones are no-ops."""


@dataclass(frozen=True)
class Reconfigured:
    """A reload brought other timers for the same session."""

    settings: BfdInstance


Event = t.Union[Started, Stopped, PacketReceived, DeadlineReached, Reconfigured]
