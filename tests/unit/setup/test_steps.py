# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The closing line of CI is a sum of what really ran, and a broken step cannot end as a pass."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from setup import steps


@pytest.fixture(autouse=True)
def reports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(steps, "REPORTS", tmp_path)
    monkeypatch.setattr(steps, "SUMMARY", tmp_path / "summary.json")
    return tmp_path


def junit(tests: int, failures: int = 0, skipped: int = 0) -> str:
    counts = f'tests="{tests}" failures="{failures}" errors="0" skipped="{skipped}"'
    return f"<testsuites><testsuite {counts}></testsuite></testsuites>"


def outcome_of(target: str, exit_problem: str = "") -> steps.Outcome:
    running = object.__new__(steps.Running)
    running.step = steps.Step(target, 60, counts_tests=True)
    return running.judged(1.0, exit_problem)


def test_counts_come_from_all_reports_of_the_target_and_no_other(reports: Path) -> None:
    (reports / "unit.xml").write_text(junit(5, failures=1, skipped=1))
    (reports / "unit-1.xml").write_text(junit(2))
    (reports / "units-0.xml").write_text(junit(100))

    assert steps.count_report("unit") == (5, 1, 1)


def test_a_step_that_ran_no_test_did_not_hold() -> None:
    assert outcome_of("unit").problem == "ran no test"


def test_failed_tests_are_a_problem_even_when_the_exit_status_is_good(reports: Path) -> None:
    (reports / "unit.xml").write_text(junit(3, failures=2))

    assert outcome_of("unit").problem == "2 tests failed"


def test_the_closing_line_adds_up_tests_and_steps_that_broke_without_any(reports: Path) -> None:
    fields = [
        {"target": "unit", "seconds": 1, "passed": 10, "failed": 2, "problem": "2 tests failed"},
        {"target": "netns", "seconds": 1, "passed": 4, "skipped": 1},
        {"target": "sanity", "seconds": 1, "problem": "exit status 2"},
    ]
    (reports / "summary.json").write_text(json.dumps(fields))

    assert steps.verdict() == "14 passed, 3 failed, 1 skipped"


def test_a_run_that_never_ended_is_a_failure() -> None:
    assert steps.verdict() == "0 passed, 1 failed"


@pytest.mark.parametrize("beside", [False, True])
def test_a_broken_step_is_known_by_its_status_and_its_last_words_are_repeated(
    beside: bool, reports: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    makefile = tmp_path / "Makefile"
    makefile.write_text("broken:\n\t@seq 1 100; echo the reason; false\n")
    monkeypatch.setenv("MAKEFILES", str(makefile))

    outcome = steps.Running(steps.Step("broken", 60), beside).finish()
    capfd.readouterr()
    steps.print_last_words([outcome.target])

    assert outcome.problem == "exit status 2"
    said = capfd.readouterr().out.splitlines()
    assert "the reason" in said and "100" in said and "1" not in said
    assert len(said) <= steps.LAST_LINES + 2
