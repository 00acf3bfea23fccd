# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One program at a time per object, in order; the last state always gets through."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest

from mainstay.daemon.programs.script_queue import Order, ScriptQueue
from mainstay.daemon.programs.script_run import ScriptResult
from mainstay.model.commands import Command
from mainstay.model.units import seconds

from .script_lab import ScriptLab, lines


class Story:
    """A queue whose program writes down each event, and may have to wait for a gate."""

    def __init__(self, lab: ScriptLab, most: int = 16) -> None:
        self.lab = lab
        self.gate = lab.folder / "gate"
        self.written = lab.folder / "written"
        self.results: list[ScriptResult] = []
        wait = f'echo "$1" >> {self.written}; while [ "$1" = held ] && [ ! -e {self.gate} ]; do sleep 0.02; done'
        self.command = lab.program("notify", f'{wait}; echo "$1 ended" >> {self.written}')
        self.queue = ScriptQueue(lab.runner, seconds(10), lambda _order, result: self.results.append(result), most)
        self._number = 0

    def put(self, event: str, is_state: bool = True, command: Command | None = None) -> None:
        self._number += 1
        self.queue.put(Order(event, command or self.command, (event,), is_state, self._number))

    def ended(self) -> list[str]:
        """Let everything end; the events in the order in which their programs ended."""
        self.gate.touch()
        self.lab.loop.until(lambda: self.queue.idle, "an idle queue")
        return [line.removesuffix(" ended") for line in lines(self.written) if line.endswith(" ended")]


@pytest.fixture
def lab(folder: Path) -> t.Iterator[ScriptLab]:
    made = ScriptLab(folder)
    yield made
    made.close()


def test_programs_run_one_after_the_other_in_the_order_of_events(lab: ScriptLab) -> None:
    story = Story(lab)
    events = ["BACKUP", "MASTER", "FAULT", "BACKUP", "MASTER"]
    for event in events:
        story.put(event)
    assert story.ended() == events
    assert lines(story.written) == [line for event in events for line in (event, f"{event} ended")], "none overlapped"


def test_a_program_that_fails_or_cannot_start_does_not_stop_the_others(lab: ScriptLab) -> None:
    story = Story(lab)
    story.put("MASTER", command=Command(("/no/such/program",)))
    story.put("BACKUP", command=lab.program("fails", "exit 1"))
    story.put("FAULT")
    assert story.ended() == ["FAULT"]
    assert [result.status for result in story.results] == [None, 1, 0]


def test_a_full_queue_drops_what_is_no_state_then_the_oldest_states_and_keeps_the_last(lab: ScriptLab) -> None:
    story = Story(lab, most=3)
    story.put("held")
    for number, event in enumerate(["one", "rx", "two", "three", "four", "five"]):
        story.put(event, is_state=number != 1)
    assert story.queue.waiting == 3 and story.queue.dropped == 3
    assert story.ended() == ["held", "three", "four", "five"]


def test_the_same_event_that_is_no_state_waits_once(lab: ScriptLab) -> None:
    story = Story(lab)
    story.put("held")
    for _advert in range(100):
        story.put("MASTER_RX_LOWER_PRI", is_state=False)
    assert story.ended() == ["held", "MASTER_RX_LOWER_PRI"]
    assert story.queue.dropped == 99


def test_at_the_end_only_the_last_state_is_told_and_a_program_in_its_way_is_ended(lab: ScriptLab) -> None:
    story = Story(lab)
    for event in ("held", "MASTER", "BACKUP", "STOP"):
        story.put(event)
    lab.loop.until(lambda: lines(story.written), "the first program to run")
    story.queue.keep_last_state()
    story.queue.hurry("the end", lab.loop.now())
    lab.loop.until(lambda: story.queue.idle, "an idle queue")
    assert story.results[0].reason == "the end"
    assert lines(story.written) == ["held", "STOP", "STOP ended"]


def test_a_program_that_nothing_waits_for_may_end_by_itself(lab: ScriptLab) -> None:
    story = Story(lab)
    story.put("held")
    story.queue.hurry("the end", lab.loop.now())
    assert story.ended() == ["held"]
