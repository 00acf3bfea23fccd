# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The nftables engine on a library without a kernel, and tables to lead it to."""

from __future__ import annotations

import typing as t
from dataclasses import replace
from unittest import mock

from hypothesis import strategies as st

from mainstay.lvs.reconcile import operations
from mainstay.lvs.table import Destination, DestinationKey, Service, ServiceKey, Table
from mainstay.net import nftables, nftables_kernel
from mainstay.net.conntrack import Conntrack, ConntrackUnavailable
from mainstay.net.nftables import NftablesPlane

from .nft_library import Library

WEB = ServiceKey("TCP", "192.0.2.10", 80)
OTHER = ServiceKey("TCP", "192.0.2.10", 81)
EVERY = ServiceKey("UDP", "192.0.2.10", 0)
WEB6 = ServiceKey("TCP", "2001:db8::10", 80)
MARK = ServiceKey("", "", 0, fwmark=5, family="inet")
MARK6 = ServiceKey("", "", 0, fwmark=5, family="inet6")
KEYS = [WEB, OTHER, EVERY, WEB6, MARK, MARK6]


def server(number: int, weight: int = 1, key: ServiceKey = WEB, port: int = 80) -> Destination:
    """One of 192.0.2.21 ... or 2001:db8::21 ..., whichever the service's family is."""
    return Destination(DestinationKey(f"2001:db8::{number}" if key.ipv6 else f"192.0.2.{number}", port), "NAT", weight)


def service(*pool: Destination, key: ServiceKey = WEB, lb_algo: str = "wrr", **rest: t.Any) -> Service:
    return Service(key, lb_algo, destinations={destination.key: destination for destination in pool}, **rest)


@st.composite
def services(draw: t.Any, key: ServiceKey) -> Service:
    """Any service that this engine takes."""
    numbers = draw(st.lists(st.integers(21, 23), max_size=3))
    pool = [server(number, draw(st.integers(0, 3)), key, draw(st.sampled_from([0, 80]))) for number in numbers]
    return service(
        *pool, key=key, lb_algo=draw(st.sampled_from(["rr", "wrr", "sh", "mh"])),
        persistence_timeout=draw(st.sampled_from([0, 0, 300, 360])),
        persistence_granularity=draw(st.sampled_from([None, 24])),
        flags=frozenset(draw(st.lists(st.sampled_from(["port", "fallback", "masquerade"]), max_size=2))),
    )  # fmt: skip


def without_idle_words(desired: Service) -> Service:
    """A granularity without persistence does nothing, so the table does not tell it."""
    return desired if desired.persistence_timeout else replace(desired, persistence_granularity=None)


TABLES = st.lists(st.sampled_from(KEYS).flatmap(services), max_size=3).map(
    lambda drawn: {one.key: without_idle_words(one) for one in drawn}
)


def opened(library: Library) -> NftablesPlane:
    """The engine on this library, and on the kernel behind it."""
    socket = mock.patch.object(nftables_kernel, "KernelSocket", library.open_socket)
    with mock.patch.object(nftables, "libnftables", library), socket:
        return NftablesPlane()


class Stage:
    """One engine on one library."""

    def __init__(self) -> None:
        self.library = Library()
        self.plane = opened(self.library)
        self.library.transactions = 0  # that of opening leaves nothing
        self.ended: list[dict[ServiceKey, list[DestinationKey] | None]] = []
        """Of which services strays were ended, and whose flows were none."""

    def conntrack(self, complaint: str = "") -> mock.Mock:
        """Take the place of the kernel's connection tracking; a complaint is what it says to everything."""
        stand_in = mock.Mock(Conntrack)
        stand_in.end_flows.side_effect = lambda table, services: self._end_flows(complaint, table(), services)
        self.plane._conntrack = stand_in
        return stand_in

    def _end_flows(self, complaint: str, table: Table, services: t.Collection[ServiceKey]) -> t.Iterator[None]:
        yield
        if complaint:
            raise ConntrackUnavailable(complaint)
        self.ended.append({key: list(table[key].destinations) if key in table else None for key in services})

    def finish(self) -> None:
        for _part in self.plane.finish():
            continue

    def read(self) -> Table:
        """What is there, for one who has written nothing."""
        return opened(self.library).read()

    def look(self) -> Table:
        """What the engine reads when it may rely on nothing it knows."""
        self.plane._generation = None
        return self.plane.read()

    def reconcile(self, desired: Table) -> list[t.Any]:
        return self.plane.apply(operations(self.plane.read(), desired, KEYS))
