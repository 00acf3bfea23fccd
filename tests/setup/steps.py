# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the steps of `make test` or `make test-fast` and say what held.

Each step is a make target. Rounds follow one another from fast to slow; the steps of one round run
beside each other. A failed step does not stop the rest: one run shows everything that is broken.

    python tests/setup/steps.py fast|all     run; the exit status is 1 when a step failed
    python tests/setup/steps.py verdict      print the counts of the last run as `N passed, N failed`
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from dataclasses import asdict, dataclass
from pathlib import Path

REPORTS = Path("build/reports")
SUMMARY = REPORTS / "summary.json"
LAST_LINES = 40
"""Of what a broken step said; repeated at the very end, for CI keeps no more than that of a long run."""


@dataclass(frozen=True)
class Step:
    """One make target, the seconds after which it is ended, and whether it leaves a junit report."""

    target: str
    limit: int
    counts_tests: bool = False


@dataclass(frozen=True)
class Outcome:
    """What came of one step; `problem` is empty when it held."""

    target: str
    seconds: float
    problem: str = ""
    passed: int = 0
    failed: int = 0
    skipped: int = 0


LINT = [[Step("ruff", 60), Step("yamllint", 60)], [Step("mypy", 300)]]
UNIT = [[Step("unit", 300, counts_tests=True)]]
FAST = LINT + UNIT
# Elections and takeovers are watched against the clock, so netns, kernel and molecule have the machine for
# themselves; what only reads the tree shares it.
ALL = [
    *FAST,
    [Step("ansible-lint", 300), Step("build", 300)],
    [Step("oldest-python", 600, counts_tests=True), Step("units", 600, counts_tests=True)],
    [Step("netns", 900, counts_tests=True)],
    [Step("kernel", 900, counts_tests=True)],
    [Step("sanity", 1200)],
    # The first that needs the lab's base tree: a minute or two when it has to be made.
    [Step("lab", 900, counts_tests=True)],
    [Step("molecule-default", 900)],
    [Step("molecule-sync", 900)],
    [Step("molecule-failover", 900)],
    [Step("molecule-ipvs", 1200)],
]


def reports_of(target: str) -> list[Path]:
    """The junit reports of a target: one of its name, or numbered ones when it runs pytest more than once."""
    return [*REPORTS.glob(f"{target}.xml"), *REPORTS.glob(f"{target}-[0-9]*.xml")]


def count_report(target: str) -> tuple[int, int, int]:
    """Passed, failed and skipped tests in the junit reports that a target left."""
    tests = bad = skipped = 0
    for report in reports_of(target):
        for suite in ElementTree.parse(report).getroot().iter("testsuite"):
            tests += int(suite.get("tests", 0))
            bad += int(suite.get("failures", 0)) + int(suite.get("errors", 0))
            skipped += int(suite.get("skipped", 0))
    return tests - bad - skipped, bad, skipped


def log_of(target: str) -> Path:
    """Where everything is that the step said."""
    return REPORTS / f"{target}.log"


class Running:
    """A started step. `beside`: another one runs at the same time, so its log is shown when it has ended."""

    def __init__(self, step: Step, beside: bool) -> None:
        self.step = step
        self.beside = beside
        self.started = time.monotonic()
        for old in reports_of(step.target):
            old.unlink()
        destination = ">" if beside else "| tee"
        self.process = subprocess.Popen(
            ["bash", "-o", "pipefail", "-c", f'make "$0" 2>&1 {destination} "$1"', step.target, log_of(step.target)],
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )

    def finish(self) -> Outcome:
        """Wait within the limit, show the log, count the tests."""
        left = self.step.limit - (time.monotonic() - self.started)
        try:
            status = self.process.wait(max(left, 0.1))
            problem = f"exit status {status}" if status else ""
        except subprocess.TimeoutExpired:
            self.end()
            problem = f"not finished after {self.step.limit} s"
        seconds = time.monotonic() - self.started
        if self.beside:
            headline(f"{self.step.target} (ran beside others)")
            sys.stdout.buffer.write(log_of(self.step.target).read_bytes())
            sys.stdout.flush()
        return self.judged(seconds, problem)

    def judged(self, seconds: float, problem: str) -> Outcome:
        passed, failed, skipped = count_report(self.step.target) if self.step.counts_tests else (0, 0, 0)
        if not problem and failed:
            problem = f"{failed} tests failed"
        if not problem and self.step.counts_tests and not passed:
            problem = "ran no test"
        return Outcome(self.step.target, round(seconds, 1), problem, passed, failed, skipped)

    def end(self) -> None:
        """End the step's own process group: politely, so that labs clean up, then for good."""
        for number, patience in ((signal.SIGINT, 20), (signal.SIGTERM, 10), (signal.SIGKILL, 5)):
            try:
                os.killpg(self.process.pid, number)
                self.process.wait(patience)
            except subprocess.TimeoutExpired:
                continue
            except ProcessLookupError:
                return
            return


BEGIN = time.monotonic()


def headline(text: str) -> None:
    elapsed = int(time.monotonic() - BEGIN)
    print(f"\n==== [{elapsed // 60:02d}:{elapsed % 60:02d}] {text}", flush=True)


def run_round(steps: list[Step]) -> list[Outcome]:
    headline(" and ".join(step.target for step in steps))
    beside = len(steps) > 1
    running: list[Running] = []
    try:
        running += [Running(step, beside) for step in steps]
        return [each.finish() for each in running]
    except KeyboardInterrupt:
        for each in running:
            each.end()
        raise


def print_table(outcomes: list[Outcome]) -> None:
    headline("all steps")
    print(f"{'step':<20}{'seconds':>8}{'passed':>8}{'failed':>8}  result")
    for each in outcomes:
        counts = f"{each.passed:>8}{each.failed:>8}" if each.passed or each.failed else f"{'-':>8}{'-':>8}"
        print(f"{each.target:<20}{each.seconds:>8.1f}{counts}  {each.problem or 'ok'}")
    print(f"{'whole run':<20}{time.monotonic() - BEGIN:>8.1f}", flush=True)


def print_last_words(broken: list[str]) -> None:
    for target in broken:
        headline(f"{target}: the end of what it said")
        lines = log_of(target).read_text(errors="replace").splitlines()
        print("\n".join(lines[-LAST_LINES:]), flush=True)


def verdict() -> str:
    """The plain closing line. A step that failed with no failed test of its own counts as one failure."""
    if not SUMMARY.exists():
        return "0 passed, 1 failed"
    outcomes = [Outcome(**fields) for fields in json.loads(SUMMARY.read_text())]
    passed = sum(each.passed for each in outcomes)
    failed = sum(max(each.failed, 1 if each.problem else 0) for each in outcomes)
    skipped = sum(each.skipped for each in outcomes)
    return f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else "")


def main(arguments: list[str]) -> int:
    if arguments == ["verdict"]:
        print(verdict())
        return 0
    rounds = {"fast": FAST, "all": ALL}[arguments[0]]
    REPORTS.mkdir(parents=True, exist_ok=True)
    SUMMARY.unlink(missing_ok=True)
    outcomes = [outcome for steps in rounds for outcome in run_round(steps)]
    SUMMARY.write_text(json.dumps([asdict(each) for each in outcomes]))
    broken = [each.target for each in outcomes if each.problem]
    print_last_words(broken)
    print_table(outcomes)
    print(f"\n{'broken: ' + ' '.join(broken) if broken else 'everything held'}; {verdict()}", flush=True)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
