# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ipvs engine on a kernel that does not know every tunnel, and on one with very many services.

Everything else is told by tests/kernel.
"""

from __future__ import annotations

import typing as t

import pytest

from mainstay.lvs.operations import AddDestination, SetDestination
from mainstay.lvs.table import Destination, DestinationKey, Service, ServiceKey, Tunnel
from mainstay.net import ipvs, ipvs_messages as messages
from mainstay.net.ipvs import IpvsPlane
from mainstay.net.netlink import Answer, Message, decode, encode, u32

WEB = ServiceKey("TCP", "192.0.2.10", 80)
_TUNNEL = (13, 14, 15)
_DEST = 2


class OldKernel:
    """Stands for netlink.KernelSocket: takes every server and forgets the attributes that it does not know."""

    forgets: t.ClassVar[tuple[int, ...]]
    pool: t.ClassVar[dict[bytes, bytes]]

    def __init__(self, _protocol: int) -> None: ...

    def ask(self, _message: Message) -> bytes:
        return bytes(4) + encode([(1, b"\x1c\0")])

    def order(self, orders: t.Sequence[Message]) -> list[Answer]:
        for order in orders:
            fields = decode(decode(order.body, messages.HEADER_SIZE)[_DEST])
            known = [(kind, field) for kind, field in fields.items() if kind not in self.forgets]
            if order.body[0] == messages.DEL_DEST:
                del self.pool[fields[1]]
            else:
                self.pool[fields[1]] = bytes(messages.HEADER_SIZE) + encode([(_DEST, known)])
        return [Answer(0) for _order in orders]

    def dump(self, message: Message) -> list[bytes]:
        assert message.body[0] == messages.GET_DEST
        return list(self.pool.values())

    def close(self) -> None: ...


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> type[OldKernel]:
    OldKernel.forgets, OldKernel.pool = (), {}
    monkeypatch.setattr(ipvs, "KernelSocket", OldKernel)
    return OldKernel


def added(kind: str, last: int) -> AddDestination:
    place = DestinationKey(f"192.0.2.{last}", 80)
    return AddDestination(WEB, Destination(place, "TUN", 1, tunnel=Tunnel(kind, 5555 if kind == "gue" else 0)))


def test_a_tunnel_that_the_kernel_forgot_is_refused_and_the_server_taken_out(kernel: type[OldKernel]) -> None:
    kernel.forgets = _TUNNEL
    gue, ipip = added("gue", 21), added("ipip", 22)
    (refusal,) = IpvsPlane().apply([gue, ipip])
    assert refusal.operation == gue
    assert refusal.reason == (
        "real_server 192.0.2.21:80 of service TCP 192.0.2.10:80: this kernel's ip_vs knows only the tunnel ipip"
        " (gue came with Linux 5.2, gre with 5.3)"
    )
    assert len(kernel.pool) == 1, "its packets would have gone out wrapped otherwise"


def test_tunnels_that_the_kernel_knows_stay(kernel: type[OldKernel]) -> None:
    assert IpvsPlane().apply([added("gue", 21), added("gre", 22), added("ipip", 23)]) == []
    assert len(kernel.pool) == 3


class BusyKernel:
    """Stands for netlink.KernelSocket: many services with a server each, which has ever more connections."""

    def __init__(self, _protocol: int) -> None:
        self.keys = [ServiceKey("TCP", "192.0.2.10", 1000 + number) for number in range(150)]
        self.weights = dict.fromkeys(self.keys, 1)
        self.connections = 0
        self.pools_read = 0

    def ask(self, _message: Message) -> bytes:
        return bytes(4) + encode([(1, b"\x1c\0")])

    def order(self, orders: t.Sequence[Message]) -> list[Answer]:
        return [Answer(0) for _order in orders]

    def dump(self, message: Message) -> list[bytes]:
        if message.body[0] == messages.GET_SERVICE:
            return [messages.service_body(messages.NEW_SERVICE, Service(key, "rr")) for key in self.keys]
        self.pools_read += 1
        (key,) = [key for key in self.keys if messages.service_key_body(messages.GET_DEST, key) == message.body]
        body = messages.destination_body(messages.NEW_DEST, key, server(self.weights[key]))
        fields = decode(decode(body, messages.HEADER_SIZE)[_DEST])
        counts = [(kind, u32(self.connections)) for kind in (7, 8)]
        return [bytes(messages.HEADER_SIZE) + encode([(_DEST, [*fields.items(), *counts])])]

    def close(self) -> None: ...


def server(weight: int) -> Destination:
    return Destination(DestinationKey("192.0.2.21", 80), "NAT", weight)


def test_with_many_services_who_is_at_weight_0_is_counted_as_of_now(monkeypatch: pytest.MonkeyPatch) -> None:
    """A drain must not be judged by what was read before it."""
    monkeypatch.setattr(ipvs, "KernelSocket", BusyKernel)
    plane = IpvsPlane()
    kernel = t.cast(t.Any, plane._kernel)
    plane.read()
    drained = kernel.keys[100]
    plane.apply([SetDestination(drained, server(0))])
    kernel.weights[drained], kernel.pools_read = 0, 0
    for connections in (3, 4):
        kernel.connections = connections
        counters = [found for found in plane.counters() if found is not None][-1]
        assert counters[drained, server(0).key].active_connections == connections
        assert counters[kernel.keys[0], server(1).key].active_connections == 0, "as of the reading before"
        assert len(counters) == 150
    assert kernel.pools_read == 2
