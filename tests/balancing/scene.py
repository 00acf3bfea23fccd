# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a story plays: the pool lab, a director, and the addresses of one family."""

from __future__ import annotations

import contextlib
import typing as t
from collections import Counter

from netns.pool_lab import (
    CLIENTS,
    CLIENTS6,
    NAT_VIP,
    NAT_VIP6,
    PATIENCE_SECONDS,
    PORT,
    SERVERS,
    SERVERS6,
    Conversation,
    PoolLab,
)

from lab.waiting import wait_for
from mainstay.lvs.operations import Operation
from mainstay.lvs.table import Destination, DestinationKey, Service, ServiceKey
from mainstay.net.data_plane import Refusal


class Director(t.Protocol):
    """An engine in the director's namespace, worked as a health worker works it."""

    def reconcile(self, *desired: Service, owned: t.Collection[ServiceKey] = ()) -> t.List[Refusal]:
        """Read the kernel's table and bring it to these services; the refusals."""

    def missing(self, *desired: Service, owned: t.Collection[ServiceKey] = ()) -> t.List[Operation]:
        """What a reconciliation would do now."""

    def connections(self, key: ServiceKey, server: DestinationKey) -> int:
        """Active ones, as the engine counts them."""

    def restarted(self) -> Director:
        """A second engine in the same namespace, as a new daemon opens it; the story closes it."""

    def mark(self, address: str, ports: t.Sequence[int], mark: int) -> None:
        """Mark TCP packets to these ports where they come in; whoever made the director undoes it."""

    def someone_flushes(self) -> None:
        """Another program removes everything: `ipvsadm -C`, `nft flush ruleset`."""

    def someone_takes_out(self, key: ServiceKey, server: DestinationKey) -> None:
        """Another program spoils this server's entry, so that it gets no connections."""

    def close(self) -> None:
        """Give the sockets back; the table stays."""


class Scene:
    """What a story needs, in the words of IPv4 or of IPv6."""

    def __init__(self, director: Director, lab: PoolLab, ipv6: bool) -> None:
        self.director = director
        self.lab = lab
        self.ipv6 = ipv6
        self.vip = NAT_VIP6 if ipv6 else NAT_VIP
        self.clients = CLIENTS6 if ipv6 else CLIENTS
        self.network_length = 124 if ipv6 else 28
        """Of the networks that the clients are in."""
        self.web = ServiceKey("TCP", self.vip, PORT)
        self.dns = ServiceKey("UDP", self.vip, PORT)
        self.every_port = ServiceKey("TCP", self.vip, 0)
        self.mark = ServiceKey("", "", 0, fwmark=5, family="inet6" if ipv6 else "inet")
        self._held: t.List[Conversation] = []

    def server(self, name: str, weight: int = 1, port: int = PORT) -> Destination:
        """A real server of the lab as a member of a pool."""
        return Destination(DestinationKey((SERVERS6 if self.ipv6 else SERVERS)[name], port), "NAT", weight)

    def service(self, *pool: Destination, key: t.Optional[ServiceKey] = None, **rest: t.Any) -> Service:
        """A service with this pool: TCP port 80 and rr where nothing else is said."""
        rest.setdefault("lb_algo", "rr")
        return Service(key or self.web, destinations={one.key: one for one in pool}, **rest)

    def serve(self, *services: Service, owned: t.Collection[ServiceKey] = ()) -> None:
        """Bring the director to these services: nothing is refused, and nothing is left to do."""
        assert self.director.reconcile(*services, owned=owned) == []
        assert self.director.missing(*services, owned=owned) == []

    def ask(self, source: str = "", port: int = PORT) -> str:
        """Name of the server that answers one new TCP connection."""
        return self.lab.ask(self.vip, port, source)

    def answers(self, connections: int, source: str = "", port: int = PORT) -> t.Counter[str]:
        """Who answers so many new TCP connections how often."""
        return Counter(self.ask(source, port) for _ in range(connections))

    def connect(self, source: str = "") -> Conversation:
        """A TCP connection that stays open until the end of the story."""
        return self._hold(self.lab.connect(self.vip, source=source))

    def datagrams(self) -> Conversation:
        """A UDP client that goes on sending from one port."""
        return self._hold(self.lab.datagrams(self.vip))

    def wait_for_connections(self, server: Destination, expected: int) -> None:
        """Until the engine counts so many active ones on the server of the web service."""
        wait_for(
            lambda: self.director.connections(self.web, server.key) == expected, PATIENCE_SECONDS,
            f"{expected} active connections on {server.key}",
            evidence=lambda: str(self.director.connections(self.web, server.key)),
        )  # fmt: skip

    def close(self) -> None:
        """The clients go."""
        for conversation in self._held:
            with contextlib.suppress(OSError):
                conversation.close()

    def _hold(self, conversation: Conversation) -> Conversation:
        self._held.append(conversation)
        return conversation
