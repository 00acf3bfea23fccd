# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The supervisor's programs from the start of the daemon to its end."""

from __future__ import annotations

import dataclasses
import typing as t
from pathlib import Path

import pytest

from mainstay.daemon.journal import Journal
from mainstay.daemon.programs.programs import Programs
from mainstay.daemon.worker import Happening
from mainstay.model.config import Config, GlobalDefs
from mainstay.model.tracking import TrackFile, TrackReference, VrrpScript, VrrpTrackProcess
from mainstay.model.units import seconds
from mainstay.model.vrrp_config import Notifications, Tracking, VrrpInstance, VrrpSyncGroup

from .script_lab import ScriptLab, gone, lines

NOTHING_TRACKED, NOBODY_TOLD = Tracking(), Notifications()


def nobody_explains(_instance: str, taken: t.Callable[[None], None]) -> t.Callable[[], None]:
    """As of a worker that is not there."""
    taken(None)
    return lambda: None


class Story:
    def __init__(self, folder: Path) -> None:
        self.lab = ScriptLab(folder)
        self.folder = folder
        self.log: list[str] = []
        self.published: list[dict[str, t.Any]] = []
        self.steps: list[str] = []
        journal = Journal(lambda text: bool(self.log.append(text)) or True, under_systemd=True)
        self.told_of_checks: list[dict[str, t.Any]] = []
        publish = self.published.append, self.told_of_checks.append
        self.programs = Programs(self.lab.loop, journal, *publish, str(folder / "state"), nobody_explains)
        self.calls_file = folder / "calls"

    @property
    def now(self) -> int:
        return self.lab.loop.now()

    def configure(
        self, tracking: Tracking = NOTHING_TRACKED, notify: Notifications = NOBODY_TOLD, **sections: t.Any
    ) -> None:
        defs = dataclasses.replace(sections.pop("defs", GlobalDefs()), script_user="root")
        instance = VrrpInstance("VI_1", "eth0", 51, tracking=tracking, notifications=notify)
        config = Config(defs, vrrp_instances={"VI_1": instance}, **sections)
        self.programs.configure(config, self.now)

    def start(self) -> None:
        self.programs.start(lambda _now: self.steps.append("started"))

    def happens(self, event: str) -> None:
        self.programs.happened(Happening("INSTANCE", "VI_1", event, 100, "", "", ""), self.now)

    def finish(self) -> None:
        self.programs.stop(self.now)
        self.programs.finish(self.now, lambda _now: self.steps.append("left"))
        self.lab.loop.until(lambda: "left" in self.steps, "the end")


@pytest.fixture
def story(folder: Path) -> t.Iterator[Story]:
    made = Story(folder)
    yield made
    if "left" not in made.steps:
        made.finish()
    made.lab.close()


def test_without_a_startup_script_everything_starts_at_once(story: Story) -> None:
    story.configure()
    story.start()
    assert story.steps == ["started"]


@pytest.mark.parametrize(("ending", "said"), [("exit 0", "exit status 0"), ("exit 3", "exit status 3")])
def test_the_startup_script_ends_before_anything_starts(story: Story, ending: str, said: str) -> None:
    startup = story.lab.program("startup", f"echo startup >> {story.calls_file}; {ending}")
    check = story.lab.program("check", f"echo check >> {story.calls_file}")
    story.configure(
        Tracking(track_script=(TrackReference("chk"),)),
        vrrp_scripts={"chk": VrrpScript("chk", check)},
        defs=GlobalDefs(startup_script=startup),
    )
    story.start()
    assert story.steps == []
    story.lab.loop.until(lambda: story.published, "the first result")
    assert story.steps == ["started"] and lines(story.calls_file)[:2] == ["startup", "check"]
    assert f"mainstayd: startup_script: {said}" in story.log[0]


def test_a_startup_script_that_hangs_is_ended(story: Story) -> None:
    hangs = story.lab.program("hangs", "sleep 100")
    story.configure(defs=GlobalDefs(startup_script=hangs, startup_script_timeout=seconds(0.2)))
    story.start()
    story.lab.loop.until(lambda: story.steps, "the start")
    assert "startup_script: did not end within 0.2 s" in story.log[0]


def test_a_stop_meanwhile_ends_the_startup_script(story: Story) -> None:
    story.configure(defs=GlobalDefs(startup_script=story.lab.program("hangs", "sleep 100")))
    story.start()
    story.finish()
    assert "startup_script: mainstayd stops" in story.log[0]


