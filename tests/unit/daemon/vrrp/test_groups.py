# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sync groups in the vrrp worker: members move together, and a reload moves nobody that need not move."""

from __future__ import annotations

import typing as t
from dataclasses import replace

import pytest

from mainstay.model.commands import Command
from mainstay.model.config import Config, VirtualAddress, VrrpInstance, VrrpScript, VrrpSyncGroup
from mainstay.model.tracking import TrackReference
from mainstay.model.vrrp_config import Tracking
from mainstay.net import rtnl
from mainstay.net.vrrp_socket import Datagram

from . import test_worker as lab
from .lab import ETH0, INSTANCE, OWN, advert
from .played_socket import PlayedSocket
from .test_worker import PlayedNetlink

machine = lab.machine

ETH1 = replace(ETH0, index=3, name="eth1")
ONE = replace(INSTANCE, name="one")
TWO = replace(
    INSTANCE,
    name="two",
    interface="eth1",
    virtual_router_id=52,
    virtual_ipaddress=(VirtualAddress("198.51.100.10", 24),),
)
THREE = replace(ONE, name="three", virtual_router_id=53, virtual_ipaddress=(VirtualAddress("192.0.2.13", 24),))
LEASES = {"one": rtnl.AddressKey(2, "192.0.2.10", 24), "two": rtnl.AddressKey(3, "198.51.100.10", 24)}


class Story(lab.Story):
    """A worker on a machine with two interfaces."""

    def runs_groups(self, *instances: VrrpInstance, **groups: t.Tuple[str, ...]) -> Story:
        config = Config(
            vrrp_instances={instance.name: instance for instance in instances},
            vrrp_sync_groups={name: VrrpSyncGroup(name, members) for name, members in groups.items()},
        )
        self.worker.configure(config, self.poller.now())
        return self

    @property
    def groups(self) -> t.Dict[str, t.Any]:
        return t.cast("t.Dict[str, t.Any]", self.worker.status(self.poller.now())["groups"])

    def group_events(self) -> t.List[t.Tuple[str, str, str]]:
        return [(one.name, one.before, one.event) for one in self.happenings if one.kind == "GROUP"]

    def told(self) -> t.Set[t.Tuple[str, str]]:
        return {(one.name, one.event) for one in self.happenings}

    def forgets(self) -> Story:
        """Only what comes now counts."""
        PlayedSocket.sent.clear()
        PlayedNetlink.done.clear()
        self.happenings.clear()
        return self

    def hears(self, name: str, packet: bytes) -> Story:
        self.worker._runners[name].receive(Datagram(packet), self.poller.now())
        return self

    def finds(self, tracker: str, up: bool) -> None:
        self.worker.tell("tracked", {"results": {tracker: {"up": up, "why": "as the story goes"}}}, self.poller.now())

    def carrier(self, link: rtnl.Link, there: bool) -> None:
        self.hears_the_kernel(replace(link, running=there))


@pytest.fixture
def both(machine: None) -> Story:
    """A group of two, both of them master."""
    PlayedNetlink.links = [ETH0, ETH1]
    PlayedNetlink.addresses = [
        rtnl.HeldAddress(rtnl.AddressKey(2, OWN, 24), False, 0, None),
        rtnl.HeldAddress(rtnl.AddressKey(3, "198.51.100.1", 24), False, 0, None),
    ]
    story = Story().runs_groups(ONE, TWO, G=("one", "two"))
    story.passes(5).hears_the_kernel()
    assert story.states == {"one": "MASTER", "two": "MASTER"}, story.lines
    return story


