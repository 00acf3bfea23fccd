# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What this host adds to a check: its name, for mail servers that are told none."""

from __future__ import annotations

import os
import typing as t

import pytest

from mainstay.daemon.check_tasks import check_tasks
from mainstay.model.check_config import SmtpCheck


def greeted_as(check: SmtpCheck) -> str:
    (task,) = check_tasks(check, "192.0.2.25", 25)
    probe = task.begin()
    probe.start(0)
    said = probe.receive(b"220 mx\r\n", 0)
    assert isinstance(said, bytes)
    return said.decode()


def named(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    real = os.uname()
    own = os.uname_result((real.sysname, name, real.release, real.version, real.machine))
    monkeypatch.setattr(os, "uname", lambda: own)


def test_without_a_name_it_is_this_hosts(monkeypatch: pytest.MonkeyPatch) -> None:
    named(monkeypatch, "lb1.example.org")
    assert greeted_as(SmtpCheck()) == "EHLO lb1.example.org\r\n"


def test_the_configured_name_goes_before(monkeypatch: pytest.MonkeyPatch) -> None:
    named(monkeypatch, "lb1.example.org")
    assert greeted_as(SmtpCheck(helo_name="mx-check.example.org")) == "EHLO mx-check.example.org\r\n"


@pytest.mark.parametrize(("name", "said"), [("lb 1\r\nQUIT", "lb-1--QUIT"), ("-", "localhost")])
def test_a_host_name_that_would_split_the_command_is_bent_into_one_that_does_not(
    monkeypatch: pytest.MonkeyPatch, name: t.Any, said: str
) -> None:
    named(monkeypatch, name)
    assert greeted_as(SmtpCheck()) == f"EHLO {said}\r\n"
