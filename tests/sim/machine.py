# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One machine: a kernel that keeps addresses as long as their lease, and a daemon around the production router.

The daemon does what the vrrp worker does and nothing more: on waking it drains the receive queue, then feeds the
deadline; it carries out actions in order; each advert gives the addresses their whole lease again.
"""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Callable
from ipaddress import IPv4Address
from random import Random

from mainstay.model.units import NANOSECONDS_PER_SECOND, Duration, Instant, seconds
from mainstay.vrrp.actions import (
    Action,
    Alarm,
    Announce,
    ReleaseAddresses,
    SendAdvert,
    State,
    TakeAddresses,
    Transition,
)
from mainstay.vrrp.advert import Advert
from mainstay.vrrp.events import AdvertReceived, DeadlineReached, Event, LinkChanged, Started, Stopped
from mainstay.vrrp.packet import PacketError, encode_advert
from mainstay.vrrp.receive import GROUP, Expectations, receive_datagram
from mainstay.vrrp.router import Router
from mainstay.vrrp.settings import RouterSettings

from .network import Network
from .world import World

VIRTUAL_ADDRESSES = ("192.0.2.100",)
LONGEST_WAKE_UP = seconds(0.0005)
LATEST_WITHDRAWAL = seconds(0.26)
"""How late the kernel withdraws an address whose lease has ended, measured."""
FOR_EVER: Instant = 1 << 62

LeaseRule = Callable[[Duration], int]
RouterClass = Callable[[RouterSettings], Router]


def datagram(message: bytes, source: str, ttl: int = 255) -> bytes:
    """An IPv4 datagram around a VRRP message."""
    header = struct.pack("!BBHHHBBH", 0x45, 0xC0, 20 + len(message), 0, 0, ttl, 112, 0)
    return header + IPv4Address(source).packed + IPv4Address(GROUP).packed + message


def advert_datagram(settings: RouterSettings, priority: int) -> bytes:
    source = str(IPv4Address(settings.local_address))
    advert = Advert(3, settings.virtual_router_id, priority, settings.advert_int, VIRTUAL_ADDRESSES)
    return datagram(encode_advert(advert, source, GROUP), source)


class Machine:
    """A host that runs, is frozen, is dead, or was stopped in order."""

    def __init__(
        self,
        settings: RouterSettings,
        world: World,
        network: Network,
        random: Random,
        router_class: RouterClass = Router,
        lease: LeaseRule | None = None,
    ) -> None:
        self.name = settings.name
        self.settings = settings
        self.router: Router | None = None
        self.frozen = False
        self.crashed = False
        self.link_up = True
        self.held_until: Instant | None = None
        """When the kernel withdraws the addresses; None while it does not have them."""
        self.faults: list[str] = []
        """What the daemon did that no router may do."""
        self._world, self._network, self._random = world, network, random
        self._router_class, self._lease = router_class, lease
        self._queue: deque[bytes] = deque(maxlen=200)
        network.attach(self.name, self._arrives)

    # ---- what an auditor may ask

    @property
    def runs(self) -> bool:
        return self.router is not None and not self.frozen

    @property
    def is_healthy(self) -> bool:
        return self.runs and self.link_up

    @property
    def is_master(self) -> bool:
        return self.router is not None and self.router.state is State.MASTER

    def holds(self) -> bool:
        return self.held_until is not None and self._world.now < self.held_until

    # ---- what may happen to it

    def start(self) -> None:
        if self.router is None:
            adopt = self._lease is not None and self.holds()
            self.router, self.crashed = self._router_class(self.settings), False
            self.feed(LinkChanged(self.link_up))
            self.feed(Started(adopt))

    def stop(self) -> None:
        if self.runs:
            self.feed(Stopped())
            self._die()

    def crash(self) -> None:
        """SIGKILL: not a word, and the kernel keeps what it has."""
        if self.router is not None:
            self.crashed = True
            self._die()

    def freeze(self) -> None:
        self.frozen = self.router is not None

    def thaw(self) -> None:
        self.frozen = False
        self._wake()

    def set_link(self, up: bool) -> None:
        self.link_up = up
        self._wake()

    def feed(self, event: Event) -> None:
        """One event into the router, its actions out into the world."""
        if self.router is None or self.frozen:
            return
        before = self.router.state
        for action in self.router.handle(event, self._world.now):
            self._carry_out(action, before)
        self._arm()

    # ---- the daemon

    def _die(self) -> None:
        self.router, self.frozen = None, False
        self._queue.clear()

    def _arrives(self, packet: bytes) -> None:
        if self.link_up and self.router is not None:
            self._queue.append(packet)
            self._world.at(self._world.now + self._random.randint(0, LONGEST_WAKE_UP), self._wake)

    def _arm(self) -> None:
        deadline = self.router.deadline() if self.router else None
        if deadline is not None:
            self._world.at(deadline + self._random.randint(0, LONGEST_WAKE_UP), self._wake)

    def _wake(self) -> None:
        if not self.runs:
            return
        while self._queue and self.router is not None:
            self._receive(self._queue.popleft())
        if self.router is not None and self.link_up is (self.router.state is State.FAULT):
            self.feed(LinkChanged(self.link_up, "" if self.link_up else "carrier lost"))
        deadline = self.router.deadline() if self.router else None
        if deadline is not None and deadline <= self._world.now:
            self.feed(DeadlineReached())

    def _receive(self, packet: bytes) -> None:
        wanted = Expectations(self.settings.virtual_router_id, self.settings.advert_int, VIRTUAL_ADDRESSES)
        try:
            received = receive_datagram(packet, wanted)
        except PacketError as refused:
            self._world.tell(self.name, f"discards {refused.reason.value}")
        else:
            self.feed(AdvertReceived(received.advert, received.source))

    def _carry_out(self, action: Action, before: State) -> None:
        self._world.tell(self.name, _in_words(action))
        if isinstance(action, SendAdvert):
            self._send(action.priority, before)
        elif isinstance(action, TakeAddresses):
            self._hold()
        elif isinstance(action, ReleaseAddresses):
            self.held_until = None
        elif isinstance(action, Announce) and not self.is_master:
            self.faults.append("announced without being master")

    def _send(self, priority: int, before: State) -> None:
        leaving = before is State.MASTER and not self.is_master
        if not (self.is_master if priority else leaving):
            self.faults.append(f"I4: sent priority {priority} on the way from {before.value}")
        if self.link_up:
            self._network.send(self.name, advert_datagram(self.settings, priority))
        if priority and self.held_until is not None:
            self._hold()

    def _hold(self) -> None:
        if self._lease is None:
            self.held_until = FOR_EVER
            return
        lease = self._lease(self.settings.advert_int) * NANOSECONDS_PER_SECOND
        self.held_until = self._world.now + lease + self._random.randint(0, LATEST_WITHDRAWAL)
        self._world.at(self.held_until, lambda: None)  # a moment to look at


def _in_words(action: Action) -> str:
    if isinstance(action, Transition):
        return f"{action.before.value} -> {action.after.value}: {action.reason}"
    if isinstance(action, Alarm):
        return f"alarm {action.kind}: {action.detail}"
    return str(action)
