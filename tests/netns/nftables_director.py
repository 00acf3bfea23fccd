# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The nftables engine in the director's namespace, and nft(8) beside it."""

from __future__ import annotations

import importlib.util
import sys
import typing as t
from pathlib import Path

from balancing.counters import counted
from netns.pool_lab import NAT_VIP, PORT, SERVERS, Namespace

from mainstay.daemon.health.loose_ends import left_after
from mainstay.lvs.operations import Operation
from mainstay.lvs.reconcile import operations
from mainstay.lvs.table import Destination, DestinationKey, Service, ServiceKey
from mainstay.net.data_plane import Refusal
from mainstay.net.nftables_names import server_chain

WEB = ServiceKey("TCP", NAT_VIP, PORT)
DNS = ServiceKey("UDP", NAT_VIP, PORT)
DEBIAN_PACKAGE = Path("/usr/lib/python3/dist-packages/nftables/__init__.py")


def import_libnftables() -> None:
    """Debian's python3-nftables, for a Python that does not look there; it is pure ctypes."""
    if "nftables" not in sys.modules:
        spec = importlib.util.spec_from_file_location("nftables", DEBIAN_PACKAGE)
        assert spec is not None and spec.loader is not None, f"{DEBIAN_PACKAGE} is missing: run 'make setup'"
        module = importlib.util.module_from_spec(spec)
        sys.modules["nftables"] = module
        spec.loader.exec_module(module)


import_libnftables()
from mainstay.net.nftables import NftablesPlane  # noqa: E402  # looks for libnftables when imported


def server(name: str, weight: int = 1) -> Destination:
    """One of the lab's servers as a member of a pool."""
    return Destination(DestinationKey(SERVERS[name], PORT), "NAT", weight)


def service(*pool: Destination, key: ServiceKey = WEB, lb_algo: str = "rr", **rest: t.Any) -> Service:
    """A service with this pool."""
    return Service(key, lb_algo, destinations={destination.key: destination for destination in pool}, **rest)


class NftablesDirector:
    """What a health worker does with its engine, by hand."""

    def __init__(self, namespace: Namespace) -> None:
        self._namespace = namespace
        with namespace.inside():
            self.plane = NftablesPlane()

    def close(self) -> None:
        self.plane.close()

    def reconcile(self, *desired: Service, owned: t.Collection[ServiceKey] = ()) -> t.List[Refusal]:
        """Bring the kernel to these services; the refusals."""
        return self.apply(self.missing(*desired, owned=owned))

    def missing(self, *desired: Service, owned: t.Collection[ServiceKey] = ()) -> t.List[Operation]:
        """What a reconciliation would do now, by one who looks for the first time."""
        self.plane._generation = None
        return operations(self.plane.read(), {service.key: service for service in desired}, owned)

    def apply(self, edits: t.Sequence[Operation]) -> t.List[Refusal]:
        with self._namespace.inside():  # conntrack's socket is opened when first needed
            refused = self.plane.apply(edits)
            assert left_after(self.plane) is None
            return refused

    def connections(self, key: ServiceKey, server: DestinationKey) -> int:
        """Active ones, as the engine counts them."""
        with self._namespace.inside():
            return counted(self.plane)[key, server].active_connections

    def restarted(self) -> NftablesDirector:
        """A second engine, as a new daemon opens it."""
        return NftablesDirector(self._namespace)

    def mark(self, address: str, ports: t.Sequence[int], mark: int) -> None:
        """The packet filter marks TCP to these ports, in a table of its own."""
        family = "ip6" if ":" in address else "ip"
        chosen = ", ".join(map(str, ports))
        script = f"""add table {family} marking
            add chain {family} marking prerouting {{ type filter hook prerouting priority mangle; }}
            add rule {family} marking prerouting {family} daddr {address} tcp dport {{ {chosen} }} meta mark set {mark}
            """
        self.nft(script)

    def someone_flushes(self) -> None:
        """Another program removes everything."""
        self.nft("flush", "ruleset")

    def someone_takes_out(self, key: ServiceKey, server: DestinationKey) -> None:
        """Another program empties the server's chain."""
        self.nft("flush", "chain", "inet", "mainstay", server_chain(key, server))

    def nft(self, *arguments: str) -> str:
        """Run nft on the director."""
        return self._namespace.run("nft", *arguments)
