# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of virtual routers and their groups."""

from __future__ import annotations

from .option import Option, boolean, integer, seconds, word
from .options_tracking import GROUP_NOTIFICATIONS, NOTIFICATIONS, TRACKING

_AS_GLOBAL = "without it as {} of global_defs."

_ELECTION = {
    "priority": integer("The highest becomes master. 255 is for the owner of the addresses alone.", 1, 255, 100),
    "state": word(
        "Hint for the start: MASTER waits for one advert_int only. The priorities decide all the same.",
        "MASTER",
        "BACKUP",
    ),
    "advert_int": seconds(
        "Time between two adverts; the same on all routers of the group. Version 3: up to 40.95; "
        "version 2: whole seconds.",
        0.01,
        255,
        1,
        0.01,
    ),
    "version": word("VRRP version; " + _AS_GLOBAL.format("vrrp_version") + " IPv6 is always 3.", 2, 3),
    "nopreempt": boolean("Coming back, do not take over from a master of lower priority."),
    "preempt_delay": seconds("So long a lesser master is left alone before it is taken over from.", 0, 1000, 0),
    "down_timer_adverts": integer(
        "So many adverts have to be missing until a backup takes over; " + _AS_GLOBAL.format("vrrp_down_timer_adverts"),
        1,
        100,
    ),
    "lower_prio_no_advert": boolean(
        "A master does not answer a lesser advert at once; " + _AS_GLOBAL.format("vrrp_lower_prio_no_advert"), None
    ),
    "higher_prio_send_advert": boolean(
        "A master that yields sends one more advert; " + _AS_GLOBAL.format("vrrp_higher_prio_send_advert"), None
    ),
    "learn_interval_max": seconds(
        "Longest advert_int that is believed of a master (version 3); without it ten times our own, at least 10 s.",
        0.01,
        40.95,
        None,
        0.01,
    ),
    "strict_mode": boolean("Only what the RFC allows; " + _AS_GLOBAL.format("vrrp_strict"), None),
    "dont_track_primary": boolean("Losing the carrier of the own interface is no FAULT."),
}

_PAYLOAD = {
    "virtual_ipaddress": Option(
        "virtual_addresses", "Addresses that follow mastership, all of one family. Needed unless no_virtual_ipaddress."
    ),
    "no_virtual_ipaddress": boolean("There may be no addresses: somebody else moves them, such as a notify script."),
    "virtual_ipaddress_excluded": Option(
        "many_addresses", "Addresses that follow mastership without being advertised, of either family."
    ),
    "virtual_routes": Option("routes", "Routes that follow mastership."),
    "virtual_rules": Option("rules", "Policy rules that follow mastership."),
    "accept": boolean(
        "A master that is not the owner answers on its addresses; without it yes, in strict mode no.", None
    ),
    "vip_lease": seconds(
        "Lifetime of the addresses in the kernel, refreshed while master. Without it the largest that is "
        "safe; 0 turns leasing off.",
        0,
        3600,
        None,
        1,
    ),
    "promote_secondaries": boolean("Removing one address of a subnet leaves the others (sets that sysctl)."),
    "use_vmac": boolean("The addresses live on a macvlan with the virtual router's MAC address."),
    "vmac_name": Option("interface", "Name of the macvlan; without it vrrp.51 or vrrp6.51 for virtual_router_id 51."),
    "vmac_xmit_base": boolean("Adverts leave through the interface, not the macvlan; always so with unicast_peer."),
}

_TRANSPORT = {
    "mcast_src_ip": Option("ip_address", "Source of multicast adverts; without it the interface's primary address."),
    "mcast_dst_ip": Option(
        "multicast", "Group that adverts go to; without it as vrrp_mcast_group4 or vrrp_mcast_group6 of global_defs."
    ),
    "unicast_src_ip": Option("ip_address", "Source of unicast adverts; without it the interface's primary address."),
    "unicast_peer": Option("unicast_peers", "The other routers: adverts go to each of them instead of to the group."),
    "unicast_ttl": integer("TTL or hop limit of unicast adverts.", 1, 255, 255),
    "check_unicast_src": boolean("Unicast adverts are only believed from a unicast_peer.", True),
    "skip_check_adv_addr": boolean(
        "The addresses of an advert are not compared with ours; "
        + _AS_GLOBAL.format("vrrp_skip_check_adv_addr"),
        None,
    ),
    "v3_checksum": word(
        "Checksum of version 3 over IPv4: with pseudo-header (rfc5798), without (rfc9568), or as the peer (auto).",
        "auto",
        "rfc5798",
        "rfc9568",
        default="auto",
    ),
    "authentication": Option("authentication", "Simple password (version 2): a guard against mistakes, not people."),
    "auth_hmac": Option("auth_hmac", "Adverts are signed with a shared key, as keepalived 2.4.2 and later do."),
}

