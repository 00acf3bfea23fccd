# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Daemons that a story starts end with it."""

from __future__ import annotations

import tempfile
import typing as t
from pathlib import Path

import pytest

from .daemon_process import DaemonProcess, document, write_config


@pytest.fixture
def folder() -> t.Iterator[Path]:
    """A short path: socket names have room for 107 bytes."""
    with tempfile.TemporaryDirectory(prefix="ms-") as path:
        yield Path(path)


StartDaemon = t.Callable[..., DaemonProcess]


@pytest.fixture
def start_daemon(folder: Path) -> t.Iterator[StartDaemon]:
    started: t.List[DaemonProcess] = []
    write_config(folder, document())

    def start(**environment: str) -> DaemonProcess:
        started.append(DaemonProcess(folder, **environment))
        return started[-1]

    yield start
    for daemon in started:
        daemon.end_everything()


@pytest.fixture
def daemon(start_daemon: StartDaemon) -> DaemonProcess:
    """One that runs the plain configuration."""
    return start_daemon().wait_until_ready()
