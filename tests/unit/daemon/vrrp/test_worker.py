# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which runner a configuration starts, stops, changes or leaves alone."""

from __future__ import annotations

import errno
import typing as t
from dataclasses import replace

import pytest

from mainstay.daemon.vrrp import (
    announcer as vrrp_announcer,
    doubles as vrrp_doubles,
    worker as vrrp_worker,
)
from mainstay.daemon.vrrp.worker import VrrpWorker
from mainstay.model.config import Config, VirtualAddress, VrrpInstance
from mainstay.net import rtnl
from mainstay.net.rtnl_socket import ListenerOverrun

from ...scripted_poller import ScriptedPoller
from .lab import ETH0, INSTANCE, OWN, PlayedDoubles, RecordedFrames, Said, advert
from .played_socket import PlayedSocket

OTHER = replace(INSTANCE, name="VI_2", virtual_router_id=52, virtual_ipaddress=(VirtualAddress("192.0.2.11", 24),))


class PlayedNetlink:
    """Order socket and listener: eth0 with one address; all orders are taken."""

    addresses: t.ClassVar[list[rtnl.HeldAddress]] = []
    links: t.ClassVar[list[rtnl.Link]] = []
    queue: t.ClassVar[list[list[rtnl.Notice] | Exception]] = []
    done: t.ClassVar[list[tuple[str, str]]] = []
    """What was ordered in turn: ("take" or "release", address)."""
    closed: t.ClassVar[int] = 0
    churns: t.ClassVar[bool] = False

    def next_sequence(self) -> int:
        return 1

    def dump(self, kind: int) -> list[t.Any]:
        if self.churns:
            raise OSError(errno.EBUSY, "the kernel's table changed during every attempt to read it")
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
        said = self.queue.pop(0) if self.queue else None
        if isinstance(said, Exception):
            raise said
        return said

    def close(self) -> None:
        PlayedNetlink.closed += 1


class Story:
    """A worker on one machine."""

    def __init__(self) -> None:
        self.poller = ScriptedPoller()
        said = Said()
        self.lines, self.happenings = said.lines, said.happenings
        self.worker = VrrpWorker(self.poller, said)

    def runs(self, *instances: VrrpInstance) -> Story:
        config = Config(vrrp_instances={instance.name: instance for instance in instances})
        self.worker.configure(config, self.poller.now())
        return self

    def passes(self, span: float) -> Story:
        self.poller.run_for(round(span * 1e9))
        return self

    def hears_the_kernel(self, *notices: rtnl.Notice | Exception) -> Story:
        """The notifications of what was ordered arrive, then these."""
        PlayedNetlink.queue += [one if isinstance(one, Exception) else [one] for one in notices]
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
    PlayedNetlink.churns = False
    monkeypatch.setattr(vrrp_worker, "OrderSocket", PlayedNetlink)
    monkeypatch.setattr(vrrp_worker, "ListenerSocket", PlayedNetlink)
    PlayedSocket.takes_the_place(monkeypatch)
    monkeypatch.setattr(vrrp_doubles, "DoubleSocket", PlayedDoubles)
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


def test_an_instance_under_another_name_is_the_same_router_to_its_peers() -> None:
    """Its advert goes on, its address stays; the name is new wherever people look."""
    story = Story().runs(INSTANCE, OTHER).passes(4).hears_the_kernel()
    PlayedSocket.sent.clear()
    PlayedNetlink.done.clear()
    transitions = story.instances["VI_1"]["transitions"]

    story.runs(replace(INSTANCE, name="web"), OTHER).hears_the_kernel()

    assert story.states == {"web": "MASTER", "VI_2": "MASTER"}
    assert PlayedSocket.sent == [(51, 100)] and ("release", "192.0.2.10") not in PlayedNetlink.done
    assert story.instances["web"]["transitions"] == transitions and story.warnings == []
    assert ("vrrp_instance web", "was vrrp_instance VI_1 until now") in [(x.subject, x.message) for x in story.lines]
    story.lines.clear()
    PlayedSocket.of("eth0").waiting.append(advert(200))
    story.passes(1)
    assert {line.subject for line in story.lines} == {"vrrp_instance web"}


def test_an_instance_may_change_its_name_and_its_settings_in_one_reload() -> None:
    story = Story().runs(INSTANCE).passes(4)
    PlayedSocket.sent.clear()
    story.runs(replace(INSTANCE, name="web", priority=120))
    assert PlayedSocket.sent == [(51, 120)] and story.states == {"web": "MASTER"}


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


OWNER = replace(INSTANCE, priority=255)
CARRIERLESS = replace(ETH0, running=False)


