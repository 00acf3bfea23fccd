# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which programs may be run at all."""

from __future__ import annotations

import os
import struct
import tempfile
import typing as t
from pathlib import Path

import pytest

from mainstay.daemon.programs.script_security import ScriptRefused, walk

ROOT, NOBODY, SOMEBODY = 0, 65534, 4242


@pytest.fixture
def folder() -> t.Iterator[Path]:
    """A folder that only root can change, below a sticky one."""
    with tempfile.TemporaryDirectory(prefix="ms-") as path:
        os.chmod(path, 0o755)
        os.chown(path, 0, 0)
        yield Path(path)


def program(path: Path, mode: int = 0o755, owner: int = 0, group: int = 0) -> Path:
    path.write_text("#!/bin/sh\n")
    path.chmod(mode)
    os.chown(path, owner, group)
    return path


def walked(path: Path, user: int = ROOT) -> str:
    found = walk(str(path), user)
    os.close(found.descriptor)
    return found.path


def refusal(path: str | Path, user: int = ROOT) -> str:
    with pytest.raises(ScriptRefused) as refused:
        walk(str(path), user)
    return str(refused.value)


def test_a_program_that_only_root_can_change_may_be_run_by_root(folder: Path) -> None:
    assert walked(program(folder / "notify")) == str(folder / "notify")


def test_the_user_who_runs_it_may_own_it_but_then_root_does_not_run_it(folder: Path) -> None:
    own = program(folder / "notify", owner=NOBODY)
    assert walked(own, NOBODY) == str(own)
    assert "belongs to uid 65534, who could change it; give it to root" in refusal(own, ROOT)
    assert "belongs to uid 65534" in refusal(own, SOMEBODY)


def test_links_are_followed_to_the_program_itself(folder: Path) -> None:
    real = folder / "versions" / "1"
    real.mkdir(parents=True)
    program(real / "notify")
    (folder / "current").symlink_to("versions/1")
    (folder / "absolute").symlink_to(folder / "current" / ".." / "1" / "notify")
    assert walked(folder / "current" / "notify") == str(real / "notify")
    assert walked(folder / "absolute") == str(real / "notify")


@pytest.mark.parametrize(
    ("mode", "group", "why"),
    [
        (0o757, 0, "can be written by everybody; take that away with chmod o-w"),
        (0o775, 4242, "can be written by gid 4242"),
    ],
)
def test_what_others_may_write_is_refused_file_and_folder_alike(folder: Path, mode: int, group: int, why: str) -> None:
    parent = folder / "parent"
    parent.mkdir()
    inside = program(parent / "notify")
    os.chown(parent, 0, group)
    parent.chmod(mode)
    said = refusal(inside)
    assert why in said and f"{inside}: {parent} " in said
    assert why in refusal(program(folder / "file", mode, group=group))


def test_roots_own_group_may_write(folder: Path) -> None:
    assert walked(program(folder / "notify", 0o775, group=0))


def test_a_sticky_folder_is_no_danger_to_what_belongs_to_root(folder: Path) -> None:
    open_to_all = folder / "tmp"
    open_to_all.mkdir()
    open_to_all.chmod(0o1777)
    assert walked(program(open_to_all / "notify"))
    assert "belongs to uid 65534" in refusal(program(open_to_all / "planted", owner=NOBODY))


def test_a_link_that_another_user_could_replace_is_refused(folder: Path) -> None:
    good = program(folder / "notify")
    os.symlink(good, folder / "link")
    os.chown(folder / "link", NOBODY, NOBODY, follow_symlinks=False)
    assert "link belongs to uid 65534" in refusal(folder / "link")


def test_a_good_link_does_not_lead_to_a_bad_place(folder: Path) -> None:
    bad = folder / "bad"
    bad.mkdir()
    program(bad / "notify")
    bad.chmod(0o777)
    (folder / "link").symlink_to("bad/notify")
    assert f"{folder}/link: {bad} can be written by everybody" in refusal(folder / "link")


def test_links_in_a_circle_end(folder: Path) -> None:
    (folder / "a").symlink_to("b")
    (folder / "b").symlink_to("a")
    assert "too many symbolic links" in refusal(folder / "a")


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("notify.sh", "no absolute path; write the whole path"),
        ("/", "is no file"),
        ("/usr/bin", "is no file"),
        ("/usr/bin/env/x", "is no folder"),
        ("/nowhere/notify", "/nowhere cannot be reached: No such file"),
    ],
)
def test_what_is_no_program_is_named(path: str, why: str) -> None:
    assert why in refusal(path)


def test_a_root_folder_of_a_third_user_costs_no_descriptor(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a user namespace: each run of each script would lose one."""
    path, before = program(folder / "notify"), len(os.listdir("/proc/self/fd"))
    monkeypatch.setattr(os, "fstat", lambda _descriptor: os.stat_result((0o40755, 2, 1, 20, 65534, 65534, 0, 0, 0, 0)))
    assert "/ belongs to uid 65534" in refusal(path)
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_file_that_is_not_executable_is_refused(folder: Path) -> None:
    assert "is not executable; give it chmod +x" in refusal(program(folder / "notify", 0o644))


def test_a_folder_whose_acl_lets_somebody_write_is_refused_although_its_group_is_roots(folder: Path) -> None:
    inside = program(folder / "notify")
    owner, somebody, group, mask, others = (
        (0x01, 7, -1),
        (0x02, 7, SOMEBODY),
        (0x04, 5, -1),
        (0x10, 7, -1),
        (0x20, 5, -1),
    )
    entries = [struct.pack("<HHi", *entry) for entry in (owner, somebody, group, mask, others)]
    os.setxattr(folder, "system.posix_acl_access", struct.pack("<I", 2) + b"".join(entries))
    assert "an ACL; take that away with chmod g-w" in refusal(inside)


def test_a_swapped_link_in_a_folder_of_another_user_never_gets_through(folder: Path) -> None:
    """The race of a user who swaps a good and a bad target: what he can swap is refused, whatever it shows now."""
    theirs = folder / "theirs"
    theirs.mkdir()
    os.chown(theirs, NOBODY, NOBODY)
    good = program(folder / "good")
    child = os.fork()
    if child == 0:
        try:
            os.setuid(NOBODY)
            while os.getppid() != 1:
                for target in (good, "/tmp/evil"):
                    os.symlink(target, theirs / "new")
                    os.rename(theirs / "new", theirs / "notify")
        finally:
            os._exit(0)
    try:
        for _attempt in range(500):
            assert f"{theirs} belongs to uid 65534" in refusal(theirs / "notify")
    finally:
        os.kill(child, 9)
        os.waitpid(child, 0)
