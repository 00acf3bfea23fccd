# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of balanced services, their pools and groups."""

from __future__ import annotations

import typing as t

from .option import Option, boolean, integer, seconds, word

PORT = (1, 65535)
MARK = (1, 4294967295)

ALGORITHMS = ("rr", "wrr", "lc", "wlc", "lblc", "lblcr", "sh", "mh", "dh", "fo", "ovf", "sed", "nq", "twos")
KINDS = ("NAT", "DR", "TUN")
TUNNELS = ("ipip", "gue", "gre")
CHECKSUMS = ("nocsum", "csum", "remcsum")

_CHECKSUM = "Checksum of gue and gre; remcsum is for gue. gre0 of the role real_server takes nocsum only."

_A_DAY = 86400
_A_MONTH = 2678400

WHAT_IS_SERVED = {
    "address": Option("ip_address", "Address of the service; this, fwmark or virtual_server_group."),
    "port": integer("Port of the address, has to be said with it; 0: every port, with persistence only.", 0, 65535),
    "fwmark": integer("Serve what the packet filter has marked so, instead of an address.", *MARK),
    "ip_family": word("Family of a fwmark; without it that of the real servers.", "inet", "inet6"),
    "virtual_server_group": Option("name", "Serve all that this group lists, instead of an address."),
    "protocol": word("TCP, UDP or SCTP. Has to be said with an address or a group of such.", "TCP", "UDP", "SCTP"),
}

_BALANCING = {
    "lb_algo": word("How a server is chosen.", *ALGORITHMS, default="wlc"),
    "sh_port": boolean("lb_algo sh: the port of the client counts too."),
    "sh_fallback": boolean("lb_algo sh: a client of a server at weight 0 goes to another one."),
    "mh_port": boolean("lb_algo mh: the port of the client counts too."),
    "mh_fallback": boolean("lb_algo mh: a client of a server at weight 0 goes to another one."),
    "ops": boolean("One-packet scheduling: each datagram by itself. UDP only."),
    "lb_kind": word("How packets reach the server.", *KINDS, default="NAT"),
    "masquerade": boolean("Servers see the director as their client. Only with data_plane nftables."),
    "tun_type": word("Encapsulation of lb_kind TUN.", *TUNNELS, default="ipip"),
    "tun_port": integer("Port of gue; has to be said there.", *PORT),
    "tun_checksum": word(_CHECKSUM, *CHECKSUMS, default="nocsum"),
    "nat_mask": Option("prefix", "Does nothing, as in keepalived: the kernel has no such setting."),
    "persistence_timeout": seconds("So long a client stays with its server; 0 = off.", 0, _A_MONTH, 0, 1),
    "persistence_granularity": Option(
        "prefix", "Clients of one network stay together: a netmask or a prefix length; without it each by itself."
    ),
    "persistence_engine": word("What persistence goes by besides the address: sip, the Call-ID.", "sip"),
}

_CHECKING = {
    "connect_timeout": seconds("Deadline of one probe, connect included; without it 5.", 0.01, 3600, None),
    "retry": integer("Further probes after a failed one; without it 1, of a DNS check 3, of a program none.", 0, 1000),
    "delay_before_retry": seconds(
        "Pause before such a further probe; without it 1, of http 3, of a DNS check delay_loop.", 0, 3600, None
    ),
    "warmup": seconds("First probes are spread over this time; without it delay_loop.", 0, _A_DAY, None),
}
_DELAY_LOOP = "Period of the checks."

_POOL = {
    "alpha": boolean("Servers are down until their checks have passed."),
    "omega": boolean("notify_down and quorum_down run when the daemon stops."),
    "inhibit_on_failure": boolean("A failed server keeps its entry, at weight 0."),
    "quorum": integer("Live weight that is needed.", 1, 2147483647, 1),
    "hysteresis": integer(
        "Quorum is won at quorum + hysteresis and lost below quorum - hysteresis; less than quorum.", 0, 2147483646, 0
    ),
    "quorum_up": Option("command", "Run when quorum is won."),
    "quorum_down": Option("command", "Run when quorum is lost."),
    "sorry_server": Option("sorry_server", "Takes the connections while quorum is lost; it is not checked."),
    "sorry_server_inhibit": boolean("It stays in the table at weight 0 while it is not needed."),
    "sorry_server_lb_kind": word("How packets reach it; without it as the service's.", *KINDS),
    "ha_suspend": boolean("No probes while the address is not on this machine."),
    "virtualhost": Option("host", "Host header of checks that say none."),
    "weight": integer("Weight of real servers that say none.", 0, 65535, 1),
    "smtp_alert": boolean("Mail when quorum is won or lost; without it as smtp_alert_checker, else no.", None),
    "slow_start": seconds("A server that comes back gets its weight step by step over this time.", 0, _A_DAY, 0),
    "pool_floor": integer("Percent of the pool's weight that stays in service whatever checks say.", 0, 100, 0),
    "flap_damping": seconds("Half-life of the penalty for going down; 0: none.", 0, _A_DAY, 0),
    "drain_timeout": seconds("A server taken out of the configuration keeps its connections so long.", 0, _A_DAY, 300),
    "real_servers": Option("real_servers", "The pool.", ()),
}

