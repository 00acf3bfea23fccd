# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""MISC_CHECKs on a clock that the test moves, with programs whose exit status it decides; a few with real ones."""

from __future__ import annotations

import dataclasses
import typing as t
from pathlib import Path

import pytest

from mainstay.daemon.journal import Journal
from mainstay.daemon.programs.misc_checks import MiscChecks
from mainstay.daemon.programs.script_run import ScriptResult
from mainstay.daemon.programs.scripts import ScriptRunner
from mainstay.model.check_config import MiscCheck
from mainstay.model.commands import Command
from mainstay.model.units import Duration, seconds

from ...scripted_poller import ScriptedPoller
from .script_lab import ScriptLab, gone, lines

KEY = "misc:web 192.0.2.21:80 0"
OTHER = "misc:mail 192.0.2.21:25 1"
CHECK = MiscCheck(
    misc_path=Command(("/opt/check", "--all")),
    misc_timeout=seconds(4),
    delay_loop=seconds(10),
    delay_before_retry=seconds(2),
    retry=1,
    warmup=seconds(8),
    alpha=False,
)


class PlayedRun:
    """A program that runs until the test ends it."""

    def __init__(self) -> None:
        self.ended = ""

    def end(self, why: str, _now: int) -> None:
        self.ended = why


class PlayedRunner:
    """Stands in for ScriptRunner."""

    def __init__(self) -> None:
        self.asked: t.List[t.Tuple[Command, t.Optional[Duration]]] = []
        self.runs: t.List[PlayedRun] = []
        self.done: t.List[t.Callable[[ScriptResult, int], None]] = []
        self.trouble = ""

    def problem(self, _command: Command) -> str:
        return self.trouble

    def run(
        self, command: Command, arguments: t.Sequence[str], timeout: t.Optional[Duration], done: t.Any
    ) -> PlayedRun:
        assert arguments == ()
        self.asked.append((command, timeout))
        self.runs.append(PlayedRun())
        self.done.append(done)
        return self.runs[-1]


class Story:
    """The checks of a supervisor."""

    def __init__(self) -> None:
        self.poller = ScriptedPoller()
        self.runner = PlayedRunner()
        self.told: t.List[t.Dict[str, t.Any]] = []
        self.log: t.List[str] = []
        journal = Journal(lambda text: bool(self.log.append(text)) or True)
        self.checks = MiscChecks(
            self.poller, journal, t.cast(ScriptRunner, self.runner), self._changed, chance=lambda: 0.5
        )

    def _changed(self) -> None:
        self.told.append(self.checks.results())

    def configure(self, **wanted: MiscCheck) -> None:
        self.checks.configure(
            {KEY if key == "web" else OTHER: check for key, check in wanted.items()}, self.poller.now()
        )

    def ends(self, status: t.Optional[int], after: float = 0.0, reason: str = "") -> None:
        """The program that runs ends so."""
        self.poller.run_for(seconds(after))
        result = ScriptResult(status, reason or f"exit status {status}", seconds(after))
        self.runner.done[-1](result, self.poller.now())

    def run(self, *statuses: t.Optional[int]) -> None:
        """So many runs, each ending at once."""
        for status in statuses:
            before = len(self.runner.asked)
            while len(self.runner.asked) == before:
                self.poller.run_until(self.poller.pending[0])
            self.ends(status)

    def levels(self) -> t.List[t.Tuple[bool, t.Optional[int]]]:
        """Up and weight, each time that the worker was told."""
        return [(one[KEY]["up"], one[KEY]["weight"]) for one in self.told]


@pytest.fixture
def story() -> Story:
    return Story()


def test_the_first_run_comes_within_warmup_with_the_command_and_its_timeout(story: Story) -> None:
    story.configure(web=CHECK)
    story.poller.run_for(seconds(3.9))
    assert story.runner.asked == []
    story.poller.run_for(seconds(0.2))
    assert story.runner.asked == [(CHECK.misc_path, seconds(4))]
    assert story.checks.results() == {}, "nothing is known before it has ended"


def test_only_what_changes_the_verdict_is_told(story: Story) -> None:
    story.configure(web=CHECK)
    story.run(0, 0, 0, 1, 0, 1, 1, 1, 0, 0)
    assert story.levels() == [(True, None), (False, None), (True, None)]
    assert story.told[1][KEY]["why"] == "exit status 1"


def test_between_two_states_it_runs_sooner_and_else_every_delay_loop(story: Story) -> None:
    story.configure(web=CHECK)
    story.run(0)
    began = story.poller.now()
    story.run(0)
    assert story.poller.now() - began == seconds(10)
    story.run(1)
    failed = story.poller.now()
    story.run(1)
    assert story.poller.now() - failed == seconds(2)


def test_the_time_that_a_run_takes_is_part_of_delay_loop_and_no_second_one_joins_it(story: Story) -> None:
    story.configure(web=CHECK)
    story.poller.run_for(seconds(4))
    began = story.poller.now()
    story.ends(0, after=3)
    story.poller.run_for(seconds(6.9))
    assert len(story.runner.asked) == 1
    story.poller.run_for(seconds(0.2))
    assert len(story.runner.asked) == 2 and story.poller.now() - began < seconds(10.2)
    story.poller.run_for(seconds(60))
    assert len(story.runner.asked) == 2, "it still runs"
    story.ends(0)
    story.poller.run_for(1)
    assert len(story.runner.asked) == 3


