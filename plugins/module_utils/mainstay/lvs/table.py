# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The forwarding table as a value: what the kernel holds, and what it should hold.

Both engines read into it and apply operations on it; keys are what identifies an entry in the kernel, so a
change of anything else is an edit, never a delete and add. Keys are tuples: they are hashed tens of thousands of times.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field


class ServiceKey(t.NamedTuple):
    """Identity of a virtual service: address, port and protocol, or a firewall mark."""

    protocol: str
    """TCP, UDP or SCTP; "" for a mark."""
    address: str
    """"" for a mark."""
    port: int
    """0: every port."""
    fwmark: int = 0
    family: str = ""
    """inet or inet6 of a mark; "" when the address tells."""

    @property
    def ipv6(self) -> bool:
        """Is this an IPv6 service?"""
        return ":" in self.address or self.family == "inet6"

    def __str__(self) -> str:
        if self.fwmark:
            return f"fwmark {self.fwmark}" + (" inet6" if self.ipv6 else "")
        return f"{self.protocol} {endpoint_text(self.address, self.port)}"


class DestinationKey(t.NamedTuple):
    """Identity of a real server inside its service."""

    address: str
    port: int
    """0: the port that the client asked for."""

    def __str__(self) -> str:
        return endpoint_text(self.address, self.port)


def endpoint_text(address: str, port: int) -> str:
    """For people: 192.0.2.21:80, [2001:db8::21]:80."""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


@dataclass(frozen=True)
class Tunnel:
    """How TUN wraps a packet."""

    kind: str = "ipip"
    """ipip, gue or gre."""
    port: int = 0
    """gue only."""
    checksum: str = "nocsum"
    """nocsum, csum or remcsum."""


@dataclass(frozen=True)
class Destination:
    """One real server as the kernel has it."""

    key: DestinationKey
    lb_kind: str
    """NAT, DR or TUN; LOCAL can only be read."""
    weight: int
    upper_threshold: int = 0
    """So many connections at most; 0: no limit."""
    lower_threshold: int = 0
    tunnel: t.Optional[Tunnel] = None
    """Of TUN only."""


@dataclass(frozen=True)
class Service:
    """One virtual service as the kernel has it, with its pool."""

    key: ServiceKey
    lb_algo: str
    persistence_timeout: int = 0
    """Whole seconds, the kernel's unit; 0 = off."""
    destinations: t.Mapping[DestinationKey, Destination] = field(default_factory=dict)
    persistence_granularity: t.Optional[int] = None
    """Prefix length; None: every client by itself (32 or 128)."""
    persistence_engine: str = ""
    flags: t.FrozenSet[str] = frozenset()
    """ops, masquerade (nftables), and of the scheduler fallback, port, flag-3 (ip_vs: SCHED1, SCHED2, SCHED3)."""


Table = t.Mapping[ServiceKey, Service]
