# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One virtual router and what moves it beside adverts: trackers, operators, its own link; and whom it tells."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mainstay.daemon.vrrp import announcer as vrrp_announcer
from mainstay.model.commands import Command
from mainstay.model.tracking import TrackReference, VrrpScript
from mainstay.model.units import seconds
from mainstay.model.vrrp_config import Authentication, Tracking
from mainstay.net.standing import Standing
from mainstay.vrrp.events import Influence
from mainstay.vrrp.tracking import Assessment

from .lab import INSTANCE, NO_CARRIER, USABLE, RecordedFrames, Story, advert


@pytest.fixture(autouse=True)
def frames(monkeypatch: pytest.MonkeyPatch) -> None:
    RecordedFrames.sent, RecordedFrames.open, RecordedFrames.refuse = [], 0, 0
    monkeypatch.setattr(vrrp_announcer, "FrameSocket", RecordedFrames)


# ---- what scripts, mails and the journal of events hear


def events(story: Story) -> list[tuple[str, str, int]]:
    return [(one.event, one.before, one.priority) for one in story.happenings]


def test_every_transition_happens_and_an_end_in_order_is_a_stop() -> None:
    story = Story().master()
    story.hears(advert(200))
    story.runner.stop(story.poller.now())
    assert events(story) == [
        ("BACKUP", "INIT", 100),
        ("MASTER", "BACKUP", 100),
        ("BACKUP", "MASTER", 100),
        ("STOP", "BACKUP", 100),
    ]
    assert story.happenings[2].reason == "192.0.2.2 advertises priority 200 against our 100"
    assert {(one.kind, one.name) for one in story.happenings} == {("INSTANCE", "VI_1")}


def test_an_instance_that_a_reload_drops_is_deleted_not_stopped() -> None:
    story = Story().master()
    story.runner.stop(story.poller.now(), dropped=True)
    assert events(story)[-1] == ("DELETED", "MASTER", 100)


def test_a_lesser_master_is_told_while_the_state_stays() -> None:
    story = Story().master()
    story.hears(advert(50))
    assert events(story)[-1] == ("MASTER_RX_LOWER_PRI", "MASTER", 100)
    assert "192.0.2.2" in story.happenings[-1].reason


# ---- what is tracked, and operators


def weighs(story: Story, effective: int, *faults: str, demoted: bool = False) -> None:
    why = (Influence("chk", effective - 100, story.poller.now()),) if effective != 100 else ()
    story.runner.influence(Assessment(effective, faults, why), demoted, story.poller.now())


@pytest.mark.conformance("FSM-25")
def test_a_moved_priority_is_in_the_next_advert_and_told_with_its_reason() -> None:
    """FSM-25."""
    story = Story().master()
    weighs(story, 60)
    story.passes(1)
    assert story.port.priorities[-1] == 60
    assert events(story)[-1] == ("MASTER_PRIORITY", "MASTER", 60)
    assert story.happenings[-1].reason == "effective priority 60 of 100 (base 100, chk -40)"
    assert story.status["problems"] == ["priority is 60 instead of 100: chk -40"]
    weighs(story, 100)
    assert story.happenings[-1].reason == "effective priority 100 of 100"
    weighs(story, 60)
    assert [(one["name"], one["change"]) for one in story.status["priority_because"]] == [("chk", -40)]


def test_the_same_assessment_again_is_no_event() -> None:
    story = Story().master()
    weighs(story, 60)
    happened = len(story.happenings)
    weighs(story, 60)
    assert len(story.happenings) == happened


@pytest.mark.conformance("FSM-24")
def test_a_failed_tracker_is_a_fault_with_priority_0_and_without_the_address() -> None:
    """FSM-24; it comes back as BACKUP."""
    story = Story().master()
    weighs(story, 100, "script chk is down: exit status 1")
    assert story.state == "FAULT" and not story.holds and story.port.priorities[-1] == 0
    assert story.status["problems"] == story.status["faults"] == ["script chk is down: exit status 1"]
    weighs(story, 100)
    assert story.state == "BACKUP"


@pytest.mark.conformance_negative("FSM-24")
def test_a_fault_of_two_causes_stays_until_the_second_is_gone() -> None:
    """FSM-24."""
    story = Story().master()
    weighs(story, 100, "script chk is down")
    story.link_is(NO_CARRIER)
    weighs(story, 100)
    assert story.state == "FAULT" and story.status["faults"] == ["no carrier on eth0"]
    story.link_is(USABLE)
    assert story.state == "BACKUP"


