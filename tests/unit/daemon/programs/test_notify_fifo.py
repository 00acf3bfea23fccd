# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The FIFO itself: what may stand at its path, and a reader that does not read."""

from __future__ import annotations

import os
import stat
import typing as t
from pathlib import Path

import pytest

from mainstay.daemon.programs.notify_fifo import MOST_WAITING, FifoRefused, NotifyFifo

from .script_lab import Loop

NOBODY = 65534
PIPE = 65536


@pytest.fixture
def loop() -> t.Iterator[Loop]:
    made = Loop()
    yield made
    made.close()


def test_it_is_made_for_us_alone_and_removed_at_the_end(loop: Loop, folder: Path) -> None:
    path = folder / "fifo"
    fifo = NotifyFifo(loop, str(path))
    found = path.stat()
    assert stat.S_ISFIFO(found.st_mode) and (found.st_mode & 0o777, found.st_uid) == (0o600, os.geteuid())
    fifo.close()
    assert not path.exists()


def test_our_own_of_an_earlier_run_is_taken_and_closed_to_others(loop: Loop, folder: Path) -> None:
    os.mkfifo(folder / "fifo")
    (folder / "fifo").chmod(0o666)
    fifo = NotifyFifo(loop, str(folder / "fifo"))
    assert (folder / "fifo").stat().st_mode & 0o777 == 0o600
    fifo.close()


def test_its_reader_may_be_another_user(loop: Loop, folder: Path) -> None:
    for _run in range(2):
        fifo = NotifyFifo(loop, str(folder / "fifo"), owner=NOBODY)
        assert (folder / "fifo").stat().st_uid == NOBODY
    fifo.close()


def regular(path: Path) -> None:
    path.write_text("precious")


def link(path: Path) -> None:
    os.mkfifo(path.parent / "elsewhere")
    path.symlink_to("elsewhere")


def of_another(path: Path) -> None:
    os.mkfifo(path)
    os.chown(path, NOBODY, NOBODY)


def folder_missing(path: Path) -> None:
    path.parent.rmdir()


@pytest.mark.parametrize(
    ("plant", "why"),
    [
        (regular, "is there and is no FIFO; remove it"),
        (link, "is there and is no FIFO; remove it"),
        (of_another, "belongs to uid 65534, who could read or forge what stands in it; remove it"),
        (folder_missing, "cannot be made or opened: No such file or directory"),
    ],
)
def test_what_was_planted_is_refused_and_left_alone(
    loop: Loop, folder: Path, plant: t.Callable[[Path], None], why: str
) -> None:
    path = folder / "deeper" / "fifo"
    path.parent.mkdir()
    plant(path)
    with pytest.raises(FifoRefused) as refused:
        NotifyFifo(loop, str(path))
    assert str(refused.value) == f"{path} {why}"


@pytest.mark.fault("F64")
def test_a_reader_that_is_stuck_holds_nobody_up_and_the_oldest_lines_are_dropped(loop: Loop, folder: Path) -> None:
    """F64."""
    fifo = NotifyFifo(loop, str(folder / "fifo"))
    reader = os.open(folder / "fifo", os.O_RDONLY | os.O_NONBLOCK)
    written = 8 * (PIPE // 16)
    for number in range(written):
        fifo.write(f"{number:015}\n".encode())
    assert fifo.waiting == MOST_WAITING and fifo.dropped > 0
    numbers: list[int] = []

    def all_read() -> bool:
        try:
            numbers.extend(int(line) for line in os.read(reader, PIPE).split())
        except BlockingIOError:
            return fifo.waiting == 0
        return False

    loop.until(all_read, "what is left to be read")
    assert numbers == sorted(numbers) and numbers[-1] == written - 1, "in order, and the last one got through"
    assert len(numbers) == written - fifo.dropped == fifo.written
    os.close(reader)
    fifo.close()
