# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which runner a configuration starts, stops, changes or leaves alone."""

from __future__ import annotations

import errno
import os
import typing as t
from dataclasses import replace

import pytest

from mainstay.daemon import vrrp_announcer, vrrp_port, vrrp_worker
from mainstay.daemon.vrrp_worker import VrrpWorker
from mainstay.daemon.worker import LogLine
from mainstay.model.config import Config, VirtualAddress, VrrpInstance
from mainstay.net import rtnl

from ..scripted_poller import ScriptedPoller
from .vrrp_lab import ETH0, INSTANCE, OWN, RecordedFrames

OTHER = replace(INSTANCE, name="VI_2", virtual_router_id=52, virtual_ipaddress=(VirtualAddress("192.0.2.11", 24),))


class PlayedNetlink:
    """Order socket and listener: eth0 with one address; all orders are taken."""

    addresses: t.ClassVar[list[rtnl.HeldAddress]] = []
    links: t.ClassVar[list[rtnl.Link]] = []
    queue: t.ClassVar[list[list[rtnl.Notice]]] = []
    done: t.ClassVar[list[tuple[str, str]]] = []
    """What was ordered in turn: ("take" or "release", address)."""
    closed: t.ClassVar[int] = 0

    def next_sequence(self) -> int:
        return 1

    def dump(self, kind: int) -> list[t.Any]:
        return list(self.links if kind == rtnl.RTM_GETLINK else self.addresses)

    def send(self, batch: bytes) -> list[rtnl.Refused]:
        notices = list(rtnl.notices(batch))
        self.queue.append(notices)
        for notice in notices:
            if isinstance(notice, rtnl.HeldAddress):
                self.done.append(("take", notice.key.address))
            elif isinstance(notice, rtnl.AddressGone):
                self.done.append(("release", notice.key.address))
        return []

    def fileno(self) -> int:
        return 7

    def receive(self) -> list[rtnl.Notice] | None:
        return self.queue.pop(0) if self.queue else None

    def close(self) -> None:
        PlayedNetlink.closed += 1


class PlayedSocket:
    """The VRRP socket: remembers (virtual_router_id, priority) of what leaves."""

    sent: t.ClassVar[list[tuple[int, int]]] = []
    refuse: t.ClassVar[int] = 0

    def __init__(self, _device: str, _index: int) -> None:
        if self.refuse:
            raise OSError(self.refuse, os.strerror(self.refuse))

    def fileno(self) -> int:
        return 8

    def send_from(self, _source: str) -> None: ...

    def receive(self) -> None:
        return None

    def send(self, packet: bytes) -> None:
        self.sent.append((packet[1], packet[2]))

    def close(self) -> None: ...


class Story:
    """A worker on one machine."""

    def __init__(self) -> None:
        self.poller = ScriptedPoller()
        self.lines: list[LogLine] = []
        self.worker = VrrpWorker(self.poller, self.lines.append)

    def runs(self, *instances: VrrpInstance) -> Story:
        config = Config(vrrp_instances={instance.name: instance for instance in instances})
        self.worker.configure(config, self.poller.now())
        return self

    def passes(self, span: float) -> Story:
        self.poller.run_for(round(span * 1e9))
        return self

    def hears_the_kernel(self) -> Story:
        """The notifications of what was ordered arrive."""
        self.poller.watched[7][1](1, self.poller.now())
        return self

    @property
    def warnings(self) -> list[str]:
        return [line.message for line in self.lines if line.level != "info"]

    @property
    def instances(self) -> dict[str, dict[str, t.Any]]:
        status = self.worker.status(self.poller.now())
        return t.cast("dict[str, dict[str, t.Any]]", status["instances"])

    @property
    def states(self) -> dict[str, str]:
        return {name: one["state"] for name, one in self.instances.items()}


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    PlayedNetlink.links, PlayedNetlink.queue, PlayedNetlink.done, PlayedNetlink.closed = [ETH0], [], [], 0
    PlayedNetlink.addresses = [rtnl.HeldAddress(rtnl.AddressKey(2, OWN, 24), False, 0, None)]
    PlayedSocket.sent, PlayedSocket.refuse = [], 0
    monkeypatch.setattr(vrrp_worker, "OrderSocket", PlayedNetlink)
    monkeypatch.setattr(vrrp_worker, "ListenerSocket", PlayedNetlink)
    monkeypatch.setattr(vrrp_port, "VrrpSocket", PlayedSocket)
    monkeypatch.setattr(vrrp_announcer, "FrameSocket", RecordedFrames)


def test_every_instance_gets_its_own_election() -> None:
    story = Story().runs(INSTANCE, OTHER).passes(4)
    assert story.states == {"VI_1": "MASTER", "VI_2": "MASTER"}
    assert set(PlayedSocket.sent) == {(51, 100), (52, 100)}


def test_an_equal_configuration_changes_nothing() -> None:
    story = Story().runs(INSTANCE).passes(4)
    sent = len(PlayedSocket.sent)
    story.runs(INSTANCE)
    assert len(PlayedSocket.sent) == sent and story.states == {"VI_1": "MASTER"}


def test_a_removed_instance_says_farewell_and_the_other_is_not_touched() -> None:
    """F22."""
    story = Story().runs(INSTANCE, OTHER).passes(4)
    PlayedSocket.sent.clear()
    story.runs(INSTANCE)
    assert PlayedSocket.sent == [(52, 0)] and story.states == {"VI_1": "MASTER"}


def test_a_changed_instance_goes_on_as_master() -> None:
    story = Story().runs(INSTANCE).passes(4)
    PlayedSocket.sent.clear()
    story.runs(replace(INSTANCE, priority=120))
    assert PlayedSocket.sent == [(51, 120)] and story.states == {"VI_1": "MASTER"}