@pytest.mark.conformance("INT-05")
def test_the_whole_group_becomes_master_at_once(both: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    """INT-05: when its slowest member wants it; all adverts leave before the first address is touched."""
    both.carrier(ETH1, False)
    both.passes(1).hears_the_kernel(replace(ETH1, running=True))
    steps = PlayedNetlink.done
    monkeypatch.setattr(PlayedSocket, "send", lambda _self, packet, *_more: steps.append(("advert", packet[1])))
    both.forgets().passes(5)

    assert both.states == {"one": "MASTER", "two": "MASTER"}
    assert both.group_events() == [("G", "BACKUP", "MASTER")]
    first = [step for step in steps if step[0] in ("advert", "take")][:4]
    assert [kind for kind, _what in first] == ["advert", "advert", "take", "take"], first


@pytest.mark.conformance("INT-05")
def test_a_link_that_one_member_loses_is_a_fault_of_all(both: Story) -> None:
    """INT-05."""
    both.forgets().carrier(ETH1, False)

    assert both.states == {"one": "FAULT", "two": "FAULT"}
    assert ("release", "192.0.2.10") in PlayedNetlink.done and (51, 0) in PlayedSocket.sent
    assert both.groups["G"]["state"] == "FAULT"
    assert both.instances["one"]["faults"] == ["vrrp_sync_group G: vrrp_instance two is in FAULT: no carrier on eth1"]
    assert both.group_events() == [("G", "MASTER", "FAULT")]


@pytest.mark.conformance_negative("INT-05")
def test_a_member_that_hears_a_better_master_keeps_the_others_from_being_master(both: Story) -> None:
    """INT-05: contradictory priorities do not make a group oscillate."""
    for _second in range(6):
        both.hears("one", advert(200)).passes(1)

    assert both.states == {"one": "BACKUP", "two": "BACKUP"}
    assert both.group_events()[-1] == ("G", "MASTER", "BACKUP")
    assert len([event for event in both.group_events() if event[2] == "MASTER"]) == 1


def test_a_group_of_its_own_is_not_touched_by_the_failure_of_another(both: Story) -> None:
    both.runs_groups(ONE, TWO, THREE, G=("one", "two"), H=("three",)).passes(5).hears_the_kernel()
    both.forgets().carrier(ETH1, False)

    assert both.states == {"one": "FAULT", "two": "FAULT", "three": "MASTER"}
    assert [name for name, _before, _event in both.group_events()] == ["G"]


@pytest.mark.conformance("TMR-08")
def test_what_waits_at_any_member_is_heard_before_the_last_deadline_promotes_all(both: Story) -> None:
    """TMR-08: a member that wanted to be master long ago may have its master's advert in the queue."""
    both.carrier(ETH1, False)
    both.passes(1).carrier(ETH1, True)
    both.passes(2)
    both.hears("two", advert(200, "198.51.100.2", 52)).passes(3)
    assert both.worker._runners["one"].router.wants_master
    PlayedSocket.of("eth0").waiting.append(advert(200))

    both.passes(1)

    assert both.states == {"one": "BACKUP", "two": "BACKUP"} and not PlayedSocket.of("eth0").waiting


@pytest.fixture
def checked(machine: None) -> Story:
    """A group of two; only its first member has a script, which has not run yet."""
    PlayedNetlink.links = [ETH0, ETH1]
    PlayedNetlink.addresses = [
        rtnl.HeldAddress(rtnl.AddressKey(2, OWN, 24), False, 0, None),
        rtnl.HeldAddress(rtnl.AddressKey(3, "198.51.100.1", 24), False, 0, None),
    ]
    story = Story()
    config = Config(
        vrrp_scripts={"chk": VrrpScript("chk", Command(("/bin/true",)))},
        vrrp_instances={"one": replace(ONE, tracking=Tracking(track_script=(TrackReference("chk"),))), "two": TWO},
        vrrp_sync_groups={"G": VrrpSyncGroup("G", ("one", "two"))},
    )
    story.worker.configure(config, story.poller.now())
    assert story.states == {"one": "FAULT", "two": "FAULT"}, story.lines
    return story


def test_a_check_that_was_never_made_is_told_of_nobody_in_the_group(checked: Story) -> None:
    """At every start notify_fault would run and a mail would go out."""
    checked.finds("script:chk", True)
    assert checked.told() == {("one", "BACKUP"), ("two", "BACKUP"), ("G", "BACKUP")}


def test_a_first_check_that_fails_is_told_of_all(checked: Story) -> None:
    checked.forgets().finds("script:chk", False)
    assert checked.told() == {("one", "FAULT"), ("two", "FAULT"), ("G", "FAULT")}


class TestAReload:
    def test_that_changes_nothing_moves_nothing(self, both: Story) -> None:
        both.forgets().runs_groups(ONE, TWO, G=("one", "two"))

        assert (both.states, PlayedSocket.sent, both.happenings) == ({"one": "MASTER", "two": "MASTER"}, [], [])

    def test_that_dissolves_a_group_leaves_its_members_masters(self, both: Story) -> None:
        both.forgets().runs_groups(ONE, TWO)

        assert both.states == {"one": "MASTER", "two": "MASTER"} and both.groups == {}
        assert both.group_events() == [("G", "MASTER", "DELETED")]
        both.carrier(ETH1, False)
        assert both.states == {"one": "MASTER", "two": "FAULT"}

    def test_that_makes_a_group_of_two_masters_moves_neither(self, both: Story) -> None:
        both.runs_groups(ONE, TWO).forgets().runs_groups(ONE, TWO, H=("one", "two")).passes(5)

        assert both.states == {"one": "MASTER", "two": "MASTER"}
        assert both.group_events() == [("H", "INIT", "MASTER")]
        both.carrier(ETH1, False)
        assert both.states == {"one": "FAULT", "two": "FAULT"}

    def test_that_drops_one_member_lets_the_other_go_on(self, both: Story) -> None:
        both.forgets().runs_groups(ONE, G=("one",))

        assert both.states == {"one": "MASTER"}
        assert (52, 0) in PlayedSocket.sent and (51, 0) not in PlayedSocket.sent
        assert both.group_events() == []
        assert [one.event for one in both.happenings] == ["DELETED"]

    def test_that_takes_a_faulty_member_out_ends_the_fault_of_the_other(self, both: Story) -> None:
        both.carrier(ETH1, False)
        both.runs_groups(ONE, TWO, G=("one",))

        assert both.states == {"one": "BACKUP", "two": "FAULT"}
        assert both.passes(5).states["one"] == "MASTER"

    def test_that_renames_a_member_moves_nobody(self, both: Story) -> None:
        both.forgets().runs_groups(replace(ONE, name="uno"), TWO, G=("uno", "two")).passes(3)

        assert both.states == {"uno": "MASTER", "two": "MASTER"} and both.group_events() == []
        assert [(one.name, one.event) for one in both.happenings] == [("one", "DELETED"), ("uno", "MASTER")]

    def test_that_adds_a_member_makes_the_group_wait_for_it(self, both: Story) -> None:
        both.forgets().runs_groups(ONE, TWO, THREE, G=("one", "two", "three"))
        assert set(both.states.values()) == {"BACKUP"}
        assert set(both.passes(5).states.values()) == {"MASTER"}


class TestAdoption:
    def held(self, *names: str) -> None:
        PlayedNetlink.links = [ETH0, ETH1]
        PlayedNetlink.addresses = [
            rtnl.HeldAddress(rtnl.AddressKey(2, OWN, 24), False, 0, None),
            rtnl.HeldAddress(rtnl.AddressKey(3, "198.51.100.1", 24), False, 0, None),
            *(rtnl.HeldAddress(LEASES[name], True, 0, 2) for name in names),
        ]

    def test_of_a_group_needs_the_proof_of_every_member(self) -> None:
        self.held("one")
        assert Story().runs_groups(ONE, TWO, G=("one", "two")).states == {"one": "BACKUP", "two": "BACKUP"}
        assert PlayedSocket.sent == [], "nobody was master, not even for a moment"

    def test_of_a_group_that_holds_everything(self) -> None:
        self.held("one", "two")
        assert Story().runs_groups(ONE, TWO, G=("one", "two")).states == {"one": "MASTER", "two": "MASTER"}


def test_an_end_in_order_stops_members_and_group(both: Story) -> None:
    both.forgets().worker.stop(both.poller.now())

    assert sorted(PlayedSocket.sent) == [(51, 0), (52, 0)]
    assert both.group_events() == [("G", "MASTER", "STOP")]
    assert [one.event for one in both.happenings if one.kind == "INSTANCE"] == ["STOP", "STOP"]
