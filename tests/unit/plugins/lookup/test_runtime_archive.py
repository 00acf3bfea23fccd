# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lookup that gives the role its archive."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible import constants
from ansible.errors import AnsibleError

from ansible_collections.mainstay.ha.plugins.lookup.runtime_archive import LookupModule
from ansible_collections.mainstay.ha.plugins.plugin_utils._archive import build_archive


@pytest.fixture(autouse=True)
def temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(constants, "DEFAULT_LOCAL_TMP", str(tmp_path))
    return tmp_path


def test_it_returns_the_path_of_the_archive_named_by_its_release() -> None:
    archive = build_archive()
    (path,) = LookupModule().run([])
    assert Path(path).name == f"mainstay-{archive.release}.zip"
    assert Path(path).read_bytes() == archive.content


def test_forks_that_ask_again_get_the_same_file_and_leave_no_other(temporary_folder: Path) -> None:
    first = LookupModule().run([])
    assert LookupModule().run([]) == first
    assert [path.name for path in temporary_folder.iterdir()] == [Path(first[0]).name]


def test_a_term_is_refused() -> None:
    with pytest.raises(AnsibleError, match="takes no term"):
        LookupModule().run(["1.0.0"])
