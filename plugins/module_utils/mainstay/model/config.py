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

from .check_config import Check, HttpCheck, TcpCheck
from .commands import Command
from .lvs_config import LvsTimeouts, RealServer, VirtualServer, VirtualServerGroup
from .routing import Route, Rule
from .tracking import BfdInstance, TrackFile, VrrpScript, VrrpTrackProcess
from .units import Duration, seconds
from .vrrp_config import VirtualAddress, VrrpInstance, VrrpSyncGroup


@dataclass(frozen=True)
class LvsSyncDaemon:
    """The kernel's connection synchronisation (ip_vs)."""

    interface: str
    inst: t.Optional[str] = None
    """vrrp_instance whose state it follows: master sends, backup receives; None: both at once, always."""
    syncid: t.Optional[int] = None
    """0..255; None: the instance's virtual_router_id, without an instance 0."""
    maxlen: t.Optional[int] = None
    """1..65507 bytes of one message; None: as the kernel chooses."""
    port: int = 8848
    ttl: int = 1
    group: t.Optional[str] = None
    """Multicast group; None: 224.0.0.81."""


@dataclass(frozen=True)
class GlobalDefs:
    """Daemon-wide settings, and what holds for instances that do not say otherwise."""

    router_id: str = ""
    """Label of this machine in status, logs and mails; empty means the host name."""
    data_plane: str = "ipvs"
    """Engine that forwards: ipvs or nftables. Never chosen silently."""
    default_interface: t.Optional[str] = None
    """For static addresses without dev."""
    notification_email: t.Tuple[str, ...] = ()
    notification_email_from: t.Optional[str] = None
    """None: mainstay@ and the host name."""
    smtp_server: t.Optional[str] = None
    """Host name or address; None: no mail is sent."""
    smtp_port: int = 25
    smtp_helo_name: t.Optional[str] = None
    smtp_connect_timeout: Duration = seconds(30)
    smtp_starttls: bool = False
    """Refuse to go on without TLS, verify the server."""
    smtp_username: t.Optional[str] = None
    smtp_password_file: t.Optional[str] = None
    """A file that only root and mainstay can read; its first line is the password."""
    smtp_alert: t.Optional[bool] = None
    smtp_alert_vrrp: t.Optional[bool] = None
    no_email_faults: bool = False
    script_user: t.Optional[str] = None
    """Who runs scripts; None: the user mainstay. root has to be said."""
    notify_fifo: t.Optional[str] = None
    notify_fifo_script: t.Optional[Command] = None
    vrrp_notify_fifo: t.Optional[str] = None
    vrrp_notify_fifo_script: t.Optional[Command] = None
    fifo_write_vrrp_states_on_reload: bool = False
    startup_script: t.Optional[Command] = None
    startup_script_timeout: Duration = seconds(10)
    shutdown_script: t.Optional[Command] = None
    shutdown_script_timeout: Duration = seconds(10)
    lvs_sync_daemon: t.Optional[LvsSyncDaemon] = None
    lvs_timeouts: t.Optional[LvsTimeouts] = None
    """Set while the daemon runs, put back when it stops."""
    lvs_flush: bool = False
    """Remove what others have in ip_vs at the start."""
    lvs_flush_on_stop: str = "ours"
    """ours, or all: what is removed when the daemon stops."""
    lvs_notify_fifo: t.Optional[str] = None
    lvs_notify_fifo_script: t.Optional[Command] = None
    smtp_alert_checker: t.Optional[bool] = None
    checker_log_all_failures: bool = False
    maintenance_directory: t.Optional[str] = None
    """A file here named SERVICE or SERVICE@ADDRESS:PORT or ADDRESS puts servers into maintenance."""
    vrrp_version: int = 3
    """keepalived's default is 2."""
    vrrp_mcast_group4: str = "224.0.0.18"
    vrrp_mcast_group6: str = "ff02::12"
    vrrp_strict: bool = False
    vrrp_skip_check_adv_addr: bool = False
    vrrp_startup_delay: Duration = 0
    """Every instance holds still so long after the start of the daemon."""
    vrrp_delay_after_boot: Duration = 0
    """As above, counted from the boot of the machine; the later of the two ends counts."""
    vrrp_down_timer_adverts: int = 3
    vrrp_lower_prio_no_advert: bool = False
    vrrp_higher_prio_send_advert: bool = True
    """keepalived's default is no: then nobody corrects the neighbours after a split has healed."""
    vrrp_notify_priority_changes: bool = False
    vrrp_garp_master_delay: Duration = seconds(5)
    vrrp_garp_master_repeat: int = 5
    vrrp_garp_master_refresh: Duration = 0
    vrrp_garp_master_refresh_repeat: int = 1
    vrrp_garp_lower_prio_delay: t.Optional[Duration] = None
    """None: as garp_master_delay."""
    vrrp_garp_lower_prio_repeat: t.Optional[int] = None
    """None: as garp_master_repeat."""
    vrrp_garp_interval: Duration = 0
    """Least gap between two gratuitous ARPs of one interface; 0 = none."""
    vrrp_gna_interval: Duration = 0
    vrrp_min_garp: bool = False
    """One announcement, no second burst."""


@dataclass(frozen=True)
class GarpGroup:
    """Interfaces behind one switch, which announcements are paced for together."""

    name: str
    interfaces: t.Tuple[str, ...]
    garp_interval: Duration = 0
    gna_interval: Duration = 0


@dataclass(frozen=True)
class Config:
    """Everything the daemon runs."""

    global_defs: GlobalDefs = field(default_factory=GlobalDefs)
    static_ipaddress: t.Tuple[VirtualAddress, ...] = ()
    static_routes: t.Tuple[Route, ...] = ()
    static_rules: t.Tuple[Rule, ...] = ()
    garp_groups: t.Mapping[str, GarpGroup] = field(default_factory=dict)
    vrrp_scripts: t.Mapping[str, VrrpScript] = field(default_factory=dict)
    track_files: t.Mapping[str, TrackFile] = field(default_factory=dict)
    vrrp_track_processes: t.Mapping[str, VrrpTrackProcess] = field(default_factory=dict)
    bfd_instances: t.Mapping[str, BfdInstance] = field(default_factory=dict)
    vrrp_sync_groups: t.Mapping[str, VrrpSyncGroup] = field(default_factory=dict)
    vrrp_instances: t.Mapping[str, VrrpInstance] = field(default_factory=dict)
    virtual_server_groups: t.Mapping[str, VirtualServerGroup] = field(default_factory=dict)
    virtual_servers: t.Mapping[str, VirtualServer] = field(default_factory=dict)


__all__ = [
    "BfdInstance",
    "Check",
    "Command",
    "Config",
    "GarpGroup",
    "GlobalDefs",
    "HttpCheck",
    "LvsSyncDaemon",
    "LvsTimeouts",
    "RealServer",
    "Route",
    "Rule",
    "TcpCheck",
    "TrackFile",
    "VirtualAddress",
    "VirtualServer",
    "VirtualServerGroup",
    "VrrpInstance",
    "VrrpScript",
    "VrrpSyncGroup",
    "VrrpTrackProcess",
]