def test_another_virtual_router_id_is_another_router() -> None:
    story = Story().runs(INSTANCE).passes(4)
    PlayedSocket.sent.clear()
    story.runs(replace(INSTANCE, virtual_router_id=53))
    assert PlayedSocket.sent == [(51, 0)] and story.states == {"VI_1": "BACKUP"}


def test_two_instances_may_swap_their_virtual_router_ids() -> None:
    story = Story().runs(INSTANCE, OTHER).passes(4)
    story.runs(replace(INSTANCE, virtual_router_id=52), replace(OTHER, virtual_router_id=51)).passes(4)
    assert story.states == {"VI_1": "MASTER", "VI_2": "MASTER"}


MOVING, BASE = INSTANCE.virtual_ipaddress, (VirtualAddress("192.0.2.20", 24),)


def with_moving_address_at(holder: str) -> list[VrrpInstance]:
    """VI_1 and VI_2, each with an address of its own, one of them with 192.0.2.10 too."""
    both = replace(INSTANCE, virtual_ipaddress=BASE), OTHER
    return [replace(one, virtual_ipaddress=one.virtual_ipaddress + MOVING * (one.name == holder)) for one in both]


@pytest.mark.parametrize(("giver", "taker"), [("VI_1", "VI_2"), ("VI_2", "VI_1")])
def test_an_address_that_moves_between_two_masters_is_never_away(giver: str, taker: str) -> None:
    """Whichever stands first: a release after the taking would leave it on nobody."""
    story = Story().runs(*with_moving_address_at(giver)).passes(4).hears_the_kernel()
    PlayedNetlink.done.clear()

    story.runs(*with_moving_address_at(taker)).hears_the_kernel()

    assert story.states == {"VI_1": "MASTER", "VI_2": "MASTER"}
    assert ("release", "192.0.2.10") not in PlayedNetlink.done
    assert ("take", "192.0.2.10") in PlayedNetlink.done
    assert "192.0.2.10/24" in story.instances[taker]["addresses_held"]
    assert [one["problems"] for one in story.instances.values()] == [[], []] and story.warnings == []


@pytest.mark.parametrize("stays", [True, False])
def test_an_address_that_moves_to_a_new_instance_waits_for_its_election_without_an_alarm(stays: bool) -> None:
    """VI_1 is master and loses it, under another list of addresses or for good; VI_2 starts as backup."""
    story = Story().runs(INSTANCE).passes(4).hears_the_kernel()
    heir = replace(OTHER, virtual_ipaddress=MOVING)

    story.runs(*([replace(INSTANCE, virtual_ipaddress=BASE)] if stays else []), heir).hears_the_kernel()

    assert story.states["VI_2"] == "BACKUP" and story.instances["VI_2"]["addresses_held"] == []
    assert PlayedNetlink.done.count(("release", "192.0.2.10")) >= 1 and story.warnings == []
    story.passes(4).hears_the_kernel()
    assert story.instances["VI_2"]["addresses_held"] == ["192.0.2.10/24"] and story.warnings == []


def test_an_instance_on_a_missing_interface_is_at_fault_until_it_is_there() -> None:
    elsewhere = replace(OTHER, interface="eth1")
    story = Story().runs(INSTANCE, elsewhere).passes(4)
    assert story.states == {"VI_1": "MASTER", "VI_2": "FAULT"}
    assert story.instances["VI_2"]["problems"] == ["interface eth1 does not exist"]

    link = rtnl.Link(3, "eth1", True, True, b"\x02\0\0\0\0\2")
    PlayedNetlink.queue.append([link, rtnl.HeldAddress(rtnl.AddressKey(3, "198.51.100.1", 24), False, 0, None)])
    assert story.hears_the_kernel().states["VI_2"] == "BACKUP"


def test_a_socket_that_could_not_be_opened_is_a_fault_with_its_cause_until_it_can() -> None:
    PlayedSocket.refuse = errno.EMFILE
    story = Story().runs(INSTANCE).passes(5)
    assert story.states == {"VI_1": "FAULT"}
    assert "no VRRP socket on eth0: Too many open files" in story.instances["VI_1"]["problems"][0]
    PlayedSocket.refuse = 0
    assert story.passes(5).states == {"VI_1": "MASTER"}
    assert story.instances["VI_1"]["problems"] == []


def test_an_address_that_became_virtual_is_not_the_source_any_more() -> None:
    PlayedNetlink.addresses.append(rtnl.HeldAddress(rtnl.AddressKey(2, "192.0.2.2", 24), True, 0, None))
    story = Story().runs(INSTANCE).passes(4)
    assert story.instances["VI_1"]["master"] == OWN
    story.runs(INSTANCE, replace(OTHER, virtual_ipaddress=(VirtualAddress(OWN, 24),)))
    assert story.instances["VI_1"]["master"] == "192.0.2.2"


def test_only_the_first_configuration_adopts() -> None:
    key = rtnl.AddressKey(2, "192.0.2.10", 24)
    PlayedNetlink.addresses.append(rtnl.HeldAddress(key, True, 0, 2))
    assert Story().runs(INSTANCE).states == {"VI_1": "MASTER"}
    assert Story().runs().runs(INSTANCE).states == {"VI_1": "BACKUP"}


def test_the_end_releases_everything_and_closes_the_sockets() -> None:
    story = Story().runs(INSTANCE, OTHER).passes(4)
    PlayedSocket.sent.clear()
    story.worker.stop(story.poller.now())
    assert sorted(PlayedSocket.sent) == [(51, 0), (52, 0)]
    assert (story.poller.pending, story.poller.watched, PlayedNetlink.closed) == ([], {}, 2)
