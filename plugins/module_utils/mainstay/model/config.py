# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The configuration as the daemon runs it: frozen values, already validated.

Names are keepalived's keywords. Durations are nanoseconds (see units), addresses are canonical text. Where
a default differs from keepalived's, the line says so; each such default is a trap of keepalived's own.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from .units import Duration, seconds


@dataclass(frozen=True)
class GlobalDefs:
    """Daemon-wide settings."""

    router_id: str = ""
    """Label of this machine in status and logs; empty means the host name."""
    data_plane: str = "ipvs"
    """Engine that forwards: ipvs or nftables. Never chosen silently."""


@dataclass(frozen=True)
class VirtualAddress:
    """One address that follows mastership."""

    address: str
    prefix_length: int = 32
    dev: t.Optional[str] = None
    """Interface that carries it; None means the instance's own."""
    label: t.Optional[str] = None
    """IPv4 alias label, at most 15 characters."""


@dataclass(frozen=True)
class VrrpInstance:
    """One virtual router on one interface (RFC 9568)."""

    name: str
    interface: str
    virtual_router_id: int
    """1..255, no default."""
    virtual_ipaddress: t.Tuple[VirtualAddress, ...]
    priority: int = 100
    """1..254, or 255 for the owner of the addresses.

    Never 255 by accident, unlike keepalived with state MASTER.
    """
    advert_int: Duration = seconds(1)
    """0.01..40.95 s in steps of 10 ms."""
    version: int = 3
    """keepalived's default is 2."""
    nopreempt: bool = False
    vip_lease: t.Optional[Duration] = None
    """Lifetime of the addresses in the kernel, whole seconds; None: the largest safe one; 0: no leasing."""
    garp_master_delay: Duration = seconds(5)
    """Second burst of gratuitous ARP this long after becoming master; 0 = none."""
    garp_master_repeat: int = 5
    garp_master_refresh: Duration = 0
    """Period of gratuitous ARP while master; 0 = off."""
    garp_master_refresh_repeat: int = 1


@dataclass(frozen=True)
class TcpCheck:
    """Connect; the server is up when the connection opens."""

    type: str = "tcp"
    connect_ip: t.Optional[str] = None
    connect_port: t.Optional[int] = None
    connect_timeout: Duration = seconds(5)
    """Deadline of the whole probe, connect included."""
    retry: int = 1
    """Further probes after a failed one before the server is taken out."""
    delay_before_retry: Duration = seconds(1)


@dataclass(frozen=True)
class HttpCheck:
    """GET one path; the server is up when the status code is an accepted one."""

    type: str = "http"
    connect_ip: t.Optional[str] = None
    connect_port: t.Optional[int] = None
    connect_timeout: Duration = seconds(5)
    retry: int = 1
    delay_before_retry: Duration = seconds(3)
    path: str = "/"
    status_code: t.Tuple[t.Tuple[int, int], ...] = ((200, 299),)
    """Accepted codes as inclusive ranges; a single code is a range of one."""
    virtualhost: t.Optional[str] = None
    """Host header; None means address:port."""
    http_protocol: str = "1.0"
    """1.0 or 1.1."""


Check = t.Union[TcpCheck, HttpCheck]


@dataclass(frozen=True)
class RealServer:
    """One member of a pool."""

    address: str
    port: int
    weight: int = 1
    """0..65535; 0 is drained: in the table, given no new connections."""
    inhibit_on_failure: t.Optional[bool] = None
    """None: as the service says."""
    check: t.Optional[Check] = None
    """None: always up."""


@dataclass(frozen=True)
class VirtualServer:
    """One balanced service: an address and port shared by a pool."""

    name: str
    address: str
    port: int
    protocol: str
    """TCP or UDP. Must be said: keepalived's silent UDP is a trap."""
    lb_algo: str = "wlc"
    lb_kind: str = "NAT"
    delay_loop: Duration = seconds(6)
    """Period of the checks. keepalived's default is 60 s."""
    persistence_timeout: Duration = 0
    """Whole seconds a client stays with its server; 0 = off."""
    inhibit_on_failure: bool = False
    """A failed server keeps its entry at weight 0 instead of losing it."""
    real_servers: t.Tuple[RealServer, ...] = ()


@dataclass(frozen=True)
class Config:
    """Everything the daemon runs."""

    global_defs: GlobalDefs = field(default_factory=GlobalDefs)
    vrrp_instances: t.Mapping[str, VrrpInstance] = field(default_factory=dict)
    virtual_servers: t.Mapping[str, VirtualServer] = field(default_factory=dict)
