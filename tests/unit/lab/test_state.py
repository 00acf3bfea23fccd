# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The state file: what one process writes another reads, and a broken one is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab import state, topology
from lab.errors import LabError
from lab.processes import Process
from lab.state import LabState, MachineState, StateStore


@pytest.fixture
def store(tmp_path: Path) -> StateStore:
    """The state of lab `one`, whose director1 runs."""
    new = StateStore("one", tmp_path)
    running = MachineState(supervisor=Process(100, 5), leader=Process(101, 6))
    new.write(
        LabState(topology.named("two"), Path("/base"), {"director1": running, "director2": MachineState()})
    )
    return new


def test_another_process_reads_what_was_written(store: StateStore, tmp_path: Path) -> None:
    seen = StateStore("one", tmp_path).read()
    assert seen.spec == topology.named("two")
    assert seen.base == Path("/base")
    assert seen.machines["director1"].leader == Process(101, 6)
    assert seen.machines["director2"].processes() == []


def test_the_leader_comes_first_because_its_death_ends_the_rest() -> None:
    recorded = MachineState(Process(1, 1), Process(2, 2), Process(3, 3))
    assert recorded.processes()[0] == recorded.leader


def test_recording_one_machine_leaves_the_others(store: StateStore) -> None:
    store.record("director2", MachineState(leader=Process(200, 7)))
    seen = store.read().machines
    assert (seen["director1"].leader, seen["director2"].leader) == (Process(101, 6), Process(200, 7))


def test_labs_are_listed_by_their_state_files(store: StateStore, tmp_path: Path) -> None:
    (tmp_path / "halfway").mkdir()
    assert state.names(tmp_path) == ["one"]


def test_a_lab_that_does_not_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="no lab 'two' is running"):
        StateStore("two", tmp_path).read()


@pytest.mark.parametrize("text", ["", "{", "{}", '{"spec": {}, "base": "/", "machines": {"a": {"pid": 1}}}'])
def test_a_broken_state_file_is_named(store: StateStore, text: str) -> None:
    store.path.write_text(text)
    with pytest.raises(LabError, match=r"state.json|spec"):
        store.read()


def test_the_lock_is_free_again_after_use(store: StateStore) -> None:
    with store.locked():
        pass
    with store.locked():
        pass
