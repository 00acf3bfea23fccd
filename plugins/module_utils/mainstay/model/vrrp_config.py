# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Virtual routers and their groups as the daemon runs them: frozen values, already validated."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .commands import Command
from .routing import Route, Rule
from .tracking import TrackReference
from .units import Duration, seconds

OWNER = 255
"""Priority of the router that has the addresses for its own."""


@dataclass(frozen=True)
class VirtualAddress:
    """One address that follows mastership, or one that is always there."""

    address: str
    prefix_length: int = 32
    """128 for an IPv6 address given without one."""
    dev: t.Optional[str] = None
    """Interface that carries it; None means the instance's own."""
    label: t.Optional[str] = None
    """IPv4 alias label, at most 15 characters."""
    brd: t.Optional[str] = None
    """IPv4 broadcast address; "+" sets the host bits, "-" clears them; None is no broadcast address."""
    scope: t.Optional[str] = None
    """global, site, link, host or a number; None is global."""
    preferred_lft: t.Optional[Duration] = None
    """Whole seconds that it may be chosen as a source; None: for ever, but 0 for an IPv6 /128."""


@dataclass(frozen=True)
class UnicastPeer:
    """Another router of the group that gets our adverts one by one."""

    address: str
    min_ttl: t.Optional[int] = None
    """0..255: hop limits outside of min_ttl..max_ttl are discarded."""
    max_ttl: t.Optional[int] = None


@dataclass(frozen=True)
class Authentication:
    """Simple password of RFC 2338 (VRRP version 2): a guard against mistakes, not against people."""

    auth_type: str
    """PASS."""
    auth_pass: str
    """1 to 8 ASCII characters. Never logged, never shown."""


@dataclass(frozen=True)
class HmacKey:
    """One shared key of auth_hmac."""

    key_id: int
    """1..255."""
    secret: bytes
    """32 to 64 bytes. Never logged, never shown."""
    file: t.Optional[str] = None
    """Path of the file that holds it, as long as nobody has read that: then the secret is empty."""


@dataclass(frozen=True)
class HmacAuthentication:
    """Signed adverts, as keepalived 2.4.2 and later sign them."""

    keys: t.Tuple[HmacKey, ...]
    active_key: int
    """The key that signs."""
    mode: str = "enforce"
    """enforce, permissive (unsigned adverts pass too) or receive-only (we do not sign yet)."""
    anti_replay: str = "time"
    """time (fresh within time_window) or monotonic (only growing numbers)."""
    time_window: t.Optional[Duration] = None
    """1..300 s; None: three adverts, but at least 5 s."""


@dataclass(frozen=True)
class Tracking:
    """What an instance or a group tracks."""

    track_interface: t.Tuple[TrackReference, ...] = ()
    track_script: t.Tuple[TrackReference, ...] = ()
    track_file: t.Tuple[TrackReference, ...] = ()
    track_process: t.Tuple[TrackReference, ...] = ()
    track_bfd: t.Tuple[TrackReference, ...] = ()


@dataclass(frozen=True)
class Notifications:
    """Whom an instance or a group tells."""

    notify_master: t.Optional[Command] = None
    notify_backup: t.Optional[Command] = None
    notify_fault: t.Optional[Command] = None
    notify_stop: t.Optional[Command] = None
    notify: t.Optional[Command] = None
    """Run at every transition with INSTANCE or GROUP, name, state and priority as further arguments."""
    notify_deleted: t.Optional[Command] = None
    """Instances only: run when a reload drops the instance."""
    notify_master_rx_lower_pri: t.Optional[Command] = None
    """Instances only: run when a master hears a lesser one."""
    notify_priority_changes: t.Optional[bool] = None
    """MASTER_PRIORITY and BACKUP_PRIORITY lines on the FIFOs; None: as global_defs."""
    smtp_alert: t.Optional[bool] = None
    """Mail at transitions; None: as global_defs."""


