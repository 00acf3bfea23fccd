# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One virtual router with a kernel and a segment that the test plays: addresses with leases, frames, a clock."""

from __future__ import annotations

import errno
import os
import typing as t
from dataclasses import replace

from mainstay.daemon.vrrp.discards import Discards
from mainstay.daemon.vrrp.guard import AcceptGuard
from mainstay.daemon.vrrp.instance_runner import InstanceRunner
from mainstay.daemon.vrrp.kernel import Kernel
from mainstay.daemon.vrrp.macvlans import Macvlans
from mainstay.daemon.vrrp.pacing import AnnouncementPacing
from mainstay.daemon.vrrp.routing_claims import SharedRouting
from mainstay.daemon.vrrp.status import vrrp_status
from mainstay.daemon.vrrp.tracking import TrackingBook
from mainstay.daemon.worker import Happening, LogLine, Say, Saying
from mainstay.model.config import Config, VirtualAddress
from mainstay.model.defaults import RunningInstance
from mainstay.model.units import NANOSECONDS_PER_SECOND, Instant, seconds
from mainstay.net import rtnl
from mainstay.net.double_socket import Double
from mainstay.net.standing import Standing
from mainstay.net.vrrp_socket import Datagram, Delivery

from ...scripted_poller import ScriptedPoller
from ...vrrp.packets import datagram, message, with_checksum

OWN, PEER = "192.0.2.1", "192.0.2.2"
ETH0 = rtnl.Link(2, "eth0", True, True, b"\x02\0\0\0\0\1")
USABLE = Standing(ETH0, OWN, "")
NO_CARRIER = Standing(replace(ETH0, running=False), OWN, "no carrier on eth0")

INSTANCE = RunningInstance(
    name="VI_1",
    interface="eth0",
    virtual_router_id=51,
    virtual_ipaddress=(VirtualAddress("192.0.2.10", 24),),
    priority=100,
    garp_master_delay=0,
    garp_master_repeat=1,
)
VIP = rtnl.AddressKey(2, "192.0.2.10", 24)


