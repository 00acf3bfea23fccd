# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures of the tests between network namespaces."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from netns.segment import Segment, remove_leftovers


@pytest.fixture(scope="session", autouse=True)
def clean_host() -> None:
    """What a killed run left behind is removed first."""
    remove_leftovers()


@pytest.fixture
def segment(tmp_path: Path) -> t.Iterator[Segment]:
    """A fresh segment; after the test its logs are shown, which pytest does for a failed one only."""
    made = Segment("")
    try:
        yield made
    finally:
        made.close()
        for log in sorted(tmp_path.rglob("log")):
            print(f"---- {log.parent.name}\n{log.read_text()}")
