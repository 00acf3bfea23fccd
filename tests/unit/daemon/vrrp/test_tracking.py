# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known of tracked objects, and what it comes to for an instance."""

from __future__ import annotations

import typing as t
from dataclasses import replace

import pytest

from mainstay.daemon.vrrp.tracking import TrackingBook
from mainstay.model.commands import Command
from mainstay.model.config import Config, VrrpSyncGroup
from mainstay.model.tracking import BfdInstance, TrackFile, TrackReference, VrrpScript, VrrpTrackProcess
from mainstay.model.vrrp_config import Tracking
from mainstay.net import rtnl

from .lab import ETH0, INSTANCE

NOW = 5_000_000_000
SCRIPT = VrrpScript("chk", Command(("/bin/true",)), weight=-20)
FILE = TrackFile("load", "/run/load", weight=2)


class Links:
    """The mirror: links by name."""

    def __init__(self, *links: rtnl.Link) -> None:
        self.links = {link.name: link for link in links}

    def named(self, name: str) -> t.Optional[rtnl.Link]:
        return self.links.get(name)


def config(tracking: Tracking, **sections: t.Any) -> Config:
    instance = replace(INSTANCE, tracking=tracking)
    known = {"vrrp_scripts": {"chk": SCRIPT}, "track_files": {"load": FILE}}
    return Config(vrrp_instances={"VI_1": instance}, **{**known, **sections})


def book(tracking: Tracking, links: Links, **sections: t.Any) -> TrackingBook:
    made = TrackingBook(t.cast(t.Any, links))
    made.configure(config(tracking, **sections), NOW)
    return made


ETH1 = replace(ETH0, index=3, name="eth1")


@pytest.mark.parametrize(
    ("link", "why"),
    [
        (None, "does not exist"),
        (replace(ETH1, enabled=False), "is set down"),
        (replace(ETH1, running=False), "no carrier"),
    ],
)
@pytest.mark.conformance_negative("FSM-24")
def test_an_interface_that_cannot_carry_frames_is_a_fault_with_its_reason(
    link: t.Optional[rtnl.Link], why: str
) -> None:
    """FSM-24: also one that does not exist."""
    tracked = book(Tracking(track_interface=(TrackReference("eth1"),)), Links(*[link] if link else []))

    assert tracked.assess("VI_1", 100).faults == (f"interface eth1 is down: {why}",)


def test_an_interface_that_comes_back_is_no_fault_any_more() -> None:
    links = Links()
    tracked = book(Tracking(track_interface=(TrackReference("eth1"),)), links)

    links.links["eth1"] = ETH1

    assert not tracked.findings.look({"eth0"}, NOW), "another link is no news"
    assert tracked.findings.look({"eth1"}, NOW)
    assert tracked.assess("VI_1", 100).faults == ()
    assert not tracked.findings.look({"eth1"}, NOW), "it was up already"


@pytest.mark.conformance("FSM-25")
def test_results_move_the_priority_by_the_weight_of_the_reference_or_of_the_definition() -> None:
    """FSM-25."""
    references = Tracking(track_script=(TrackReference("chk"),), track_file=(TrackReference("load", weight=3),))
    tracked = book(references, Links())

    assert tracked.findings.tell({"script:chk": {"up": True, "why": ""}, "file:load": {"value": 7}}, NOW)
    assert tracked.assess("VI_1", 100).effective_priority == 121
    assert tracked.findings.tell({"script:chk": {"up": False, "why": "exit status 1"}, "file:load": {"value": 7}}, NOW)
    assert tracked.assess("VI_1", 100).effective_priority == 101


def test_the_same_results_told_again_are_no_news_and_keep_their_since() -> None:
    tracked = book(Tracking(track_script=(TrackReference("chk"),)), Links())
    tracked.findings.tell({"script:chk": {"up": False, "why": "exit status 1"}}, NOW)
    before = tracked.findings.of("script", "chk")

    assert not tracked.findings.tell({"script:chk": {"up": False, "why": "exit status 1"}}, NOW + 3)
    assert tracked.findings.tell({"script:chk": {"up": False, "why": "exit status 2"}}, NOW + 9), "another reason"

    after = tracked.findings.of("script", "chk")
    assert before is not None and after is not None
    assert (after.since, after.at, after.why) == (before.since, before.at, "exit status 2")


@pytest.mark.conformance_negative("FSM-25")
def test_before_its_first_result_a_script_without_weight_is_a_fault_and_one_with_weight_counts_as_down() -> None:
    """FSM-25: nobody becomes master on a check that was never made."""
    weighty = book(Tracking(track_script=(TrackReference("chk"),)), Links())
    plain = book(Tracking(track_script=(TrackReference("chk", weight=0),)), Links())

    assert weighty.assess("VI_1", 100).effective_priority == 80
    assert plain.assess("VI_1", 100).faults == ("script chk waits for its first result",)
    (shown,) = plain.instance_status("VI_1")
    assert (shown["result"], shown["why"], shown["since"]) == (None, "waits for its first result", None)


