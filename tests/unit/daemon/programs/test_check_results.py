# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the health worker is told of checks that it does not make itself: files, BFD sessions and programs together."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest

from mainstay.daemon.journal import Journal
from mainstay.daemon.programs.bfd_results import PATIENCE, BfdResults
from mainstay.daemon.programs.trackers import Trackers
from mainstay.daemon.worker import Happening
from mainstay.model.check_config import BfdCheck, Check, FileCheck, MiscCheck, TcpCheck
from mainstay.model.config import Config
from mainstay.model.lvs_config import RealServer, VirtualServer
from mainstay.model.tracking import BfdInstance, TrackFile, TrackReference
from mainstay.model.units import seconds
from mainstay.model.vrrp_config import Tracking, VrrpInstance

from ...scripted_poller import ScriptedPoller
from .script_lab import ScriptLab


def bfd(event: str, name: str = "gw", reason: str = "because") -> Happening:
    return Happening("BFD", name, event, 0, reason, "", "2026-01-01T00:00:00+00:00")


class Sessions:
    """BFD results on a clock that the test moves."""

    def __init__(self) -> None:
        self.poller = ScriptedPoller()
        self.told: t.List[t.Dict[str, bool]] = []
        self.results = BfdResults(self.poller, self._changed)
        self.results.configure(frozenset({"gw"}), {"gw", "other"})

    def _changed(self) -> None:
        self.told.append({key: result["up"] for key, result in self.results.results().items()})

    def happens(self, *events: str, name: str = "gw") -> None:
        for event in events:
            self.results.happened(bfd(event, name), self.poller.now())


@pytest.fixture
def sessions() -> Sessions:
    return Sessions()


def test_up_and_down_are_told_at_once_and_only_when_they_change(sessions: Sessions) -> None:
    sessions.happens("UP", "UP", "DOWN", "DOWN")
    assert sessions.told == [{"bfd:gw": True}, {"bfd:gw": False}]


def test_a_worker_that_begins_anew_takes_no_server_out(sessions: Sessions) -> None:
    sessions.happens("START", "UP")
    sessions.happens("START")
    sessions.poller.run_for(PATIENCE // 2)
    sessions.happens("UP")
    sessions.poller.run_for(PATIENCE)
    assert sessions.told == [{"bfd:gw": True}]


def test_a_neighbor_that_stays_silent_is_down(sessions: Sessions) -> None:
    sessions.happens("START")
    sessions.poller.run_for(PATIENCE - 1)
    assert sessions.told == []
    sessions.poller.run_for(1)
    assert sessions.told == [{"bfd:gw": False}]


def test_a_session_that_no_check_follows_is_remembered_and_not_told(sessions: Sessions) -> None:
    sessions.happens("UP", name="other")
    assert sessions.told == [] and sessions.results.results() == {}
    sessions.results.configure(frozenset({"other"}), {"other"})
    assert sessions.results.results()["bfd:other"]["up"] is True


class Story:
    """The trackers of a supervisor, with real files and programs."""

    def __init__(self, folder: Path) -> None:
        self.lab = ScriptLab(folder)
        self.load, self.other = folder / "load", folder / "other"
        self.vrrp: t.List[t.Dict[str, t.Any]] = []
        self.checks: t.List[t.Dict[str, t.Any]] = []
        journal = Journal(lambda _text: True)
        runners = self.lab.runner, self.lab.runner
        self.trackers = Trackers(self.lab.loop, journal, *runners, self.vrrp.append, self.checks.append)

    def configure(self, *checks: Check) -> None:
        server = RealServer("192.0.2.21", 80, checks=checks)
        instance = VrrpInstance("VI_1", "eth0", 51, tracking=Tracking(track_file=(TrackReference("other"),)))
        files = {"load": TrackFile("load", str(self.load)), "other": TrackFile("other", str(self.other))}
        config = Config(
            track_files=files,
            bfd_instances={"gw": BfdInstance("gw", "192.0.2.1")},
            vrrp_instances={"VI_1": instance},
            virtual_servers={"web": VirtualServer("web", "192.0.2.10", 80, protocol="TCP", real_servers=(server,))},
        )
        self.trackers.configure(config, self.lab.loop.now())

    def close(self) -> None:
        self.trackers.close(self.lab.loop.now())
        self.lab.close()


@pytest.fixture
def story(folder: Path) -> t.Iterator[Story]:
    made = Story(folder)
    yield made
    made.close()


def test_each_worker_is_told_the_files_that_count_there(story: Story) -> None:
    story.load.write_text("7")
    story.other.write_text("3")
    story.configure(FileCheck(track_file="load"), TcpCheck())
    assert story.vrrp[-1] == {"file:other": {"value": 3, "why": ""}}
    assert story.checks[-1] == {"file:load": {"value": 7, "why": ""}}
    times = len(story.vrrp)

    story.load.write_text("-5")

    story.lab.loop.until(lambda: story.checks[-1]["file:load"]["value"] == -5, "the new number")
    assert len(story.vrrp) == times, "the other worker has nothing new to hear"


def test_a_file_that_is_missing_counts_0_and_says_why(story: Story) -> None:
    story.configure(FileCheck(track_file="load"))
    assert story.checks[-1] == {"file:load": {"value": 0, "why": "cannot be read: No such file or directory"}}


def test_programs_files_and_sessions_come_in_one_message_by_the_names_of_the_checks(story: Story) -> None:
    story.load.write_text("1")
    good = story.lab.program("good", "exit 0")
    story.configure(
        TcpCheck(),
        MiscCheck(misc_path=good, warmup=0, misc_timeout=seconds(10)),
        FileCheck(track_file="load"),
        BfdCheck(name="gw"),
    )
    story.trackers.happened(bfd("UP"), story.lab.loop.now())
    story.lab.loop.until(lambda: len(story.checks[-1]) == 3, "the three results")
    told = story.checks[-1]
    (program,) = [key for key in told if key.startswith("misc:web 192.0.2.21:80 ")]
    assert set(told) == {program, "file:load", "bfd:gw"}
    assert told[program]["up"] is told["bfd:gw"]["up"] is True
    assert set(told[program]) == {"up", "weight", "why", "at"}


def test_without_such_checks_the_health_worker_hears_nothing(story: Story) -> None:
    story.configure(TcpCheck())
    assert story.checks == []
