# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Marks are found wherever a test may carry them."""

from __future__ import annotations

from pathlib import Path

from parity import marks

SOURCE = """
import pytest

CASES = [pytest.param(1, marks=pytest.mark.conformance_negative("RX-06"))]

@pytest.mark.conformance("RX-12", "RX-13")
def test_interval():
    pass

@pytest.mark.parametrize("case", [pytest.param(1, marks=pytest.mark.fault("F27"))])
def test_carrier(case):
    pass
"""


def test_a_mark_on_a_test_on_a_parameter_and_in_a_table_is_found(tmp_path: Path) -> None:
    (tmp_path / "test_story.py").write_text(SOURCE)
    assert marks.claims(tmp_path) == {
        "conformance": {"RX-12": ["test_story.py::test_interval"], "RX-13": ["test_story.py::test_interval"]},
        "conformance_negative": {"RX-06": ["test_story.py::(module)"]},
        "fault": {"F27": ["test_story.py::test_carrier"]},
    }
    assert marks.tests(tmp_path) == {"test_story.py::test_interval", "test_story.py::test_carrier"}


def test_a_file_without_marks_claims_nothing(tmp_path: Path) -> None:
    (tmp_path / "test_story.py").write_text("def test_it():\n    pass\n")
    assert not any(marks.claims(tmp_path).values())


STORIES = """
def told(scene): pass
def forgotten(scene): pass
STORIES: Sequence[Story] = (told,)
"""


def test_a_story_counts_when_the_list_has_it(tmp_path: Path) -> None:
    (tmp_path / "stories.py").write_text(STORIES)
    assert marks.stories(tmp_path / "stories.py") == {"stories.py::told"}