def test_rise_has_to_be_reached_before_it_is_up_again(story: Story) -> None:
    story.configure(web=dataclasses.replace(CHECK, rise=3, retry=0))
    story.run(1, 0, 0, 1, 0, 0)
    assert story.levels() == [(False, None)]
    story.run(0)
    assert story.levels()[-1] == (True, None)


@pytest.mark.parametrize(
    ("statuses", "levels"),
    [
        ((0,), [(True, None)]),
        ((2,), [(True, 0)]),
        ((255,), [(True, 253)]),
        ((12, 12, 22), [(True, 10), (True, 20)]),
        ((12, 0), [(True, 10), (True, None)]),
        ((12, 1), [(True, 10), (False, None)]),
        ((12, 1, 0), [(True, 10), (False, None), (True, None)]),
        ((None,), [(False, None)]),
    ],
    ids=["passed", "least", "most", "changes", "0 is the configured one", "1 is failed", "0 after 1", "killed"],
)
def test_misc_dynamic_makes_weights_of_exit_statuses(
    story: Story, statuses: t.Sequence[t.Optional[int]], levels: t.List[t.Tuple[bool, t.Optional[int]]]
) -> None:
    story.configure(web=dataclasses.replace(CHECK, misc_dynamic=True, retry=0))
    story.run(*statuses)
    assert story.levels() == levels


@pytest.mark.parametrize("status", [2, 12, 255])
def test_without_misc_dynamic_every_other_status_is_failed(story: Story, status: int) -> None:
    story.configure(web=dataclasses.replace(CHECK, retry=0))
    story.run(status)
    assert story.levels() == [(False, None)]


def test_equal_checks_run_once_for_all_their_servers(story: Story) -> None:
    story.configure(web=CHECK, mail=dataclasses.replace(CHECK))
    story.run(0)
    assert len(story.runner.asked) == 1 and set(story.told[-1]) == {KEY, OTHER}


def test_a_reload_leaves_an_equal_check_alone_and_ends_one_that_left(story: Story) -> None:
    story.configure(web=CHECK, mail=dataclasses.replace(CHECK, misc_path=Command(("/opt/other",))))
    story.poller.run_for(seconds(4))
    first, second = story.runner.runs
    story.runner.done[0](ScriptResult(0, "exit status 0", 0), story.poller.now())

    story.configure(web=dataclasses.replace(CHECK))

    assert (first.ended, second.ended) == ("", "is not wanted any more")
    assert set(story.checks.results()) == {KEY}
    story.runner.done[1](ScriptResult(1, "late", 0), story.poller.now())
    assert set(story.checks.results()) == {KEY}


def test_a_program_that_may_not_run_is_told_at_once_with_the_reason(story: Story) -> None:
    story.runner.trouble = "/opt/check can be written by everybody"
    story.configure(web=CHECK)
    assert "misc check of web 192.0.2.21:80: /opt/check can be written by everybody" in story.log[0]


@pytest.mark.fault("F64")
def test_programs_that_hang_and_flood_are_failures_and_leave_nothing(folder: Path) -> None:
    """F64, with real programs."""
    lab = ScriptLab(folder)
    log: t.List[str] = []
    told: t.List[int] = []
    checks = MiscChecks(
        lab.loop, Journal(lambda text: bool(log.append(text)) or True), lab.runner, lambda: told.append(1), lambda: 0.0
    )
    pid = folder / "pid"
    hangs = lab.program("hangs", f"trap '' TERM; echo $$ > {pid}; while :; do sleep 1; done")
    floods = lab.program("floods", "yes no")
    quick = dataclasses.replace(CHECK, misc_timeout=seconds(0.3), delay_loop=seconds(0.3), retry=0)
    checks.configure(
        {
            "misc:a 192.0.2.21:80 0": dataclasses.replace(quick, misc_path=hangs),
            "misc:b 192.0.2.21:80 0": dataclasses.replace(quick, misc_path=floods),
            "misc:c 192.0.2.21:80 0": dataclasses.replace(quick, misc_path=lab.program("good", "exit 0")),
        },
        lab.loop.now(),
    )
    lab.loop.until(lambda: len(checks.results()) == 3, "every verdict")
    ups = {key[5]: result["up"] for key, result in checks.results().items()}
    assert ups == {"a": False, "b": False, "c": True}
    assert checks.results()["misc:a 192.0.2.21:80 0"]["why"] == "did not end within 0.3 s"
    checks.close(lab.loop.now())
    lab.close()
    assert gone(int(lines(pid)[0]))


# ---- log_all_failures


@pytest.mark.parametrize(("wanted", "lines_told"), [(True, 2), (False, 0)])
def test_failed_runs_that_change_nothing_are_logged_where_that_is_wanted(
    story: Story, wanted: bool, lines_told: int
) -> None:
    """One try that is repeated, the change itself (which the health worker tells), one more failure."""
    story.configure(web=dataclasses.replace(CHECK, log_all_failures=wanted))
    story.run(0, 1, 1, 1)
    assert [up for up, _weight in story.levels()] == [True, False]
    assert len(story.log) == lines_told, story.log
    assert all("misc check of web 192.0.2.21:80: failed: exit status 1" in line for line in story.log)


def test_one_program_of_many_servers_is_one_line(story: Story) -> None:
    check = dataclasses.replace(CHECK, log_all_failures=True)
    story.configure(web=check, mail=check)
    story.run(0, 1)
    assert len(story.log) == 1 and "(and of 1 more): failed: exit status 1" in story.log[0]