class PlayedKernel:
    """The order socket and the mirror in one: takes our orders and ends leases by the test's clock."""

    def __init__(self, poller: ScriptedPoller) -> None:
        self._poller = poller
        self._sequence = 0
        self._ends: dict[rtnl.AddressKey, Instant | None] = {}
        self._forms: dict[rtnl.AddressKey, rtnl.AddressForm] = {}
        self.dad_failed: set[rtnl.AddressKey] = set()
        self.links = {"eth0": ETH0}
        self.refuse_with = 0
        self.orders = 0
        self.caught_up = 0

    def next_sequence(self) -> int:
        self._sequence += 1
        return self._sequence

    def send(self, batch: bytes) -> list[rtnl.Refused]:
        self.orders += 1
        if self.refuse_with:
            return [rtnl.Refused(1, self.refuse_with)]
        for notice in rtnl.notices(batch):
            if isinstance(notice, rtnl.HeldAddress):
                self.add(notice.key, notice.valid_seconds, notice.form)
            elif isinstance(notice, rtnl.AddressGone):
                self._ends.pop(notice.key, None)
                self.dad_failed.discard(notice.key)
        return []

    def add(self, key: rtnl.AddressKey, lease: int | None, form: rtnl.AddressForm = rtnl.PLAIN) -> None:
        """As the kernel does: an address that is there keeps its form."""
        if self.held(key) is None:
            self._forms[key] = form
        self._ends[key] = None if lease is None else self._poller.now() + seconds(lease)

    def remove(self, key: rtnl.AddressKey) -> None:
        """Somebody else does, and the mirror has read it."""
        del self._ends[key]
        self.caught_up += 1

    def named(self, name: str) -> rtnl.Link | None:
        return self.links.get(name)

    def held(self, key: rtnl.AddressKey) -> rtnl.HeldAddress | None:
        if key not in self._ends:
            return None
        end, form = self._ends[key], self._forms[key]
        left = None if end is None else -(-(end - self._poller.now()) // NANOSECONDS_PER_SECOND)
        if left is not None and left <= 0:
            return None
        failed, label = key in self.dad_failed, form.label or "eth0"
        return rtnl.HeldAddress(key, True, form.scope, left, dad_failed=failed, label=label, broadcast=form.broadcast)


class PlayedPort:
    """The interface: keeps what is sent, hands over what `queue` holds when it is drained."""

    def __init__(self, say: Say) -> None:
        self.device = "eth0"
        self.unread = 0
        self.standing = USABLE
        self.discards = Discards("interface eth0", say)
        self.letters: list[tuple[bytes, Delivery]] = []
        self.sent: list[bytes] = []
        self.queue: list[bytes] = []
        self.broken = False
        self._receiver: t.Callable[[Datagram, Instant], bool] | None = None
        self.of_doubles: t.Callable[[Double, Instant], None] | None = None

    def attach(
        self,
        _virtual_router_id: int,
        receiver: t.Callable[[Datagram, Instant], bool],
        of_doubles: t.Callable[[Double, Instant], None],
    ) -> None:
        self._receiver, self.of_doubles = receiver, of_doubles

    def detach(self, _virtual_router_id: int) -> None:
        self._receiver = None

    def send(self, packet: bytes, where: Delivery) -> None:
        if self.broken:
            raise OSError(errno.EPERM, os.strerror(errno.EPERM))
        self.sent.append(packet)
        self.letters.append((packet, where))

    def drain(self, now: Instant) -> None:
        while self.queue and self._receiver is not None:
            self._receiver(Datagram(self.queue.pop(0)), now)

    def hear_out(self, wake: Instant) -> None:
        self.drain(wake)

    @property
    def priorities(self) -> list[int]:
        """Of the adverts that left, in their order."""
        return [packet[2] for packet in self.sent]


class PlayedDoubles:
    """Takes the place of net.double_socket.DoubleSocket; the last one made hears what `waiting` holds."""

    made: t.ClassVar[list[PlayedDoubles]] = []

    def __init__(self, device: str, addresses: t.Sequence[str]) -> None:
        self.place = (device, *addresses)
        self.waiting: list[Double] = []
        self.open = True
        PlayedDoubles.made.append(self)

    def fileno(self) -> int:
        return 9

    def receive(self) -> Double | None:
        return self.waiting.pop(0) if self.waiting else None

    def close(self) -> None:
        self.open = False


class RecordedFrames:
    """Takes the place of net.arp.FrameSocket."""

    sent: t.ClassVar[list[bytes]] = []
    open: t.ClassVar[int] = 0
    refuse: t.ClassVar[int] = 0

    def __init__(self, _device: str) -> None:
        if self.refuse:
            raise OSError(self.refuse, os.strerror(self.refuse))
        RecordedFrames.open += 1

    def send(self, frame: bytes) -> None:
        self.sent.append(frame)

    def close(self) -> None:
        RecordedFrames.open -= 1


class Said:
    """A `Say` that remembers."""

    def __init__(self) -> None:
        self.lines: list[LogLine] = []
        self.happenings: list[Happening] = []

    def __call__(self, saying: Saying) -> None:
        if isinstance(saying, LogLine):
            self.lines.append(saying)
        else:
            self.happenings.append(saying)


class Story:
    """A runner and everything around it."""

    def __init__(self, instance: RunningInstance = INSTANCE, **sections: t.Any) -> None:
        self.poller = ScriptedPoller()
        self.kernel = PlayedKernel(self.poller)
        said = Said()
        self.lines, self.happenings = said.lines, said.happenings
        self.port = PlayedPort(said)
        routing = SharedRouting(self.poller, lambda now: self.runner.possessions.look_at_routes(now))
        played, pacing = t.cast(t.Any, self.kernel), AnnouncementPacing(self.poller)
        self.guard = AcceptGuard(self.poller, said, lambda now: self.runner.look(now))
        self.macvlans = Macvlans(played, played, self.guard, said)
        kernel = Kernel(self.poller, played, played, pacing, routing, self.guard, self.macvlans)
        self.tracking = TrackingBook(t.cast(t.Any, self.kernel))
        self.tracking.configure(Config(vrrp_instances={instance.name: instance}, **sections), self.poller.now())
        self.runner = InstanceRunner(instance, kernel, t.cast(t.Any, self.port), said)

    def started(self, may_adopt: bool = False) -> Story:
        """It runs."""
        self.runner.make_ready(self.poller.now())
        self.runner.start(self.poller.now(), may_adopt and self.runner.holds_proof())
        return self

    def master(self) -> Story:
        """It is master, by silence of everybody else."""
        self.started().passes(4)
        assert self.state == "MASTER", self.log
        return self

    def reloads(self, instance: RunningInstance) -> None:
        """The worker hands other settings over, in its order."""
        self.runner.adopt_settings(instance, False)
        self.runner.addresses.let_go()
        self.runner.go_on(self.tracking.assess(instance.name, instance.priority), self.poller.now())

    def passes(self, span: float) -> None:
        """Time passes, in seconds; the process runs."""
        self.poller.run_for(seconds(span))

    def sleeps(self, span: float, *queued: bytes) -> None:
        """The process is stopped for so long; `queued` arrived meanwhile."""
        self.port.queue.extend(queued)
        self.poller.freeze_until(self.poller.now() + seconds(span))

    def hears(self, packet: bytes) -> None:
        """A datagram arrives."""
        self.port.queue.append(packet)
        self.port.drain(self.poller.now())

    def link_is(self, standing: Standing) -> None:
        """The interface changed."""
        self.port.standing = standing
        self.runner.look(self.poller.now())

    @property
    def holds(self) -> bool:
        """Whether the kernel has the virtual address."""
        return self.kernel.held(VIP) is not None

    @property
    def worker_status(self) -> dict[str, t.Any]:
        """The worker's whole section."""
        ports = [t.cast(t.Any, self.port)]
        told = vrrp_status({"VI_1": self.runner}, {}, self.tracking, ports, True, self.poller.now())
        return t.cast("dict[str, t.Any]", told)

    @property
    def status(self) -> dict[str, t.Any]:
        """Of the instance."""
        document = self.worker_status
        return t.cast("dict[str, t.Any]", document["instances"]["VI_1"])

    @property
    def state(self) -> str:
        return str(self.status["state"])

    @property
    def log(self) -> str:
        return "\n".join(f"{line.level}: {line.subject}: {line.message}" for line in self.lines)


def advert(priority: int, source: str = PEER, virtual_router_id: int = 51) -> bytes:
    """A datagram of a peer; the checksum is of the message-only form, which does not depend on the source."""
    whole = message(priority=priority, vrid=virtual_router_id)
    return datagram(with_checksum(whole), source=source)
