# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Age and reason of servers that programs check: those of the last run, not of the last change."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest

from mainstay.daemon.check_names import told_name
from mainstay.daemon.programs.last_runs import with_last_runs
from mainstay.model.units import seconds

from .test_misc_checks import CHECK, Story

A, B = ("web", "192.0.2.21:80"), ("web", "192.0.2.22:80")


def server(address: str, reason: str, age: t.Optional[float]) -> t.Dict[str, t.Any]:
    return {"address": address, "port": 80, "reason": reason, "age": age, "state": "up"}


def section(reason: str, age: t.Optional[float] = 16.0) -> t.Dict[str, t.Any]:
    servers = [server("192.0.2.21", reason, age), server("192.0.2.22", "HTTP 200", 3.0)]
    return {"alive": True, "virtual_servers": {"web": {"quorum_up": True, "real_servers": servers}}}


def run(age: float, last: str, told: t.Optional[str], confirms: bool) -> t.Dict[str, t.Any]:
    return {"age": age, "last": last, "told": told, "confirms": confirms}


@pytest.mark.parametrize(
    ("reason", "ran", "shown"),
    [
        ("exit status 0", run(0.4, "exit status 0", "exit status 0", True), ("exit status 0", 0.4)),
        ("exit status 1", run(0.4, "did not end within 2 s", "exit status 1", True), ("did not end within 2 s", 0.4)),
        (
            "exit status 0",
            run(0.4, "exit status 1", "exit status 0", False),
            ("exit status 0; the last run: exit status 1", 0.4),
        ),
        ("drain by uid 0", run(0.4, "exit status 1", "exit status 0", False), ("drain by uid 0", 0.4)),
        ("HTTP 200", run(99.0, "exit status 0", "exit status 0", True), ("HTTP 200", 16.0)),
        ("not checked", run(1.0, "exit status 1", None, False), ("not checked", 1.0)),
    ],
    ids=["again", "other words", "a first failure", "an order", "another check was later", "nothing told yet"],
)
def test_a_server_is_shown_with_the_last_run_of_its_program(
    reason: str, ran: t.Dict[str, t.Any], shown: t.Tuple[str, float]
) -> None:
    before = section(reason)
    after = with_last_runs(before, {told_name(A, CHECK): ran, "file:load": {"value": 3}})
    first, second = after["virtual_servers"]["web"]["real_servers"]
    assert (first["reason"], first["age"]) == shown and first["state"] == "up"
    assert second == server("192.0.2.22", "HTTP 200", 3.0) and before == section(reason), "nothing else is touched"


def test_before_the_first_run_nothing_is_known() -> None:
    before = section("not checked yet", None)
    assert with_last_runs(before, {told_name(A, CHECK): {"age": None}}) == before


def test_a_program_that_goes_on_passing_is_young() -> None:
    story = Story()
    name = told_name(A, CHECK)
    story.checks.configure({name: dataclasses.replace(CHECK, retry=1)}, story.poller.now())
    story.run(0, 0, 0)
    story.poller.run_for(seconds(2))
    (one,) = story.checks.status().values()
    assert (one["age"], one["last"], one["told"], one["confirms"]) == (2.0, "exit status 0", "exit status 0", True)
    assert len(story.told) == 1, "the worker hears of changes alone"
    story.run(1)
    (one,) = story.checks.status().values()
    assert (one["up"], one["last"], one["confirms"]) == (True, "exit status 1", False)