@dataclass(frozen=True)
class VrrpInstance:
    """One virtual router on one interface (RFC 9568, RFC 3768).

    Where the default is None, global_defs or the version decides; `defaults.resolved` fills those in.
    """

    name: str
    interface: str
    virtual_router_id: int
    """1..255, no default."""
    virtual_ipaddress: t.Tuple[VirtualAddress, ...] = ()
    """Advertised. All of one family, which is that of the adverts."""
    no_virtual_ipaddress: bool = False
    """The instance may be without addresses (clouds, where a notify script moves them); its adverts are IPv4."""
    virtual_ipaddress_excluded: t.Tuple[VirtualAddress, ...] = ()
    """Follow mastership without being advertised; either family."""
    virtual_routes: t.Tuple[Route, ...] = ()
    virtual_rules: t.Tuple[Rule, ...] = ()
    priority: int = 100
    """1..254, or 255 for the owner of the addresses.

    Never 255 by accident, unlike keepalived with state MASTER.
    """
    state: t.Optional[str] = None
    """MASTER or BACKUP: a hint. MASTER waits for one advert_int instead of three when it starts."""
    advert_int: Duration = seconds(1)
    """0.01..40.95 s in steps of 10 ms; version 2: whole seconds, 1..255."""
    version: t.Optional[int] = None
    """2 or 3; None: as global_defs.vrrp_version, IPv6 is always 3. keepalived's default is 2."""
    nopreempt: bool = False
    preempt_delay: Duration = 0
    """0..1000 s between the first lesser advert and taking over from its sender."""
    accept: t.Optional[bool] = None
    """Whether a master that is not the owner answers on its addresses; None: yes, in strict mode no."""
    strict_mode: t.Optional[bool] = None
    skip_check_adv_addr: t.Optional[bool] = None
    dont_track_primary: bool = False
    """Losing the carrier of the own interface is no FAULT."""
    use_vmac: bool = False
    """The addresses live on a macvlan with the virtual router's MAC address (RFC 9568 section 7.3)."""
    vmac_name: t.Optional[str] = None
    """Its name; None: vrrp.VRID, vrrp6.VRID for IPv6."""
    vmac_xmit_base: bool = False
    """Adverts leave through the interface itself, not through the macvlan."""
    mcast_src_ip: t.Optional[str] = None
    mcast_dst_ip: t.Optional[str] = None
    """None: as global_defs.vrrp_mcast_group4 or vrrp_mcast_group6."""
    unicast_src_ip: t.Optional[str] = None
    unicast_peer: t.Tuple[UnicastPeer, ...] = ()
    """Adverts go to these instead of to the group; empty is multicast."""
    unicast_ttl: int = 255
    check_unicast_src: bool = True
    """Adverts must come from a unicast_peer. keepalived does not look by default."""
    v3_checksum: str = "auto"
    """IPv4, version 3: rfc5798 (pseudo-header), rfc9568 (message alone) or auto (rfc5798 until a peer differs)."""
    authentication: t.Optional[Authentication] = None
    auth_hmac: t.Optional[HmacAuthentication] = None
    learn_interval_max: t.Optional[Duration] = None
    """Longest advert_int believed of a master (version 3); None: ten times our own, at least 10 s."""
    down_timer_adverts: t.Optional[int] = None
    """Adverts that must be missing until a backup takes over."""
    lower_prio_no_advert: t.Optional[bool] = None
    """A master does not answer a lesser advert at once."""
    higher_prio_send_advert: t.Optional[bool] = None
    """A master that yields sends one more advert, so that the winner announces itself again."""
    vip_lease: t.Optional[Duration] = None
    """Lifetime of the addresses in the kernel, whole seconds; None: the largest safe one; 0: no leasing."""
    promote_secondaries: bool = False
    """Set that sysctl, so that removing one address of a subnet leaves the others."""
    garp_master_delay: t.Optional[Duration] = None
    """Second burst of gratuitous ARP this long after becoming master; 0 = none."""
    garp_master_repeat: t.Optional[int] = None
    garp_master_refresh: t.Optional[Duration] = None
    """Period of gratuitous ARP while master; 0 = off."""
    garp_master_refresh_repeat: t.Optional[int] = None
    garp_lower_prio_delay: t.Optional[Duration] = None
    garp_lower_prio_repeat: t.Optional[int] = None
    tracking: Tracking = Tracking()
    """In the file its lists stand directly in the instance."""
    notifications: Notifications = Notifications()
    """In the file its keys stand directly in the instance."""

    @property
    def family(self) -> int:
        """4 or 6: of the adverts and of virtual_ipaddress."""
        first = self.virtual_ipaddress[0].address if self.virtual_ipaddress else ""
        return 6 if ":" in first else 4

    @property
    def carrier(self) -> str:
        """The device that its addresses live on: the macvlan with use_vmac, else the interface."""
        if not self.use_vmac:
            return self.interface
        return self.vmac_name or f"{'vrrp6' if self.family == 6 else 'vrrp'}.{self.virtual_router_id}"

    def device_of(self, virtual: VirtualAddress) -> str:
        """Where one of its addresses lives: one with a dev of its own, another interface than ours, lives there."""
        return self.carrier if virtual.dev in (None, self.interface) else virtual.dev or ""

    @property
    def guarded(self) -> bool:
        """As master it must not accept what is addressed to its addresses (Accept_Mode False)."""
        return self.accept is False and self.priority != OWNER


@dataclass(frozen=True)
class VrrpSyncGroup:
    """Instances that are master together or not at all."""

    name: str
    group: t.Tuple[str, ...]
    """Names of its instances; one instance is in one group at most."""
    sync_group_tracking_weight: bool = False
    """Members may have trackers with weights of their own (also spelled global_tracking)."""
    tracking: Tracking = Tracking()
    """Applies to every member."""
    notifications: Notifications = Notifications()
