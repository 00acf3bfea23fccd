# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults that need a kernel of one's own: a clock that may be set, a network that delays and doubles."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from netns.daemons import Daemon, instance
from netns.pairs import await_adverts
from netns.segment import DEVICE, Segment

from lab import command
from lab.waiting import wait_for

DEADLINE = 40.0
"""Seconds; a guest is slow."""
KEYS = {"keys": [{"id": 1, "key": "hex:" + "5a" * 32}], "active_key": 1}


@pytest.fixture
def segment() -> t.Iterator[Segment]:
    segment = Segment("flt")
    yield segment
    segment.close()


def pair(segment: Segment, folder: Path, **options: object) -> tuple[Daemon, Daemon]:
    a = Daemon(segment.node("a"), folder, VI_1=instance(150, **options)).start()
    a.await_state("MASTER", DEADLINE)
    b = Daemon(segment.node("b"), folder, VI_1=instance(100, **options)).start()
    b.await_state("BACKUP", DEADLINE)
    wait_for(lambda: b.status()["master"] == a.node.address, DEADLINE, "b to know its master", evidence=b.evidence)
    return a, b


def standings(*daemons: Daemon) -> list[tuple[object, ...]]:
    """What must not change."""
    each = [daemon.status() for daemon in daemons]
    return [(one["state"], one["transitions"], daemon.node.holds()) for one, daemon in zip(each, daemons)]


@pytest.mark.fault("F16")
def test_a_clock_that_steps_an_hour_and_past_2038_moves_nothing(segment: Segment, tmp_path: Path) -> None:
    """Both machines have this clock; their adverts are signed with the time."""
    a, b = pair(segment, tmp_path, auth_hmac=KEYS)
    before = standings(a, b)
    for step in ("+1 hour", "-2 hours", "2039-01-01"):
        command.must(["date", "--set", step])
        await_adverts(a, 4, DEADLINE)
        assert standings(a, b) == before, f"after {step}\n{a.evidence()}\n{b.evidence()}"
    assert b.log.read_text().count("the clock was set back") == 1, b.evidence()


@pytest.mark.fault("F35")
def test_late_doubled_and_reordered_adverts_move_nothing(segment: Segment, tmp_path: Path) -> None:
    """Half a second late, give or take 200 ms, every fifth twice, every fourth before its turn."""
    a, b = pair(segment, tmp_path)
    before = standings(a, b)
    command.must(["/run/modprobe", "sch_netem"])
    words = "delay 500ms 200ms reorder 25% 50% duplicate 20%"
    for daemon in (a, b):
        argv = ["ip", "netns", "exec", daemon.node.namespace, "tc", "qdisc", "add", "dev", DEVICE, "root", "netem"]
        command.must([*argv, *words.split()])
    await_adverts(a, 8, DEADLINE)
    assert standings(a, b) == before, f"{a.evidence()}\n{b.evidence()}"
