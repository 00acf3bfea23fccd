# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who held an address when, by the kernel's own notifications, read with pyroute2's decoder and not with ours."""

from __future__ import annotations

import selectors
import socket
import threading
import time
import typing as t

from netns.segment import VIP, Node
from pyroute2.netlink.rtnl.marshal import MarshalRtnl

_RTMGRP_IPV4_IFADDR = 0x10
_RTMGRP_IPV6_IFADDR = 0x100


class Holding(t.NamedTuple):
    """One span of time in which a node held the address; monotonic seconds."""

    since: float
    until: float


class AddressWatch:
    """Follows one address on several nodes until closed."""

    def __init__(self, nodes: t.Sequence[Node], address: str = VIP) -> None:
        self._address = address
        self._changes: dict[str, list[tuple[float, bool]]] = {node.name: [] for node in nodes}
        self._selector = selectors.DefaultSelector()
        self._stop, wake = socket.socketpair()
        self._selector.register(wake, selectors.EVENT_READ, None)
        for node in nodes:
            listener = node.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
            listener.bind((0, _RTMGRP_IPV4_IFADDR | _RTMGRP_IPV6_IFADDR))
            self._selector.register(listener, selectors.EVENT_READ, node.name)
            if node.holds(address):
                self._changes[node.name].append((time.monotonic(), True))
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()

    def __enter__(self) -> AddressWatch:
        return self

    def __exit__(self, *_ended: object) -> None:
        self._stop.close()
        self._thread.join(10)
        for key in list(self._selector.get_map().values()):
            key.fileobj.close()  # type: ignore[union-attr]
        self._selector.close()

    def holdings(self, node: Node) -> list[Holding]:
        """The spans so far; one that goes on ends now."""
        return self._spans(node.name)

    def _spans(self, name: str) -> list[Holding]:
        spans, since = [], None
        for at, held in self._changes[name]:
            if held and since is None:
                since = at
            elif not held and since is not None:
                spans.append(Holding(since, at))
                since = None
        return spans if since is None else [*spans, Holding(since, time.monotonic())]

    def both_held(self, one: Node, other: Node) -> float:
        """Seconds during which both nodes held it."""
        pairs = ((a, b) for a in self.holdings(one) for b in self.holdings(other))
        return sum(max(0.0, min(a.until, b.until) - max(a.since, b.since)) for a, b in pairs)

    def nobody_held(self, since: float, until: float) -> float:
        """Seconds of this time in which no node held it."""
        spans = sorted(span for changes in self._changes for span in self._spans(changes))
        free, reached = 0.0, since
        for span in spans:
            free += max(0.0, min(span.since, until) - reached)
            reached = max(reached, span.until)
        return free + max(0.0, until - reached)

    def _follow(self) -> None:
        marshal = MarshalRtnl()
        while True:
            for key, _events in self._selector.select():
                if key.data is None:
                    return
                data = key.fileobj.recv(65536)  # type: ignore[union-attr]
                now = time.monotonic()
                for message in marshal.parse(data):
                    self._note(key.data, message, now)

    def _note(self, node: str, message: t.Any, now: float) -> None:
        if self._address in (message.get_attr("IFA_LOCAL"), message.get_attr("IFA_ADDRESS")):
            self._changes[node].append((now, message["event"] == "RTM_NEWADDR"))