def test_an_owner_that_starts_has_not_been_robbed() -> None:
    """It takes its address at once; the mirror has not read that yet."""
    story = Story().runs(OWNER)
    assert story.states == {"VI_1": "MASTER"} and story.instances["VI_1"]["problems"] == []
    story.hears_the_kernel()
    assert story.instances["VI_1"]["addresses_held"] == ["192.0.2.10/24"]
    assert story.warnings == [] and PlayedNetlink.done.count(("take", "192.0.2.10")) == 1


def test_an_address_added_to_a_master_has_not_been_taken_away() -> None:
    story = Story().runs(INSTANCE).passes(4).hears_the_kernel()
    story.runs(replace(INSTANCE, virtual_ipaddress=MOVING + BASE))
    assert story.warnings == [] and story.instances["VI_1"]["problems"] == []
    story.hears_the_kernel()
    assert story.warnings == [] and len(story.instances["VI_1"]["addresses_held"]) == 2


def test_an_owner_whose_link_comes_back_has_not_been_robbed() -> None:
    story = Story().runs(OWNER).hears_the_kernel(CARRIERLESS).hears_the_kernel()
    assert story.states == {"VI_1": "FAULT"}
    story.passes(61).lines.clear()  # an alarm of the start would silence the one that is looked for
    story.hears_the_kernel(ETH0)
    assert story.states == {"VI_1": "MASTER"}
    assert story.hears_the_kernel().warnings == []


def test_an_address_that_is_removed_in_the_moment_it_was_taken_is_put_back_with_an_alarm() -> None:
    """Both notifications are read in one wake-up."""
    story = Story().runs(OWNER).hears_the_kernel(rtnl.AddressGone(rtnl.AddressKey(2, "192.0.2.10", 24)))
    assert story.warnings == ["somebody removed 192.0.2.10/24 from eth0; put back"]
    assert story.hears_the_kernel().instances["VI_1"]["addresses_held"] == ["192.0.2.10/24"]


def test_a_worker_that_starts_amid_churn_adopts_when_the_kernel_can_be_read() -> None:
    """Its predecessor's addresses are there under their lease: a start on a guess would leave them."""
    PlayedNetlink.addresses.append(rtnl.HeldAddress(rtnl.AddressKey(2, "192.0.2.10", 24), True, 0, 2))
    PlayedNetlink.churns = True
    story = Story().runs(INSTANCE).passes(0.5)
    assert story.states == {} and len(story.warnings) == 1
    assert "cannot be read: the kernel's table changed" in story.warnings[0]

    PlayedNetlink.churns = False
    story.passes(0.1)
    assert story.states == {"VI_1": "MASTER"} and PlayedNetlink.done[0] == ("take", "192.0.2.10")


def test_a_worker_that_ends_before_the_kernel_could_be_read_leaves_nothing_open() -> None:
    PlayedNetlink.churns = True
    story = Story().runs(INSTANCE)
    story.worker.stop(story.poller.now())
    assert (story.poller.pending, story.poller.watched, PlayedNetlink.closed) == ([], {}, 2)


def test_churn_is_said_once_and_costs_no_advert() -> None:
    story = Story().runs(INSTANCE).passes(4).hears_the_kernel()
    PlayedSocket.sent.clear()
    PlayedNetlink.churns = True
    for _second in range(10):
        story.hears_the_kernel(ListenerOverrun()).passes(1)
    assert len(PlayedSocket.sent) == 10 and story.states == {"VI_1": "MASTER"}
    assert len(story.warnings) == 1
    PlayedNetlink.churns = False
    PlayedNetlink.addresses.append(rtnl.HeldAddress(rtnl.AddressKey(2, "192.0.2.10", 24), True, 0, 3))
    story.passes(1)
    assert story.warnings[1:] == ["notifications of the kernel were lost; links and addresses are read anew"]


def test_a_master_is_heard_behind_any_amount_of_junk() -> None:
    """TMR-08: after a stall the queue holds 1 MiB of it, the proof that a master lives at its end."""
    story = Story().runs(INSTANCE)
    PlayedSocket.of("eth0").waiting += [advert(200)[:-1]] * 2000 + [advert(200)]
    story.poller.freeze_until(story.poller.now() + 4_000_000_000)
    assert story.states == {"VI_1": "BACKUP"} and PlayedSocket.sent == []


def test_an_instance_on_a_missing_interface_is_at_fault_until_it_is_there() -> None:
    elsewhere = replace(OTHER, interface="eth1")
    story = Story().runs(INSTANCE, elsewhere).passes(4)
    assert story.states == {"VI_1": "MASTER", "VI_2": "FAULT"}
    assert story.instances["VI_2"]["problems"] == ["interface eth1 does not exist"]

    link = rtnl.Link(3, "eth1", True, True, b"\x02\0\0\0\0\2")
    PlayedNetlink.queue.append([link, rtnl.HeldAddress(rtnl.AddressKey(3, "198.51.100.1", 24), False, 0, None)])
    assert story.hears_the_kernel().states["VI_2"] == "BACKUP"


@pytest.mark.conformance_negative("NDP-10")
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
