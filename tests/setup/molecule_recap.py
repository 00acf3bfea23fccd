# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read molecule's output, pass it on, and fail unless its recap says that every action really ran.

    molecule test -s NAME 2>&1 | python tests/setup/molecule_recap.py NAME

molecule reports an action whose playbook does not exist as a warning and exits 0. A scenario that lost its
verify.yml would then pass for ever. So a scenario that verifies nothing, or misses a playbook that its
test_sequence names, is a failure here.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable

COLOUR = re.compile(r"\x1b\[[0-9;]*m")
RECAP = re.compile(r"^(?P<scenario>\S+)\s*:\s*(?P<counts>actions=\d+(?:\s+\w+=\d+)+)\s*$")
MUST_BE_ZERO = ("missing", "failed", "skipped")
# The arrow is plain when colours are off.
VERIFIED = re.compile(r"[➜>] verify: Executed: Successful")
TASK = re.compile(r"^TASK \[(?P<name>.*)\] \*+$")
FAILED = re.compile(r"^(fatal|failed): \[")
FAILURE_LINES = 25
"""Of what Ansible says of a failed task: enough for the reason, not for a whole status."""
NO_PLAYBOOK = re.compile(r"^\S+ [➜>] \w+: Executed: Missing playbook")


def counts_of(recap: str) -> dict[str, int]:
    return {name: int(number) for name, number in re.findall(r"(\w+)=(\d+)", recap)}


def complaints(lines: Iterable[str], scenario: str) -> list[str]:
    """What is wrong with a finished run, in words; an empty list when all of it ran and held."""
    plain = [COLOUR.sub("", line).rstrip() for line in lines]
    recaps = {found["scenario"]: counts_of(found["counts"]) for line in plain if (found := RECAP.match(line))}
    if scenario not in recaps:
        return ["molecule printed no recap for it: it did not get to the end"]
    counts = recaps[scenario]
    found = [f"{name}={counts[name]} in the recap" for name in MUST_BE_ZERO if counts.get(name)]
    found += [line for line in plain if NO_PLAYBOOK.match(line)]
    if not any(VERIFIED.search(line) for line in plain):
        found.append("no verify ran: the scenario proves nothing")
    return found


def failed_tasks(lines: Iterable[str]) -> list[str]:
    """What Ansible said of each task that failed, under the task's name."""
    said: list[str] = []
    task, left = "", 0
    for line in (COLOUR.sub("", line).rstrip() for line in lines):
        named = TASK.match(line)
        if named:
            task = named["name"]
        elif FAILED.match(line):
            said.append(f"TASK [{task}]")
            left = FAILURE_LINES
        left = left if line else 0
        if left:
            said.append(line)
            left -= 1
    return said


def main(scenario: str) -> int:
    lines = []
    for line in sys.stdin:
        sys.stdout.write(line)
        sys.stdout.flush()
        lines.append(line)
    found = complaints(lines, scenario)
    # Once more at the end: above stand thousands of lines that say nothing of it.
    print("".join(f"{line}\n" for line in failed_tasks(lines)) if found else "", end="")
    for complaint in found:
        print(f"molecule {scenario}: {complaint}", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
