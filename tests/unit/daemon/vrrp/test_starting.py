# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A restarted daemon adopts what it finds, also when its scripts have not run yet."""

from __future__ import annotations

import typing as t
from dataclasses import replace

import pytest

from mainstay.model.commands import Command
from mainstay.model.config import Config, VrrpInstance, VrrpSyncGroup
from mainstay.model.tracking import TrackReference, VrrpScript
from mainstay.model.vrrp_config import Tracking
from mainstay.net import rtnl

from . import test_worker as lab
from .lab import ETH0, OWN
from .played_socket import PlayedSocket
from .test_groups import ETH1, LEASES, ONE, TWO
from .test_worker import PlayedNetlink

machine = lab.machine

CHECKED = replace(ONE, tracking=Tracking(track_script=(TrackReference("chk"),)))
GOOD, BAD = {"up": True, "why": "exit status 0"}, {"up": False, "why": "exit status 1"}


class Story(lab.Story):
    """A worker that starts where another one died a moment ago."""

    def starts(self, *instances: VrrpInstance, **groups: t.Tuple[str, ...]) -> Story:
        config = Config(
            vrrp_scripts={"chk": VrrpScript("chk", Command(("/bin/true",)))},
            vrrp_instances={instance.name: instance for instance in instances},
            vrrp_sync_groups={name: VrrpSyncGroup(name, members) for name, members in groups.items()},
        )
        self.worker.configure(config, self.poller.now())
        return self

    def hears_result(self, result: t.Dict[str, t.Any]) -> Story:
        self.worker.tell("tracked", {"results": {"script:chk": result}}, self.poller.now())
        return self


@pytest.fixture(autouse=True)
def leases(machine: None) -> None:
    PlayedNetlink.links = [ETH0, ETH1]
    PlayedNetlink.addresses = [
        rtnl.HeldAddress(rtnl.AddressKey(2, OWN, 24), False, 0, None),
        rtnl.HeldAddress(rtnl.AddressKey(3, "198.51.100.1", 24), False, 0, None),
        *(rtnl.HeldAddress(key, True, 0, 2) for key in LEASES.values()),
    ]


def test_a_good_first_result_makes_it_master_without_letting_go() -> None:
    story = Story().starts(CHECKED).passes(0.2)
    assert story.states == {"one": "INIT"} and PlayedNetlink.done == []

    story.hears_result(GOOD)

    assert story.states == {"one": "MASTER"} and ("release", "192.0.2.10") not in PlayedNetlink.done
    assert [(one.before, one.event) for one in story.happenings] == [("INIT", "MASTER")]


def test_a_bad_first_result_is_a_fault_without_the_address() -> None:
    story = Story().starts(CHECKED).hears_result(BAD)

    assert story.states == {"one": "FAULT"} and ("release", "192.0.2.10") in PlayedNetlink.done
    assert PlayedSocket.sent == []


def test_no_result_in_a_second_and_a_half_is_too_late_to_adopt() -> None:
    story = Story().starts(CHECKED).passes(1.4)
    assert story.states == {"one": "INIT"}

    story.passes(0.2)

    assert story.states == {"one": "FAULT"} and ("release", "192.0.2.10") in PlayedNetlink.done
    assert story.hears_result(GOOD).states == {"one": "BACKUP"}


def test_a_lease_that_is_a_second_old_leaves_half_a_second() -> None:
    PlayedNetlink.addresses[2:] = [rtnl.HeldAddress(key, True, 0, 1) for key in LEASES.values()]

    story = Story().starts(CHECKED).passes(0.4)
    assert story.states == {"one": "INIT"}

    assert story.passes(0.2).states == {"one": "FAULT"}


def test_results_that_were_told_before_leave_nothing_to_wait_for() -> None:
    assert Story().hears_result(GOOD).starts(CHECKED).states == {"one": "MASTER"}


def test_without_the_proof_nobody_waits() -> None:
    PlayedNetlink.addresses = PlayedNetlink.addresses[:2]
    assert Story().starts(CHECKED).states == {"one": "FAULT"}


def test_a_group_waits_for_the_checks_of_all_its_members() -> None:
    story = Story().starts(CHECKED, TWO, G=("one", "two"))
    assert story.states == {"one": "INIT", "two": "INIT"}

    assert story.hears_result(GOOD).states == {"one": "MASTER", "two": "MASTER"}
    assert not [what for what in PlayedNetlink.done if what[0] == "release"]


def test_another_configuration_meanwhile_ends_the_wait() -> None:
    story = Story().starts(CHECKED).starts(replace(CHECKED, priority=120))
    assert story.states == {"one": "FAULT"}


def test_an_end_meanwhile_leaves_nothing_behind() -> None:
    story = Story().starts(CHECKED)
    story.worker.stop(story.poller.now())
    assert ("release", "192.0.2.10") in PlayedNetlink.done
