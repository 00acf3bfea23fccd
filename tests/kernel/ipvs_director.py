# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ipvs engine in the director's namespace, and ipvsadm beside it: an oracle that nobody here wrote."""

from __future__ import annotations

import re
import time
import typing as t
from pathlib import Path

from balancing.counters import counted
from netns.pool_lab import DR_VIP, NAT_VIP, PATIENCE_SECONDS, PORT, SERVERS, Namespace, run

from mainstay.lvs.operations import Operation
from mainstay.lvs.reconcile import operations
from mainstay.lvs.table import Destination, DestinationKey, Service, ServiceKey, Table, Tunnel
from mainstay.net.data_plane import Refusal
from mainstay.net.ipvs import IpvsPlane

WEB = ServiceKey("TCP", NAT_VIP, PORT)
DNS = ServiceKey("UDP", NAT_VIP, PORT)
DIRECT = ServiceKey("TCP", DR_VIP, PORT)


_FILTER = ("tc", "filter")
_FILTER_PLACE = ("dev", "clients", "ingress", "pref", "9")


def server(name: str, weight: int = 1, lb_kind: str = "NAT") -> Destination:
    """One of the lab's servers as a member of a pool."""
    tunnel = Tunnel() if lb_kind == "TUN" else None
    return Destination(DestinationKey(SERVERS[name], PORT), lb_kind, weight, tunnel=tunnel)


def service(key: ServiceKey, *pool: Destination, lb_algo: str = "rr", persistence: int = 0) -> Service:
    """A service with this pool."""
    return Service(key, lb_algo, persistence, {destination.key: destination for destination in pool})


def table(*services: Service) -> Table:
    """A table of these services."""
    return {service.key: service for service in services}


class IpvsDirector:
    """What a health worker does with its engine, by hand."""

    def __init__(self, namespace: Namespace) -> None:
        self._namespace = namespace
        self._marking = False
        with namespace.inside():
            self.plane = IpvsPlane()

    def close(self) -> None:
        self.plane.close()
        if self._marking:
            self._namespace.run(*_FILTER, "delete", *_FILTER_PLACE)

    def restarted(self) -> IpvsDirector:
        """A second engine, as a new daemon opens it."""
        return IpvsDirector(self._namespace)

    def connections(self, key: ServiceKey, server: DestinationKey) -> int:
        """Active ones, as the engine counts them."""
        return counted(self.plane)[key, server].active_connections

    def mark(self, address: str, ports: t.Sequence[int], mark: int) -> None:
        """tc marks TCP to these ports: the nftables of this kernel know neither IPv4 nor IPv6."""
        self._namespace.run("tc", "qdisc", "replace", "dev", "clients", "clsact")
        self._marking = True
        family = "ipv6" if ":" in address else "ip"
        for port in map(str, ports):
            matched = ["protocol", family, "flower", "ip_proto", "tcp", "dst_ip", address, "dst_port", port]
            action = ["action", "skbedit", "mark", str(mark)]
            self._namespace.run(*_FILTER, "add", *_FILTER_PLACE, *matched, *action)

    def someone_flushes(self) -> None:
        """Another program removes everything."""
        self.ipvsadm("--clear")

    def someone_takes_out(self, key: ServiceKey, server: DestinationKey) -> None:
        """Another program removes the server's entry."""
        self.ipvsadm("-d", "-u" if key.protocol == "UDP" else "-t", str(key)[4:], "-r", str(server))

    def inside(self) -> t.ContextManager[None]:
        """What this thread opens meanwhile belongs to the director."""
        return self._namespace.inside()

    def reconcile(self, *desired: Service, owned: t.Collection[ServiceKey] = ()) -> t.List[Refusal]:
        """Bring the kernel to these services; the refusals."""
        return self.plane.apply(self.missing(*desired, owned=owned))

    def missing(self, *desired: Service, owned: t.Collection[ServiceKey] = ()) -> t.List[Operation]:
        """What a reconciliation would do now."""
        return operations(self.plane.read(), table(*desired), owned)

    def ipvsadm(self, *arguments: str) -> str:
        """Run ipvsadm on the director."""
        return self._namespace.run("ipvsadm", *arguments)

    def saved(self) -> t.List[str]:
        """The kernel's table in ipvsadm's own words, a rule a line."""
        return [line.strip() for line in self.ipvsadm("-Sn").splitlines()]

    def connections_made(self, key: t.Union[ServiceKey, DestinationKey]) -> int:
        """Connections that went through an entry since it was made."""
        for line in self.ipvsadm("-Ln", "--stats", "--exact").splitlines():
            if f" {key.address}:{key.port} " in line:
                return int(line.split()[2])
        raise AssertionError(f"{key} is not in the table")

    def wait_for_connections_made(self, key: t.Union[ServiceKey, DestinationKey], expected: int) -> None:
        """The kernel sums these statistics up every two seconds."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while self.connections_made(key) != expected:
            assert time.monotonic() < deadline, self.ipvsadm("-Ln", "--stats", "--exact")
            time.sleep(0.2)


def loaded_ip_vs() -> t.List[str]:
    """ip_vs and the modules that stand on it, as far as they are loaded; ip_vs last."""
    loaded = [line.split()[0] for line in Path("/proc/modules").read_text().splitlines()]
    return sorted((module for module in loaded if re.fullmatch(r"ip_vs(_\w+)?", module)), reverse=True)


def unload_ip_vs() -> None:
    """Remove ip_vs and every module that stands on it."""
    loaded = loaded_ip_vs()
    if loaded:
        run("rmmod", *loaded)
