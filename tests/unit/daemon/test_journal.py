# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The log never holds up who writes it."""

from __future__ import annotations

import io
import os
import signal
import socket
import sys
import typing as t

import pytest

from mainstay.daemon.journal import Journal

Ends = t.Tuple[int, int]


def pipe() -> Ends:
    return os.pipe()


def stream() -> Ends:
    """What systemd gives a service as its standard error."""
    reader, writer = socket.socketpair()
    return reader.detach(), writer.detach()


class StandardError:
    def __init__(self, ends: Ends) -> None:
        self.reader, self.writer = ends
        os.set_blocking(self.reader, False)

    def fileno(self) -> int:
        return self.writer

    def read(self) -> str:
        received = b""
        while True:
            try:
                received += os.read(self.reader, 1 << 20)
            except BlockingIOError:
                return received.decode("utf-8")


def _stuck(_number: int, _frame: object) -> None:
    raise AssertionError("a write waits for its reader")


@pytest.fixture(params=[pipe, stream])
def stderr(request: pytest.FixtureRequest) -> t.Iterator[StandardError]:
    made = StandardError(request.param())
    former = signal.signal(signal.SIGALRM, _stuck)
    signal.alarm(20)
    yield made
    signal.alarm(0)
    signal.signal(signal.SIGALRM, former)
    os.close(made.reader)
    os.close(made.writer)


def test_a_reader_that_is_stuck_costs_lines_and_is_told_how_many(
    stderr: StandardError, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stderr", stderr)
    journal = Journal(under_systemd=True)
    for number in range(20_000):
        journal.info("mainstayd", f"line {number} of many that nobody reads")
    taken = stderr.read().splitlines()

    journal.info("mainstayd", "read again")
    journal.info("mainstayd", "and again")

    first, *rest = stderr.read().splitlines()
    assert taken and taken[-1].endswith(f"line {len(taken) - 1} of many that nobody reads")
    assert first == f"<4>log: {20_000 - len(taken)} lines of this log were dropped, its reader was too slow"
    assert rest == ["<6>mainstayd: read again", "<6>mainstayd: and again"]


def test_a_line_without_end_is_cut(stderr: StandardError, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", stderr)
    Journal(under_systemd=True).info("mainstayd", "é" * 100_000)

    (line,) = stderr.read().splitlines()
    assert line.endswith("é...") and len(line.encode()) < 4096


def test_without_a_standard_error_nothing_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", io.StringIO())

    Journal(under_systemd=True).info("mainstayd", "for nobody")