VIRTUAL_SERVER = {
    **WHAT_IS_SERVED,
    **_BALANCING,
    "delay_loop": seconds(_DELAY_LOOP, 0.1, _A_DAY, 6),
    **_CHECKING,
    **_POOL,
}


def _inherited(options: t.Mapping[str, Option]) -> t.Dict[str, Option]:
    """The same of a real server, where nothing said means: as the virtual_server says."""
    return {key: option._replace(help=f"As in the virtual_server. {option.help}") for key, option in options.items()}


REAL_SERVER = {
    "address": Option("ip_address", "Address of the server.", required=True),
    "port": integer("Port of the server; without it the service's.", *PORT),
    "weight": integer("Share of the load; 0 drains: no new connections. Without it the service's.", 0, 65535),
    "lb_kind": word("How packets reach it; without it as the service says, tunnel included.", *KINDS),
    "tun_type": word("Encapsulation of lb_kind TUN.", *TUNNELS),
    "tun_port": integer("Port of gue; has to be said there.", *PORT),
    "tun_checksum": word(_CHECKSUM, *CHECKSUMS),
    "uthreshold": integer("So many connections at most; 0: no limit.", 0, 4294967295, 0),
    "lthreshold": integer("Full, it gets new ones below this many; 0: three quarters of uthreshold.", 0, 4294967295, 0),
    "inhibit_on_failure": boolean("Failed it keeps its entry, at weight 0; without it as the service says.", None),
    "alpha": boolean("Down until its checks have passed; without it as the service says.", None),
    "delay_loop": seconds("Period of the checks; without it the service's.", 0.1, _A_DAY, None),
    **_inherited(_CHECKING),
    "virtualhost": Option("host", "Host header of its checks that say none; without it the service's."),
    "slow_start": seconds("Time until it has its full weight again; without it the service's.", 0, _A_DAY, None),
    "smtp_alert": boolean("Mail when it goes up or down; without it as smtp_alert_checker, else yes.", None),
    "notify_up": Option("command", "Run when it comes up."),
    "notify_down": Option("command", "Run when it goes down."),
    "backup": boolean("Checked like the others, in service only while quorum is lost."),
    "check": Option("check", "How to tell that the server is up; without a check it always counts as up."),
    "checks": Option("checks", "Several checks instead of one; the server is up when none has failed."),
}

SORRY_SERVER = {
    "address": Option("ip_address", "Address of the server.", required=True),
    "port": integer("Port of the server; without it the service's.", *PORT),
}

VIRTUAL_SERVER_GROUP = {
    "entries": Option(
        "group_entries", "Addresses, ranges of them and firewall marks that share a pool.", required=True
    ),
}

GROUP_ENTRY = {
    "address": Option("ip_address", "Address, or the first of a range; this or fwmark."),
    "last_address": Option("ip_address", "Last address of the range; without it one address."),
    "port": integer("Port, or the first of a range; 0: every port.", 0, 65535, 0),
    "last_port": integer("Last port of the range; without it one port.", *PORT),
    "fwmark": integer("Mark of the packet filter, instead of an address; 0: none.", 0, 4294967295, 0),
    "family": word("Family of a fwmark; without it that of the real servers.", "inet", "inet6"),
}

LVS_TIMEOUTS = {
    "tcp": seconds("Connections of TCP; without it unchanged.", 1, _A_MONTH, None, 1),
    "tcpfin": seconds("Connections of TCP after a FIN; without it unchanged.", 1, _A_MONTH, None, 1),
    "udp": seconds("Connections of UDP; without it unchanged.", 1, _A_MONTH, None, 1),
}
