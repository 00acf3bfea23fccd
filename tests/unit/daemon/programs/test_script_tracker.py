# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""vrrp_script: when it runs, and when it is up."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest

from mainstay.daemon.journal import Journal
from mainstay.daemon.programs.script_run import Done, ScriptResult
from mainstay.daemon.programs.script_tracker import RiseFall
from mainstay.daemon.programs.script_trackers import ScriptTrackers
from mainstay.daemon.programs.scripts import ScriptRunner, Turn
from mainstay.model.commands import Command
from mainstay.model.tracking import VrrpScript
from mainstay.model.units import Duration, as_seconds, seconds
from unit.scripted_poller import ScriptedPoller

CHECK = VrrpScript("chk", Command(("/usr/bin/check",)))


@pytest.mark.parametrize(
    ("rise", "fall", "start", "results", "verdicts"),
    [
        (1, 1, None, "+-+", "+-+"),
        (3, 2, None, "+----", "++---"),
        (3, 2, None, "-++-+++", "-----" + "-+"),
        (2, 1, False, "+-++", "---+"),
        (4, 1, False, "++++", "---+"),
    ],
)
def test_the_first_result_decides_and_later_ones_need_a_row(
    rise: int, fall: int, start: bool | None, results: str, verdicts: str
) -> None:
    count = RiseFall(rise, fall, start)
    seen = ""
    for result in results:
        count.add(result == "+")
        seen += "+" if count.up else "-"
    assert seen == verdicts


class FakeRunner:
    """Remembers what it was asked to run; the test says how it ends."""

    def __init__(self, poller: ScriptedPoller) -> None:
        self.poller = poller
        self.asked: list[tuple[str, Duration | None, int]] = []
        self._done: list[Done] = []

    def run(self, command: Command, arguments: t.Sequence[str], timeout: Duration | None, done: Done) -> Turn:
        self.asked.append((command.argv[0], timeout, self.poller.clock))
        self._done.append(done)
        return Turn(t.cast(ScriptRunner, self), command, arguments, timeout, done)

    def leave_line(self, _turn: Turn, _why: str, _now: int) -> None:
        """The test ends it."""

    def problem(self, command: Command) -> str:
        return f"{command.argv[0]} is bad" if "bad" in command.argv[0] else ""

    def end(self, status: int | None, reason: str = "exit status") -> None:
        self._done.pop(0)(ScriptResult(status, reason, 0), self.poller.clock)

    @property
    def running(self) -> int:
        return len(self._done)


class Story:
    def __init__(self) -> None:
        self.poller = ScriptedPoller()
        self.runner = FakeRunner(self.poller)
        self.log: list[str] = []
        self.published = 0
        self.start = self.poller.clock
        journal = Journal(lambda text: bool(self.log.append(text)) or True, under_systemd=True)
        self.trackers = ScriptTrackers(self.poller, journal, t.cast(ScriptRunner, self.runner), self._changed)

    def _changed(self) -> None:
        self.published += 1

    def configure(self, *scripts: VrrpScript) -> None:
        self.trackers.configure({script.name: script for script in scripts}, self.poller.clock)

    def runs_at(self) -> list[float]:
        return [as_seconds(at - self.start) for _program, _timeout, at in self.runner.asked]

    def turn(self, duration: float, status: int | None = 0) -> None:
        """Let time pass, then let what runs end."""
        self.poller.run_for(seconds(duration))
        self.runner.end(status)


def test_it_runs_at_once_and_then_with_every_interval() -> None:
    story = Story()
    story.configure(dataclasses.replace(CHECK, interval=seconds(2)))
    story.turn(0)
    assert story.trackers.results() == {"script:chk": {"up": True, "why": "exit status"}}
    story.turn(2)
    story.turn(2)
    assert story.runs_at() == [0, 2, 4]
    assert story.runner.asked[0][1] == seconds(2), "the timeout is the interval"


def test_there_is_no_result_before_the_first_one() -> None:
    story = Story()
    story.configure(CHECK)
    story.poller.run_for(0)
    assert story.trackers.results() == {} and story.published == 0


def test_many_scripts_do_not_all_start_at_once() -> None:
    story = Story()
    story.configure(*(dataclasses.replace(CHECK, name=f"chk{number}") for number in range(5)))
    story.poller.run_for(seconds(0.2))
    assert story.runs_at() == [0, 0.02, 0.04, 0.06, 0.08]


def test_a_run_that_is_still_going_on_is_skipped_not_stacked() -> None:
    story = Story()
    story.configure(dataclasses.replace(CHECK, interval=seconds(1), timeout=seconds(10)))
    story.poller.run_for(seconds(3.5))
    assert story.runs_at() == [0] and story.runner.running == 1
    assert story.trackers.status()["script:chk"]["skipped"] == 3
    story.runner.end(0)
    story.poller.run_for(seconds(1))
    assert story.runs_at() == [0, 4]


def test_turns_that_passed_while_the_machine_stood_still_are_not_made_up_for() -> None:
    story = Story()
    story.configure(CHECK)
    story.turn(0)
    story.poller.freeze_until(story.start + seconds(100.5))
    assert story.runs_at() == [0, 100.5]


def test_only_another_verdict_is_published_and_its_reason_with_it() -> None:
    story = Story()
    story.configure(dataclasses.replace(CHECK, fall=2))
    story.turn(0)
    story.turn(1, 1)
    assert story.published == 1
    story.turn(1, None)
    assert story.published == 2 and story.trackers.results()["script:chk"]["up"] is False
    story.turn(1, 1)
    assert story.published == 2
    assert [line.split(": ", 1)[1].strip() for line in story.log] == ["up: exit status", "down: exit status"]


def test_init_fail_is_down_from_the_beginning_until_rise_successes() -> None:
    story = Story()
    story.configure(dataclasses.replace(CHECK, init_fail=True, rise=2))
    assert story.trackers.results()["script:chk"]["up"] is False
    story.turn(0)
    assert story.trackers.results()["script:chk"]["up"] is False
    story.turn(1)
    assert story.trackers.results()["script:chk"]["up"] is True


def test_a_reload_keeps_what_it_does_not_change() -> None:
    story = Story()
    story.configure(CHECK)
    story.turn(0)
    story.poller.run_for(seconds(0.5))
    story.configure(CHECK)
    assert story.trackers.results()["script:chk"]["up"] is True
    story.poller.run_for(seconds(0.5))
    assert story.runs_at() == [0, 1]


def test_a_changed_definition_shows_the_old_verdict_until_its_own_first_result() -> None:
    story = Story()
    story.configure(CHECK)
    story.turn(0)
    story.configure(dataclasses.replace(CHECK, interval=seconds(5), fall=3))
    assert story.trackers.results()["script:chk"]["up"] is True
    story.turn(0, 1)
    assert story.trackers.results()["script:chk"]["up"] is False, "the first result of the new one decides"


def test_a_removed_script_runs_no_more_and_its_last_result_is_forgotten() -> None:
    story = Story()
    story.configure(CHECK)
    story.poller.run_for(0)
    story.configure()
    story.runner.end(0)
    story.poller.run_for(seconds(5))
    assert story.runs_at() == [0] and story.trackers.results() == {} and story.published == 0


def test_a_program_that_cannot_be_run_is_told_when_it_is_configured() -> None:
    story = Story()
    story.configure(dataclasses.replace(CHECK, script=Command(("/bad",))))
    assert "vrrp_script chk: /bad is bad; its runs count as failed" in story.log[0]
