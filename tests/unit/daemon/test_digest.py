# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which runtime this is."""

from __future__ import annotations

import hashlib
from pathlib import Path

from mainstay.daemon.digest import runtime_digest


def tree(folder: Path) -> Path:
    (folder / "mainstay" / "net").mkdir(parents=True)
    (folder / "mainstay" / "a.py").write_text("a")
    (folder / "mainstay" / "net" / "b.py").write_text("b")
    return folder / "mainstay"


def test_an_installed_release_says_the_digest_of_its_archive(tmp_path: Path) -> None:
    package = tree(tmp_path)
    (tmp_path / "DIGEST").write_text("ab" * 32 + "\n")

    assert runtime_digest(str(package)) == "ab" * 32


def test_inside_an_archive_it_is_the_archive_s(tmp_path: Path) -> None:
    (tmp_path / "runtime.zip").write_bytes(b"zip")

    assert runtime_digest(str(tmp_path / "runtime.zip" / "mainstay")) == hashlib.sha256(b"zip").hexdigest()


def test_a_checkout_s_changes_with_every_source_and_only_with_those(tmp_path: Path) -> None:
    package = tree(tmp_path)
    before = runtime_digest(str(package))
    (package / "__pycache__").mkdir()
    (package / "__pycache__" / "a.pyc").write_text("x")
    assert runtime_digest(str(package)) == before

    (package / "net" / "b.py").write_text("c")
    assert runtime_digest(str(package)) != before
