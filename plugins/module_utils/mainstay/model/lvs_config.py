# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Balanced services as the daemon runs them: frozen values. Durations are nanoseconds (see units)."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from .check_config import Check
from .commands import Command
from .units import Duration, seconds


@dataclass(frozen=True)
class SorryServer:
    """Takes the connections while quorum is lost. It is not checked."""

    address: str
    port: t.Optional[int] = None
    """None: the service's."""


@dataclass(frozen=True)
class RealServer:
    """One member of a pool."""

    address: str
    port: t.Optional[int] = None
    """None: the service's; of a service without one (fwmark, group) every port."""
    weight: t.Optional[int] = None
    """0..65535; 0 is drained: in the table, given no new connections. None: the service's."""
    lb_kind: t.Optional[str] = None
    """None: the service's, with its tunnel."""
    tun_type: t.Optional[str] = None
    tun_port: t.Optional[int] = None
    tun_checksum: t.Optional[str] = None
    uthreshold: int = 0
    """So many connections at most; 0: no limit."""
    lthreshold: int = 0
    """After the limit was reached new ones come only below this; 0: three quarters of uthreshold."""
    inhibit_on_failure: t.Optional[bool] = None
    """None: as the service says. So for all that follow."""
    alpha: t.Optional[bool] = None
    retry: t.Optional[int] = None
    delay_before_retry: t.Optional[Duration] = None
    delay_loop: t.Optional[Duration] = None
    connect_timeout: t.Optional[Duration] = None
    warmup: t.Optional[Duration] = None
    virtualhost: t.Optional[str] = None
    slow_start: t.Optional[Duration] = None
    smtp_alert: t.Optional[bool] = None
    """None: global_defs.smtp_alert_checker, then smtp_alert, then yes."""
    notify_up: t.Optional[Command] = None
    notify_down: t.Optional[Command] = None
    backup: bool = False
    """Checked like the others, but takes connections only while quorum is lost; before the sorry server."""
    checks: t.Tuple[Check, ...] = ()
    """Up when none of them has failed; empty: always up. In the file: check (one) or checks (a list)."""
    checks_listed: bool = field(default=False, compare=False)
    """The file says checks, also of a single one; only the paths of problems tell them apart."""


@dataclass(frozen=True)
class VirtualServer:
    """One balanced service: an address and port, a firewall mark or a group of such, and a pool."""

    name: str
    address: t.Optional[str] = None
    port: t.Optional[int] = None
    """0 is every port, with persistence; None without an address."""
    fwmark: t.Optional[int] = None
    """Instead of an address: what the packet filter has marked."""
    ip_family: t.Optional[str] = None
    """inet or inet6, of a fwmark; None: the real servers' family."""
    virtual_server_group: t.Optional[str] = None
    """Instead of an address."""
    protocol: t.Optional[str] = None
    """TCP, UDP or SCTP. Must be said with an address: keepalived's silent UDP is a trap."""
    lb_algo: str = "wlc"
    sh_port: bool = False
    sh_fallback: bool = False
    mh_port: bool = False
    mh_fallback: bool = False
    ops: bool = False
    """One-packet scheduling, UDP only."""
    lb_kind: str = "NAT"
    """NAT, DR or TUN."""
    masquerade: bool = False
    """The servers see the director as their client, so they need no route back through it. nftables only."""
    tun_type: str = "ipip"
    """ipip, gue or gre."""
    tun_port: t.Optional[int] = None
    """gue only, and required there."""
    tun_checksum: str = "nocsum"
    """nocsum, csum or remcsum (gue)."""
    nat_mask: t.Optional[int] = None
    """Does nothing, here as in keepalived."""
    persistence_timeout: Duration = 0
    """Whole seconds a client stays with its server; 0 = off."""
    persistence_granularity: t.Optional[int] = None
    """Prefix length: clients of one network stay together; None: each by itself."""
    persistence_engine: t.Optional[str] = None
    """sip."""
    delay_loop: Duration = seconds(6)
    """Period of the checks. keepalived's default is 60 s."""
    connect_timeout: t.Optional[Duration] = None
    retry: t.Optional[int] = None
    delay_before_retry: t.Optional[Duration] = None
    warmup: t.Optional[Duration] = None
    alpha: bool = False
    omega: bool = False
    """notify_down and quorum_down run when the daemon stops."""
    inhibit_on_failure: bool = False
    """A failed server keeps its entry at weight 0 instead of losing it."""
    quorum: int = 1
    """Live weight that is needed."""
    hysteresis: int = 0
    quorum_up: t.Optional[Command] = None
    quorum_down: t.Optional[Command] = None
    sorry_server: t.Optional[SorryServer] = None
    sorry_server_inhibit: bool = False
    """In the table at weight 0 while it is not needed."""
    sorry_server_lb_kind: t.Optional[str] = None
    ha_suspend: bool = False
    """No probes while the address is not on this machine."""
    virtualhost: t.Optional[str] = None
    weight: int = 1
    """Of real servers that do not say."""
    smtp_alert: t.Optional[bool] = None
    """Mail on a change of quorum; None: smtp_alert_checker, then smtp_alert, then no."""
    slow_start: Duration = 0
    """A server that comes back gets its weight step by step over this time."""
    pool_floor: int = 0
    """Percent of the configured weight that stays in service however many checks fail."""
    flap_damping: Duration = 0
    """Half-life of the penalty for going down; 0: none."""
    drain_timeout: Duration = seconds(300)
    """A server that leaves the configuration keeps its connections so long at most; 0: none of them."""
    real_servers: t.Tuple[RealServer, ...] = ()


@dataclass(frozen=True)
class GroupEntry:
    """An address or a range of them, or a firewall mark."""

    address: t.Optional[str] = None
    last_address: t.Optional[str] = None
    """End of the range, inclusive; None: one address."""
    port: int = 0
    last_port: t.Optional[int] = None
    fwmark: int = 0
    family: str = ""
    """inet or inet6 of a fwmark; "": the real servers'."""


@dataclass(frozen=True)
class VirtualServerGroup:
    """Several addresses, ranges and marks that one pool serves."""

    name: str
    entries: t.Tuple[GroupEntry, ...] = ()


@dataclass(frozen=True)
class LvsTimeouts:
    """Protocol timeouts of ip_vs for the whole network namespace; None: unchanged."""

    tcp: t.Optional[Duration] = None
    tcpfin: t.Optional[Duration] = None
    udp: t.Optional[Duration] = None
