# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one data plane cannot do and the other can, refused with the reason.

nftables rewrites destinations (NAT) by numbered rows and hashes. It sees the first packet of a flow and not its end,
so it cannot know who has the fewest connections; ip_vs in turn never touches the client's address.
"""

from __future__ import annotations

import typing as t

from .config import Config, GlobalDefs, RealServer, VirtualServer
from .problems import Problem

NFTABLES_ALGORITHMS = ("rr", "wrr", "sh", "mh")

_OF_IP_VS: t.Mapping[str, t.Tuple[object, str]] = {
    "lvs_sync_daemon": (None, "synchronises the connections of ip_vs"),
    "lvs_timeouts": (None, "sets the timeouts of ip_vs; those of flows are sysctls, net.netfilter.nf_conntrack_*"),
    "lvs_flush": (False, "empties the table of ip_vs"),
    "lvs_flush_on_stop": ("ours", "empties the table of ip_vs"),
}
"""Options of global_defs that are about ip_vs alone -> their default, what they do."""

_REMEDY = "or set global_defs.data_plane to ipvs."
_NAT_ONLY = f"data_plane nftables forwards by NAT only; set it to NAT {_REMEDY}"
_ALGORITHMS = f"data_plane nftables knows {', '.join(NFTABLES_ALGORITHMS)}"

_Fault = t.Tuple[str, object, str]
"""Key, value, message."""


def nftables_contradictions(config: Config) -> t.Iterator[Problem]:
    """Every one, at the path of what the engine in use cannot do."""
    on_nftables = config.global_defs.data_plane == "nftables"
    if on_nftables:
        yield from _about_ip_vs(config.global_defs)
    judge = _beyond_nftables if on_nftables else _beyond_ipvs
    for service in config.virtual_servers.values():
        for key, value, message in judge(service):
            yield Problem(f"virtual_servers.{service.name}.{key}", value, message)


def _about_ip_vs(defs: GlobalDefs) -> t.Iterator[Problem]:
    for key, (default, what) in _OF_IP_VS.items():
        value = getattr(defs, key)
        if value != default:
            shown = value if isinstance(value, (bool, str)) else None
            message = f"{what}, and data_plane is nftables; leave it out {_REMEDY}"
            yield Problem(f"global_defs.{key}", shown, message)


def _beyond_ipvs(service: VirtualServer) -> t.Iterator[_Fault]:
    if service.masquerade:
        message = (
            "ip_vs never changes the client's address; route the servers' answers through the director, "
            "add a masquerade rule to your packet filter, or set global_defs.data_plane to nftables."
        )
        yield "masquerade", True, message


def _beyond_nftables(service: VirtualServer) -> t.Iterator[_Fault]:
    if service.lb_kind != "NAT":
        yield "lb_kind", service.lb_kind, _NAT_ONLY
    if service.sorry_server_lb_kind not in (None, "NAT"):
        yield "sorry_server_lb_kind", service.sorry_server_lb_kind, _NAT_ONLY
    if service.lb_algo not in NFTABLES_ALGORITHMS:
        yield "lb_algo", service.lb_algo, f"{_ALGORITHMS}{_why_not(service.lb_algo)}; choose one {_REMEDY}"
    if service.protocol == "SCTP":
        yield "protocol", "SCTP", f"data_plane nftables balances TCP and UDP; choose one {_REMEDY}"
    if service.ops:
        message = f"data_plane nftables tracks flows, so no packet is alone; leave it out {_REMEDY}"
        yield "ops", True, message
    if service.persistence_engine is not None:
        message = f"data_plane nftables keeps clients by their address only; leave it out {_REMEDY}"
        yield "persistence_engine", service.persistence_engine, message
    for index, server in enumerate(service.real_servers):
        for key, value, message in _server_beyond_nftables(server):
            yield f"real_servers[{index}].{key}", value, message


def _server_beyond_nftables(server: RealServer) -> t.Iterator[_Fault]:
    if server.lb_kind not in (None, "NAT"):
        yield "lb_kind", server.lb_kind, _NAT_ONLY
    for key in ("uthreshold", "lthreshold"):
        if getattr(server, key):
            message = f"data_plane nftables does not count connections when it chooses; leave it out {_REMEDY}"
            yield key, getattr(server, key), message


def _why_not(lb_algo: str) -> str:
    """Those that go by connections are the ones people ask for."""
    counting = ("lc", "wlc", "lblc", "lblcr", "sed", "nq", "ovf")
    return " and does not count connections when it chooses" if lb_algo in counting else ""
