# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The run directory: one daemon at a time, and a memory of what is ours."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mainstay.daemon.run_directory import RunDirectory, RunDirectoryBusy, RunDirectoryUnusable
from mainstay.model.config import Config
from mainstay.model.load import load_config
from mainstay.model.problems import ConfigError

from .daemon_process import document

CONFIG = load_config(document("lb1"))
OTHER = load_config(document("lb2"))


def test_it_is_made_when_missing_for_owner_and_group(tmp_path: Path) -> None:
    RunDirectory(str(tmp_path / "run")).close()

    assert (tmp_path / "run").stat().st_mode & 0o777 == 0o750


def test_only_one_holds_it_at_a_time(tmp_path: Path) -> None:
    first = RunDirectory(str(tmp_path))
    with pytest.raises(RunDirectoryBusy, match=rf"another mainstayd \(pid {os.getpid()}\) runs on"):
        RunDirectory(str(tmp_path))

    first.close()

    RunDirectory(str(tmp_path)).close()


def test_a_lock_file_left_by_the_dead_is_no_lock(tmp_path: Path) -> None:
    (tmp_path / "lock").write_text("4711\n")

    RunDirectory(str(tmp_path)).close()


def test_a_link_in_the_lock_s_place_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("x")
    (tmp_path / "lock").symlink_to(tmp_path / "precious")

    with pytest.raises(RunDirectoryUnusable, match="cannot be used as run directory"):
        RunDirectory(str(tmp_path))
    assert (tmp_path / "precious").read_text() == "x"


def test_a_place_that_cannot_be_a_folder_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(RunDirectoryUnusable, match="cannot be used as run directory"):
        RunDirectory(str(tmp_path / "file" / "run"))


def test_it_remembers_what_runs_and_what_is_leaving(tmp_path: Path) -> None:
    directory = RunDirectory(str(tmp_path))
    assert directory.read_running() == []

    directory.write_running(CONFIG, leaving=[OTHER, Config()])
    assert directory.read_running() == [CONFIG, OTHER, Config()]
    directory.write_running(CONFIG)
    assert directory.read_running() == [CONFIG]

    directory.forget_running()
    directory.forget_running()
    assert directory.read_running() == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["lock"]
    directory.close()


def test_a_half_written_file_of_a_crash_is_replaced(tmp_path: Path) -> None:
    directory = RunDirectory(str(tmp_path))
    (tmp_path / f".running.json.{os.getpid()}").write_text("{")

    directory.write_running(CONFIG)

    assert directory.read_running() == [CONFIG]
    directory.close()


@pytest.mark.parametrize(
    "text",
    ["{", "[]", "[" * 100_000, "{}", '{"leaving": []}', '{"running": {}}', '{"running": {}, "leaving": null}'],
    ids=["cut off", "no mapping", "too deep", "empty", "nothing runs", "nothing leaves", "nobody leaves"],
)
def test_a_damaged_file_is_said_to_be_so(tmp_path: Path, text: str) -> None:
    directory = RunDirectory(str(tmp_path))
    (tmp_path / "running.json").write_text(text)

    with pytest.raises((ValueError, ConfigError)):
        directory.read_running()
    directory.close()
