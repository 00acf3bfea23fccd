# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The forwarding table as a value: what the kernel holds, and what it should hold.

Both engines read into it and apply operations on it; keys are what identifies an entry in the kernel, so a
change of anything else is an edit, never a delete and add.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field


@dataclass(frozen=True, order=True)
class ServiceKey:
    """Identity of a virtual service."""

    protocol: str
    """TCP or UDP."""
    address: str
    port: int

    def __str__(self) -> str:
        return f"{self.protocol} {self.address}:{self.port}"


@dataclass(frozen=True, order=True)
class DestinationKey:
    """Identity of a real server inside its service."""

    address: str
    port: int

    def __str__(self) -> str:
        return f"{self.address}:{self.port}"


@dataclass(frozen=True)
class Destination:
    """One real server as the kernel has it."""

    key: DestinationKey
    lb_kind: str
    """NAT or DR."""
    weight: int


@dataclass(frozen=True)
class Service:
    """One virtual service as the kernel has it, with its pool."""

    key: ServiceKey
    lb_algo: str
    persistence_timeout: int = 0
    """Whole seconds, the kernel's unit; 0 = off."""
    destinations: t.Mapping[DestinationKey, Destination] = field(default_factory=dict)


Table = t.Mapping[ServiceKey, Service]