def test_only_what_is_referred_to_is_tracked_and_all_results_are_told_together(story: Story, folder: Path) -> None:
    (folder / "load").write_text("-3")
    sections = {
        "vrrp_scripts": {name: VrrpScript(name, story.lab.program(name, "true")) for name in ("used", "unused")},
        "track_files": {"load": TrackFile("load", str(folder / "load"))},
        "vrrp_track_processes": {"none": VrrpTrackProcess("none", ("no-such-process",))},
        "vrrp_sync_groups": {
            "VG_1": VrrpSyncGroup("VG_1", ("VI_1",), tracking=Tracking(track_process=(TrackReference("none"),)))
        },
    }
    story.configure(Tracking(track_script=(TrackReference("used"),), track_file=(TrackReference("load"),)), **sections)
    story.start()
    story.lab.loop.until(lambda: len(story.published) == 2, "the result of the script")
    assert story.published[-1] == {
        "script:used": {"up": True, "why": "exit status 0"},
        "file:load": {"value": -3, "why": ""},
        "process:none": {"up": False, "why": "0 running, 1 wanted"},
    }
    assert set(t.cast(t.Any, story.programs.status()["trackers"])) == set(story.published[-1])
    story.configure(Tracking(), **sections)
    assert list(story.published[-1]) == ["process:none"]


def test_what_a_group_tracks_is_looked_at_like_what_an_instance_tracks(story: Story, folder: Path) -> None:
    (folder / "load").write_text("-3")
    everything = Tracking(
        track_script=(TrackReference("chk"),),
        track_file=(TrackReference("load"),),
        track_process=(TrackReference("none"),),
    )
    story.configure(
        vrrp_scripts={"chk": VrrpScript("chk", story.lab.program("chk", "true"))},
        track_files={"load": TrackFile("load", str(folder / "load"))},
        vrrp_track_processes={"none": VrrpTrackProcess("none", ("no-such-process",))},
        vrrp_sync_groups={"VG_1": VrrpSyncGroup("VG_1", ("VI_1",), tracking=everything)},
    )
    story.start()
    story.lab.loop.until(lambda: len(story.published) == 2, "the result of the script")
    assert set(story.published[-1]) == {"script:chk", "file:load", "process:none"}


def test_nothing_is_told_when_nothing_is_tracked(story: Story) -> None:
    story.configure()
    story.start()
    assert story.published == []


def test_the_end_waits_for_stop_then_runs_the_shutdown_script(story: Story) -> None:
    story.configure(
        notify=Notifications(notify_stop=story.lab.program("stop", f"sleep 0.3; echo stop >> {story.calls_file}")),
        defs=GlobalDefs(shutdown_script=story.lab.program("shutdown", f"echo shutdown >> {story.calls_file}")),
    )
    story.start()
    story.happens("STOP")
    story.finish()
    assert lines(story.calls_file) == ["stop", "shutdown"] and story.steps == ["started", "left"]


def test_a_shutdown_script_that_hangs_is_ended(story: Story) -> None:
    hangs = story.lab.program("hangs", "sleep 100")
    story.configure(defs=GlobalDefs(shutdown_script=hangs, shutdown_script_timeout=seconds(0.2)))
    story.start()
    story.finish()
    assert "shutdown_script: did not end within 0.2 s" in story.log[0]


def test_a_check_that_ignores_sigterm_is_gone_before_we_are(story: Story) -> None:
    stuck = story.lab.program("stuck", f"trap '' TERM; echo $$ >> {story.calls_file}; while :; do sleep 1; done")
    story.configure(Tracking(track_script=(TrackReference("chk"),)), vrrp_scripts={"chk": VrrpScript("chk", stuck)})
    story.start()
    story.lab.loop.until(lambda: lines(story.calls_file), "the check to run")
    story.finish()
    assert gone(int(lines(story.calls_file)[0]))


def test_the_end_is_bounded_and_what_hangs_is_killed(story: Story) -> None:
    stuck = story.lab.program("stuck", f"trap '' TERM; echo $$ >> {story.calls_file}; while :; do sleep 1; done")
    story.configure(notify=Notifications(notify_master=stuck, notify_stop=stuck))
    story.start()
    for state in ("MASTER", "STOP"):
        story.happens(state)
    story.finish()
    assert len(lines(story.calls_file)) == 2
    assert [line.split(": ", 2)[2].strip() for line in story.log] == [
        "mainstayd stops and others wait for it",
        "mainstayd stops",
    ]