def test_results_that_are_not_told_any_more_are_forgotten_but_not_those_of_bfd() -> None:
    tracked = book(Tracking(), Links())
    tracked.findings.note("bfd", "peer", True, "", NOW)
    tracked.findings.tell({"script:chk": {"up": True}}, NOW)

    assert tracked.findings.tell({}, NOW)
    assert tracked.findings.of("script", "chk") is None
    assert tracked.findings.of("bfd", "peer") is not None


class TestAMemberOfAGroup:
    def group(self, **options: t.Any) -> t.Dict[str, t.Any]:
        tracking = Tracking(track_interface=(TrackReference("eth1"),))
        return {"vrrp_sync_groups": {"G": VrrpSyncGroup("G", ("VI_1",), tracking=tracking, **options)}}

    def test_has_the_trackers_of_its_group(self) -> None:
        tracked = book(Tracking(), Links(), **self.group())

        assert tracked.assess("VI_1", 100).faults == ("interface eth1 is down: does not exist",)

    def test_has_its_own_weights_only_where_the_group_allows_it(self) -> None:
        own = Tracking(track_script=(TrackReference("chk"),))

        assert book(own, Links(ETH1), **self.group()).assess("VI_1", 100).effective_priority == 100
        allowed = book(own, Links(ETH1), **self.group(sync_group_tracking_weight=True))
        assert allowed.assess("VI_1", 100).effective_priority == 80

    def test_has_its_own_faults_in_any_case(self) -> None:
        own = Tracking(track_script=(TrackReference("chk", weight=0),))
        tracked = book(own, Links(ETH1), **self.group())
        tracked.findings.tell({"script:chk": {"up": False, "why": "exit status 1"}}, NOW)

        assert tracked.assess("VI_1", 100).faults == ("script chk is down: exit status 1",)


DEFINITIONS: t.Dict[str, t.Any] = {
    "vrrp_scripts": {"chk": SCRIPT},
    "track_files": {"load": FILE},
    "vrrp_track_processes": {"web": VrrpTrackProcess("web", ("nginx",), weight=-30)},
    "bfd_instances": {"gw": BfdInstance("gw", "192.0.2.2", weight=-40)},
}
# Kind, name, the weight that the reference says, what it is told, the priority of then.
KINDS = [
    ("interface", "eth1", -50, None, 50),
    ("script", "chk", None, {"up": False, "why": ""}, 80),
    ("file", "load", None, {"value": 5}, 110),
    ("process", "web", None, {"up": False, "why": ""}, 70),
    ("bfd", "gw", None, False, 60),
]


@pytest.mark.parametrize("of_group", [False, True], ids=["instance", "group"])
@pytest.mark.parametrize(("kind", "name", "weight", "told", "priority"), KINDS, ids=[row[0] for row in KINDS])
def test_every_kind_of_tracker_counts_for_an_instance_and_for_a_group(
    kind: str, name: str, weight: t.Optional[int], told: t.Any, priority: int, of_group: bool
) -> None:
    tracking = Tracking(**{f"track_{kind}": (TrackReference(name, weight=weight),)})
    group = {"vrrp_sync_groups": {"G": VrrpSyncGroup("G", ("VI_1",), tracking=tracking)}} if of_group else {}
    tracked = book(Tracking() if of_group else tracking, Links(), **DEFINITIONS, **group)
    if kind == "bfd":
        tracked.findings.note("bfd", name, told, "", NOW)
    elif told is not None:
        tracked.findings.tell({f"{kind}:{name}": told}, NOW)
    assert tracked.assess("VI_1", 100).effective_priority == priority


@pytest.mark.parametrize(
    ("said_here", "said_there", "priority"),
    [(None, False, 70), (None, True, 130), (True, False, 130), (False, True, 70)],
)
def test_reverse_of_the_definition_counts_unless_the_reference_says_something(
    said_here: t.Optional[bool], said_there: bool, priority: int
) -> None:
    web = VrrpTrackProcess("web", ("nginx",), weight=-30, reverse=said_there)
    tracking = Tracking(track_process=(TrackReference("web", reverse=said_here),))
    tracked = book(tracking, Links(), vrrp_track_processes={"web": web})
    tracked.findings.tell({"process:web": {"up": False, "why": ""}}, NOW)
    assert tracked.assess("VI_1", 100).effective_priority == priority
