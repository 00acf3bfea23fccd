# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A watch that ends: no timer of it touches anything any more, whoever has its descriptor's number now."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest

from mainstay.daemon.programs.file_watch import FileWatch
from mainstay.model.units import seconds

from .script_lab import Loop

LONGER_THAN_A_LOOK = seconds(1.5)


@pytest.fixture
def loop() -> t.Iterator[Loop]:
    made = Loop()
    yield made
    made.close()


def pass_by(loop: Loop) -> None:
    """Turn until every timer of a watch that was closed would have come."""
    passed: t.List[int] = []
    loop.call_at(loop.now() + LONGER_THAN_A_LOOK, passed.append)
    loop.until(lambda: passed, "the time to pass")


def test_a_missing_folder_is_not_looked_for_after_the_end(loop: Loop, tmp_path: Path) -> None:
    called: t.List[int] = []
    ended = FileWatch(loop)
    ended.watch(str(tmp_path / "missing" / "file"), called.append)
    ended.close()
    successor = FileWatch(loop)  # it has the same descriptor now
    (tmp_path / "missing").mkdir()
    pass_by(loop)
    (tmp_path / "missing" / "file").touch()
    pass_by(loop)
    successor.close()
    assert called == []


def test_an_event_that_is_not_told_yet_is_forgotten_at_the_end(loop: Loop, tmp_path: Path) -> None:
    called: t.List[int] = []
    watch = FileWatch(loop)
    watch.watch(str(tmp_path / "file"), called.append)
    (tmp_path / "file").touch()
    loop.run_once()  # the event is read, and settles
    watch.close()
    pass_by(loop)
    assert called == []


def test_who_is_called_may_end_the_watch(loop: Loop, tmp_path: Path) -> None:
    called: t.List[int] = []
    watch = FileWatch(loop)

    def end(now: int) -> None:
        called.append(now)
        watch.close()

    for name in ("a", "b"):
        watch.watch(str(tmp_path / "missing" / name), end)
    pass_by(loop)
    assert len(called) == 1
