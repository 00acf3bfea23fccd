# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A check is a row of tasks: all have to pass, the first that fails ends it."""

from __future__ import annotations

import typing as t

import pytest

from mainstay.model.units import seconds
from mainstay.net import check_run
from mainstay.net.check_run import CheckRun, start_check
from mainstay.probes.outcome import ProbeOutcome
from mainstay.probes.task import TCP, ProbeTask
from mainstay.probes.tcp import TcpProbe
from mainstay.probes.verdict import Verdict

from ..scripted_poller import ScriptedPoller


class ScriptedRuns:
    """Stands in for a driver: the test ends each run."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.cancelled: list[str] = []
        self.timeouts: list[int] = []
        self.done: t.Callable[[ProbeOutcome], None] = lambda _: None

    def __call__(self, _poller: t.Any, task: ProbeTask, timeout: int, done: t.Any) -> ScriptedRun:
        self.begun.append(task.subject)
        self.timeouts.append(timeout)
        self.done = done
        return ScriptedRun(self, task.subject)


class ScriptedRun:
    def __init__(self, runs: ScriptedRuns, subject: str) -> None:
        self.runs, self.subject = runs, subject

    def cancel(self) -> None:
        self.runs.cancelled.append(self.subject)


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> ScriptedRuns:
    scripted = ScriptedRuns()
    monkeypatch.setitem(check_run._TRANSPORTS, TCP, scripted)
    return scripted


def row(*subjects: str) -> list[ProbeTask]:
    return [ProbeTask(TCP, "192.0.2.21", 80, TcpProbe, subject=subject) for subject in subjects]


def passed(reason: str = "HTTP 200", **more: t.Any) -> ProbeOutcome:
    return ProbeOutcome(Verdict(True, reason, **more), connect_ns=1, first_byte_ns=2, total_ns=10)


def test_one_task_gives_its_own_outcome(runs: ScriptedRuns) -> None:
    outcomes: list[ProbeOutcome] = []
    CheckRun(ScriptedPoller(), row("url /"), seconds(5), outcomes.append)
    runs.done(passed())
    assert outcomes == [passed()]
    assert runs.timeouts == [seconds(5)]


@pytest.mark.parametrize("subjects", [("url /",), ("url /a", "url /b")])
def test_a_check_begins_at_once_with_its_first_task_and_can_be_cancelled(
    runs: ScriptedRuns, subjects: tuple[str, ...]
) -> None:
    outcomes: list[ProbeOutcome] = []
    run = start_check(ScriptedPoller(), row(*subjects), seconds(5), outcomes.append)
    assert (runs.begun, runs.timeouts) == ([subjects[0]], [seconds(5)])
    run.cancel()
    assert (runs.cancelled, outcomes) == ([subjects[0]], [])


def test_a_check_of_two_tasks_ends_with_the_second(runs: ScriptedRuns) -> None:
    outcomes: list[ProbeOutcome] = []
    start_check(ScriptedPoller(), row("url /a", "url /b"), seconds(5), outcomes.append)
    runs.done(passed())
    runs.done(ProbeOutcome(Verdict(False, "HTTP 500")))
    assert [outcome.verdict.reason for outcome in outcomes] == ["url /b: HTTP 500"]


def test_all_have_to_pass_one_after_the_other(runs: ScriptedRuns) -> None:
    outcomes: list[ProbeOutcome] = []
    CheckRun(ScriptedPoller(), row("url /a", "url /b"), seconds(5), outcomes.append)
    assert runs.begun == ["url /a"]
    runs.done(passed(notes=("certificate ends in 5 days",)))
    assert (runs.begun, outcomes) == (["url /a", "url /b"], [])
    runs.done(passed(notes=("certificate ends in 5 days",)))
    assert outcomes == [
        ProbeOutcome(
            Verdict(True, "all 2 passed, the last: HTTP 200", notes=("certificate ends in 5 days",)),
            connect_ns=11,
            first_byte_ns=12,
            total_ns=20,
        )
    ]


def test_the_first_that_fails_ends_it_by_name(runs: ScriptedRuns) -> None:
    outcomes: list[ProbeOutcome] = []
    CheckRun(ScriptedPoller(), row("url /a", "url /b", "url /c"), seconds(5), outcomes.append)
    runs.done(passed())
    runs.done(ProbeOutcome(Verdict(False, "HTTP 500"), total_ns=5))
    assert [(outcome.verdict.ok, outcome.verdict.reason) for outcome in outcomes] == [(False, "url /b: HTTP 500")]
    assert (outcomes[0].connect_ns, outcomes[0].total_ns) == (None, 15)
    assert runs.begun == ["url /a", "url /b"]


def test_what_this_host_lacks_is_passed_on(runs: ScriptedRuns) -> None:
    outcomes: list[ProbeOutcome] = []
    CheckRun(ScriptedPoller(), row("url /a", "url /b"), seconds(5), outcomes.append)
    runs.done(ProbeOutcome(Verdict(False, "no descriptors"), ran=False))
    assert [outcome.ran for outcome in outcomes] == [False]


def test_cancelling_ends_the_task_under_way(runs: ScriptedRuns) -> None:
    outcomes: list[ProbeOutcome] = []
    run = CheckRun(ScriptedPoller(), row("url /a", "url /b"), seconds(5), outcomes.append)
    runs.done(passed())
    run.cancel()
    assert (runs.cancelled, outcomes) == (["url /b"], [])


def test_cancelling_after_the_end_is_harmless(runs: ScriptedRuns) -> None:
    run = CheckRun(ScriptedPoller(), row("url /a"), seconds(5), lambda _: None)
    runs.done(passed())
    run.cancel()
    assert runs.cancelled == []


def test_all_tasks_share_one_deadline(runs: ScriptedRuns) -> None:
    outcomes: list[ProbeOutcome] = []
    poller = ScriptedPoller()
    CheckRun(poller, row("url /a", "url /b", "url /c"), seconds(5), outcomes.append)
    for _url in range(2):
        poller.run_for(seconds(2))
        runs.done(passed())
    assert runs.timeouts == [seconds(5), seconds(3), seconds(1)]
    poller.run_for(seconds(1))
    runs.done(ProbeOutcome(Verdict(False, "no status line within 1 s: got 0 bytes"), total_ns=seconds(1)))
    assert [outcome.verdict.reason for outcome in outcomes] == [
        "url /c: no status line within 1 s: got 0 bytes, what the 2 before it had left: "
        "connect_timeout 5 s is for all 3 together"
    ]


def test_a_process_that_was_frozen_between_two_tasks_does_not_blame_the_server(runs: ScriptedRuns) -> None:
    """The first one's answer was read long after the deadline of all: nothing was left for the second."""
    outcomes: list[ProbeOutcome] = []
    poller = ScriptedPoller()
    CheckRun(poller, row("url /a", "url /b"), seconds(5), outcomes.append)
    poller.run_for(seconds(17.5))
    runs.done(passed())
    assert runs.begun == ["url /a"]
    assert [(outcome.ran, outcome.verdict.ok, outcome.verdict.reason) for outcome in outcomes] == [
        (False, False, "url /b: this process was held up for 12.5 s")
    ]


def test_a_server_that_fails_after_a_long_sleep_of_ours_has_failed(runs: ScriptedRuns) -> None:
    outcomes: list[ProbeOutcome] = []
    poller = ScriptedPoller()
    CheckRun(poller, row("url /a", "url /b"), seconds(5), outcomes.append)
    poller.run_for(seconds(17.5))
    runs.done(ProbeOutcome(Verdict(False, "HTTP 500"), total_ns=seconds(17.5)))
    assert [(outcome.ran, outcome.verdict.ok) for outcome in outcomes] == [(True, False)]


def test_a_task_that_nothing_is_left_for_fails_by_its_name(runs: ScriptedRuns) -> None:
    """The last byte of the one before came with the deadline."""
    outcomes: list[ProbeOutcome] = []
    poller = ScriptedPoller()
    CheckRun(poller, row("url /a", "url /b"), seconds(5), outcomes.append)
    poller.run_for(seconds(6))
    runs.done(passed())
    assert runs.timeouts == [seconds(5), 0]
    runs.done(ProbeOutcome(Verdict(False, "no connection within 0 s"), total_ns=0))
    assert outcomes[0].verdict.reason.startswith("url /b: no connection within 0 s, what the 1 before it had left: ")
