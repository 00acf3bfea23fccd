# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab of pool_lab with direct routing of IPv6, marks, and servers that unwrap tunnels.

Services of DR and TUN listen on 192.0.2.10 and 2001:db8:2::10, which the servers hold on lo and answer the client's
192.0.2.100 and 2001:db8:2::100 from. The director marks what comes in for 203.0.113.0/24 and 2001:db8:3::10.
"""

from __future__ import annotations

import contextlib
import json
import socket
import typing as t

from netns.pool_lab import (
    CLIENT_NEAR_SERVERS,
    DR_VIP,
    NAT_VIP6,
    PATIENCE_SECONDS,
    PORT,
    SERVERS,
    SERVERS6,
    Namespace,
    PoolLab,
    run,
)

from lab.waiting import wait_for
from mainstay.lvs.table import Destination, DestinationKey, ServiceKey, Tunnel

DR_VIP6 = "2001:db8:2::10"
CLIENT6_NEAR_SERVERS = "2001:db8:2::100"
MARK, MARKED_VIPS = 7, ("203.0.113.10", "203.0.113.20")
MARKED_VIP6 = "2001:db8:3::10"
GUE_PORT = 5555
MODULES = ("ipip", "fou", "ip_gre", "ip6_tunnel", "sctp")

WEB6 = ServiceKey("TCP", NAT_VIP6, PORT)
DIRECT6 = ServiceKey("TCP", DR_VIP6, PORT)
MARKED = ServiceKey("", "", 0, MARK, "inet")
MARKED6 = ServiceKey("", "", 0, MARK, "inet6")


def server6(name: str, weight: int = 1, lb_kind: str = "NAT") -> Destination:
    """One of the servers by its IPv6 address."""
    tunnel = Tunnel() if lb_kind == "TUN" else None
    return Destination(DestinationKey(SERVERS6[name], PORT), lb_kind, weight, tunnel=tunnel)


def widen(lab: PoolLab) -> None:
    """Once per guest, after the lab was made."""
    for module in MODULES:
        run("/run/modprobe", module)
    # Deprecated, the address is no source of the director's own packets: what it wraps comes from 2001:db8:2::1.
    lab.director.ip(
        f"""addr add {DR_VIP6}/128 dev servers nodad preferred_lft 0
        addr add {MARKED_VIP6}/128 dev clients nodad
        route add local 203.0.113.0/24 dev lo
        """
    )
    lab.client.ip(
        f"""addr add {CLIENT6_NEAR_SERVERS}/64 dev near nodad
        route add 203.0.113.0/24 via 198.51.100.1
        route add 2001:db8:3::/64 via 2001:db8:1::1
        """
    )
    _mark(lab)
    for name, namespace in lab.servers.items():
        namespace.ip(
            f"""addr add {DR_VIP6}/128 dev lo nodad
            link set tunl0 up
            link add six-in type ip6tnl mode any local {SERVERS6[name]} remote 2001:db8:2::1
            link set six-in up
            """
        )
        namespace.run("ip", "fou", "add", "port", str(GUE_PORT), "gue")
        gre_device(lab, name)


def gre_device(lab: PoolLab, name: str, *flags: str) -> None:
    """The server unwraps the GRE of the director by a device with these flags, in place of what it had."""
    namespace = lab.servers[name]
    if "gre-in" in namespace.run("ip", "-brief", "link"):
        namespace.run("ip", "link", "delete", "gre-in")
    ends = ["local", SERVERS[name], "remote", "192.0.2.1"]
    namespace.run("ip", "link", "add", "gre-in", "type", "gre", *ends, *flags)
    namespace.run("ip", "link", "set", "gre-in", "up")


@contextlib.contextmanager
def knocking(lab: PoolLab) -> t.Iterator[None]:
    """The client begins a connection to the DR address, and nobody waits for what becomes of it."""
    with lab.client.inside():
        asking = socket.socket()
    with asking:
        asking.setblocking(False)
        asking.bind((CLIENT_NEAR_SERVERS, 0))
        asking.connect_ex((DR_VIP, PORT))
        yield


def await_wrong_checksum(namespace: Namespace, device: str) -> None:
    """Wait until the device has dropped a packet for its checksum: for a wrong one, a missing one, an unwanted one."""

    def dropped() -> int:
        (shown,) = json.loads(namespace.run("ip", "-json", "-s", "-s", "link", "show", device))
        return int(shown["stats64"]["rx"]["crc_errors"])

    links = lambda: namespace.run("ip", "-s", "link")  # noqa: E731
    wait_for(dropped, PATIENCE_SECONDS, f"{device} to drop a packet", evidence=links)


def _mark(lab: PoolLab) -> None:
    """This kernel's nftables knows neither IPv4 nor IPv6; tc marks as well."""
    tc = "tc", "filter", "add", "dev", "clients", "ingress", "protocol"
    lab.director.run("tc", "qdisc", "replace", "dev", "clients", "clsact")
    for family, matched in (("ip", "203.0.113.0/24"), ("ipv6", f"{MARKED_VIP6}/128")):
        action = ["action", "skbedit", "mark", str(MARK)]
        lab.director.run(*tc, family, "flower", "dst_ip", matched, *action)