_ANNOUNCEMENTS = {
    "garp_master_delay": seconds(
        "Second burst of gratuitous ARP so long after becoming master, 0 = none; "
        + _AS_GLOBAL.format("vrrp_garp_master_delay"),
        0,
        3600,
        None,
    ),
    "garp_master_repeat": integer(
        "Gratuitous ARPs per address in one burst; " + _AS_GLOBAL.format("vrrp_garp_master_repeat"), 1, 100
    ),
    "garp_master_refresh": seconds(
        "Period of gratuitous ARP while master, 0 = off; " + _AS_GLOBAL.format("vrrp_garp_master_refresh"),
        0,
        86400,
        None,
    ),
    "garp_master_refresh_repeat": integer(
        "Gratuitous ARPs per address at each refresh; " + _AS_GLOBAL.format("vrrp_garp_master_refresh_repeat"), 1, 100
    ),
    "garp_lower_prio_delay": seconds(
        "Second burst so long after a lesser master was heard, 0 = none; "
        + _AS_GLOBAL.format("vrrp_garp_lower_prio_delay"),
        0,
        3600,
        None,
    ),
    "garp_lower_prio_repeat": integer(
        "Gratuitous ARPs per address after a lesser master was heard; "
        + _AS_GLOBAL.format("vrrp_garp_lower_prio_repeat"),
        0,
        100,
    ),
}

VRRP_INSTANCE = {
    "interface": Option("interface", "Interface that adverts are sent on.", required=True),
    "virtual_router_id": integer("Number of the virtual router, the same on all its routers.", 1, 255, required=True),
    **_PAYLOAD,
    **_ELECTION,
    **_TRANSPORT,
    **_ANNOUNCEMENTS,
    **TRACKING,
    **NOTIFICATIONS,
}

VRRP_SYNC_GROUP = {
    "group": Option("names", "Names of the instances that are master together or not at all.", required=True),
    "sync_group_tracking_weight": boolean("Members may track with weights of their own."),
    **TRACKING,
    **GROUP_NOTIFICATIONS,
}

VIRTUAL_ADDRESS = {
    "address": Option("prefixed_address", "The address; without a prefix length /32, IPv6 /128.", required=True),
    "dev": Option("interface", "Interface that carries it; without it the instance's own."),
    "label": Option("label", "IPv4 alias label, such as eth0:1."),
    "brd": Option("broadcast", "IPv4 broadcast address; without it none."),
    "scope": Option("scope", "Scope of an IPv4 address; without it global."),
    "preferred_lft": Option(
        "lifetime", "So long it may be chosen as a source, in seconds; without it for ever, but 0 for an IPv6 /128."
    ),
}

UNICAST_PEER = {
    "address": Option("ip_address", "Address of the other router.", required=True),
    "min_ttl": integer("Adverts of a lower TTL or hop limit are discarded.", 0, 255),
    "max_ttl": integer("Adverts of a higher TTL or hop limit are discarded.", 0, 255),
}

AUTHENTICATION = {
    "auth_type": word("Kind of authentication.", "PASS", required=True),
    "auth_pass": Option("password", "The password, which travels in clear text.", required=True, secret=True),
}

AUTH_HMAC = {
    "keys": Option("hmac_keys", "Keys that are accepted; several while one is replaced.", required=True),
    "active_key": integer("Id of the key that signs.", 1, 255, required=True),
    "mode": word(
        "enforce: only signed adverts count; permissive: unsigned ones too; receive-only: as permissive, "
        "and ours are not signed yet.",
        "enforce",
        "permissive",
        "receive-only",
        default="enforce",
    ),
    "anti_replay": word(
        "What is fresh: within time_window (time), or newer than the last one (monotonic).",
        "time",
        "monotonic",
        default="time",
    ),
    "time_window": seconds(
        "Clocks may differ by so much; without it three times advert_int, at least 5 s.", 1, 300, None
    ),
}

HMAC_KEY = {
    "id": integer("Number of the key, the same on all routers.", 1, 255, required=True),
    "key": Option("key_text", "The key.", required=True, secret=True),
}

GARP_GROUP = {
    "interfaces": Option("interfaces", "Interfaces behind one switch.", required=True),
    "garp_interval": seconds("Least gap between two gratuitous ARPs on all of them; 0 = none.", 0, 10, 0),
    "gna_interval": seconds("Least gap between two unsolicited neighbour advertisements; 0 = none.", 0, 10, 0),
}
