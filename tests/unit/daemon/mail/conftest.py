# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mailers and mail servers that a story uses end with it."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest

from lab.mail_server import MailServer
from mainstay.daemon.mail import mailer as mailer_module

from .mail_lab import SHORT, Story


@pytest.fixture
def story(folder: Path) -> t.Iterator[Story]:
    made = Story(folder)
    yield made
    made.close()


@pytest.fixture
def server() -> t.Iterator[MailServer]:
    made = MailServer()
    yield made
    made.close()


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses between attempts are short."""
    monkeypatch.setattr(mailer_module, "PAUSES", (SHORT,))
