# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A machine's disk: made once, then the machine's own, and whole or not there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lab import disks
from lab.disks import Disk

FILES = {"etc/hostname": "web1\n"}


def test_a_new_disk_holds_its_files_with_a_systems_modes(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        upper = Disk("one", "web1", tmp_path).upper(FILES)
    finally:
        os.umask(before)
    assert (upper / "etc" / "hostname").read_text() == "web1\n"
    modes = {path.name: oct(path.stat().st_mode & 0o777) for path in (upper, *upper.rglob("*"))}
    assert modes == {"upper": "0o755", "etc": "0o755", "hostname": "0o644"}


def test_what_the_machine_wrote_is_not_written_over(tmp_path: Path) -> None:
    disk = Disk("one", "web1", tmp_path)
    (disk.upper(FILES) / "etc" / "hostname").write_text("renamed\n")
    assert (disk.upper(FILES) / "etc" / "hostname").read_text() == "renamed\n"


def test_a_disk_that_was_left_half_made_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = Disk("one", "web1", tmp_path)

    def power_failure(_root: Path, _files: disks.Files) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as failing, pytest.raises(KeyboardInterrupt):
        failing.setattr(disks, "_write", power_failure)
        disk.upper(FILES)
    assert not disk.folder.exists()
    assert (disk.upper(FILES) / "etc" / "hostname").exists()
    assert os.listdir(tmp_path / "one") == ["web1"]


def test_a_removed_disk_leaves_the_other_machines(tmp_path: Path) -> None:
    first, second = Disk("one", "web1", tmp_path), Disk("one", "web2", tmp_path)
    first.upper(FILES)
    second.upper(FILES)
    first.remove()
    first.remove()
    assert os.listdir(tmp_path / "one") == ["web2"]


def test_the_end_of_a_lab_takes_its_disks_and_no_others(tmp_path: Path) -> None:
    for lab in ("one", "two"):
        Disk(lab, "web1", tmp_path).upper(FILES)
    assert disks.labs(tmp_path) == ["one", "two"]
    disks.remove_lab("one", tmp_path)
    disks.remove_lab("one", tmp_path)
    assert disks.labs(tmp_path) == ["two"]
