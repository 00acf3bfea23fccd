# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""molecule exits 0 when a playbook is missing; our reading of its recap must not."""

from __future__ import annotations

from setup.molecule_recap import FAILURE_LINES, complaints, failed_tasks

GOOD = [
    "INFO     default > verify: Executed: Successful\n",
    "SCENARIO RECAP\n",
    "default                   : actions=5  successful=5  disabled=0  skipped=0  missing=0  failed=0\n",
]


def test_a_run_in_which_everything_ran_is_good() -> None:
    assert complaints(GOOD, "default") == []


def test_colours_do_not_hide_the_recap() -> None:
    coloured = [
        "\x1b[32mdefault\x1b[0m ➜ \x1b[33mverify\x1b[0m: \x1b[32mExecuted: Successful\x1b[0m\n",
        "\x1b[32mdefault  \x1b[0m: \x1b[33mactions=2\x1b[0m  \x1b[35mmissing=0\x1b[0m  failed=0\n",
    ]
    assert complaints(coloured, "default") == []


def test_a_missing_playbook_is_named() -> None:
    lines = [
        "default > side_effect: Executed: Missing playbook (Remove from test_sequence to suppress)\n",
        GOOD[0],
        GOOD[2].replace("missing=0", "missing=1"),
    ]
    assert complaints(lines, "default") == [
        "missing=1 in the recap",
        "default > side_effect: Executed: Missing playbook (Remove from test_sequence to suppress)",
    ]


def test_a_failed_action_is_a_failure() -> None:
    lines = [GOOD[0], GOOD[2].replace("failed=0", "failed=1")]
    assert complaints(lines, "default") == ["failed=1 in the recap"]


def test_a_scenario_without_verify_proves_nothing() -> None:
    assert complaints(GOOD[1:], "default") == ["no verify ran: the scenario proves nothing"]


def test_a_run_that_ended_early_is_a_failure() -> None:
    assert complaints(GOOD[:2], "default") == ["molecule printed no recap for it: it did not get to the end"]


def test_the_recap_of_another_scenario_does_not_count() -> None:
    assert complaints(GOOD, "failover") == ["molecule printed no recap for it: it did not get to the end"]


def test_what_failed_is_repeated_under_the_name_of_its_task() -> None:
    lines = [
        "TASK [Weights] ****\n",
        "ok: [director1]\n",
        "\n",
        "TASK [Not a request was lost] ****\n",
        "\x1b[31mfatal: [client]: FAILED! =>\x1b[0m\n",
        "    msg: TimeoutError\n",
        "\n",
        "PLAY RECAP ****\n",
    ]
    assert failed_tasks(lines) == [
        "TASK [Not a request was lost]",
        "fatal: [client]: FAILED! =>",
        "    msg: TimeoutError",
    ]


def test_a_failure_of_a_thousand_lines_shows_its_beginning() -> None:
    lines = ["TASK [Status] ***\n", "fatal: [director1]: FAILED! =>\n", *["    stdout\n"] * 1000]
    assert len(failed_tasks(lines)) == 1 + FAILURE_LINES


def test_a_task_that_is_tried_again_has_not_failed() -> None:
    assert failed_tasks(["TASK [Wait] ***\n", "FAILED - RETRYING: [director1]: Wait (3 retries left).\n"]) == []