def test_a_demoted_master_resigns_and_says_everywhere_that_it_is_demoted() -> None:
    story = Story().master()
    weighs(story, 100, demoted=True)
    assert story.state == "BACKUP" and story.port.priorities[-1] == 0
    assert story.status["demoted"] and "demoted by an operator" in story.status["problems"][0]


def test_a_reload_with_another_priority_never_advertises_it_without_what_is_tracked() -> None:
    story = Story(replace(INSTANCE, tracking=Tracking(track_interface=(TrackReference("eth9", -40),)))).master()
    story.runner.influence(story.tracking.assess("VI_1", 100), False, story.poller.now())
    sent = len(story.port.priorities)
    story.reloads(replace(story.runner.instance, priority=150))
    story.passes(1)
    assert set(story.port.priorities[sent:]) == {110}


# ---- its own interface


@pytest.mark.parametrize("dont_track_primary", [False, True])
def test_without_carrier_a_master_stays_only_when_it_was_told_not_to_care(dont_track_primary: bool) -> None:
    story = Story(replace(INSTANCE, dont_track_primary=dont_track_primary)).master()
    story.link_is(NO_CARRIER)
    story.passes(10)
    assert (story.state, story.holds) == (("MASTER", True) if dont_track_primary else ("FAULT", False))


def test_an_interface_that_is_gone_is_a_fault_whoever_cares() -> None:
    story = Story(replace(INSTANCE, dont_track_primary=True)).master()
    story.link_is(Standing(None, None, "interface eth0 does not exist"))
    assert story.state == "FAULT" and story.status["faults"] == ["interface eth0 does not exist"]


def test_a_reload_that_begins_to_care_sees_the_carrier_that_is_gone() -> None:
    story = Story(replace(INSTANCE, dont_track_primary=True)).master()
    story.link_is(NO_CARRIER)
    story.reloads(INSTANCE)
    assert story.state == "FAULT"


def test_what_an_instance_is_authenticated_by_is_never_shown() -> None:
    story = Story(replace(INSTANCE, version=2, authentication=Authentication("PASS", "geheim"))).started()
    assert story.status["authentication"] == "PASS"
    assert "geheim" not in str(story.status) + story.log


def test_held_at_the_start_it_neither_listens_nor_takes_over() -> None:
    story = Story()
    story.runner.make_ready(story.poller.now())
    story.runner.start(story.poller.now(), False, story.poller.now() + seconds(20))
    story.passes(19)
    assert story.state == "BACKUP" and story.port.sent == []
    story.passes(6)
    assert story.state == "MASTER"


CHECKED = replace(INSTANCE, tracking=Tracking(track_script=(TrackReference("chk"),)))
SCRIPTS = {"chk": VrrpScript("chk", Command(("/bin/true",)))}


def test_a_check_that_was_never_made_is_no_failure_to_tell_scripts_of() -> None:
    """It is FAULT all the same: nobody becomes master on the strength of it."""
    script = VrrpScript("chk", Command(("/bin/true",)))
    story = Story(
        replace(INSTANCE, tracking=Tracking(track_script=(TrackReference("chk"),))), vrrp_scripts={"chk": script}
    )
    assess(story)
    story.started()
    assert (story.state, story.happenings) == ("FAULT", []) and "error" not in story.log

    story.tracking.findings.tell({"script:chk": {"up": False, "why": "exit status 1"}}, story.poller.now())
    assess(story)
    assert story.status["faults"] == ["script chk is down: exit status 1"]
    story.tracking.findings.tell({"script:chk": {"up": True, "why": "exit status 0"}}, story.poller.now())
    assess(story)
    assert [one.event for one in story.happenings] == ["FAULT", "BACKUP"], "its first result was a failure"


def test_a_first_result_that_is_good_tells_of_no_fault_at_all() -> None:
    story = Story(CHECKED, vrrp_scripts=SCRIPTS)
    assess(story)
    story.started()
    story.tracking.findings.tell({"script:chk": {"up": True, "why": "exit status 0"}}, story.poller.now())
    assess(story)
    assert (story.state, [one.event for one in story.happenings]) == ("BACKUP", ["BACKUP"])


def test_a_link_that_is_missing_while_a_check_was_never_made_is_a_failure() -> None:
    script = VrrpScript("chk", Command(("/bin/true",)))
    story = Story(
        replace(INSTANCE, tracking=Tracking(track_script=(TrackReference("chk"),))), vrrp_scripts={"chk": script}
    )
    assess(story)
    story.port.standing = NO_CARRIER
    story.started()
    assert [one.event for one in story.happenings] == ["FAULT"]


def assess(story: Story) -> None:
    """As the worker does when a result came."""
    story.runner.influence(story.tracking.assess("VI_1", 100), False, story.poller.now())
