# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mails that wait: over restarts, in bounded number, on a disk that takes nothing."""

from __future__ import annotations

import json
import os
import stat

import pytest

from lab.mail_server import MailServer
from mainstay.daemon.mail.queue import MOST

from .mail_lab import Story, dead_port


def test_what_waits_survives_a_restart_in_order_and_for_nobody_else_to_read(story: Story, server: MailServer) -> None:
    story.configure(dead_port())
    story.happens("STOP", "DELETED")
    story.until(lambda: story.mailer._run is None and story.mailer._not_before, "the first attempt to fail")
    assert [stat.S_IMODE(path.stat().st_mode) for path in story.files()] == [0o600, 0o600]
    assert stat.S_IMODE(story.queue_folder.stat().st_mode) == 0o700
    story.mailer.end(story.loop.now())

    story.restart()
    story.configure(server.port)
    story.until_sent(2)
    assert [one.subject.partition("VI_1 ")[2] for one in server.received] == [
        "was stopped", "was removed from the configuration",
    ]  # fmt: skip
    assert story.files() == []


def test_the_queue_is_bounded_and_the_next_mail_tells_how_many_are_missing(story: Story, server: MailServer) -> None:
    story.configure(dead_port())
    for number in range(MOST + 7):
        story.happens("STOP", name=f"VI_{number}")
    assert len(story.files()) == MOST and story.mailer.status()["waiting"] == MOST
    assert story.mailer.status()["dropped"] == 7
    assert sum("the oldest is dropped" in line for line in story.log) == 1, story.log
    story.happens("STOP", name="VI_last")
    last = json.loads(story.files()[-1].read_text())
    assert "1 earlier mails could not be delivered and were dropped." in last["message"]
    story.until(lambda: story.mailer._run is None, "the attempt to end")
    story.configure(server.port)
    story.until(lambda: len(server.received) >= 3, "the oldest of them to come")
    names = [one.subject.split()[2] for one in server.received[:3]]
    assert names == ["VI_9", "VI_10", "VI_11"], "VI_0 was on its way and has failed; VI_1 to VI_8 were dropped"


FORGED = '{"sender": "a@b", "recipients": ["x\\ny@z"], "message": "", "tries": 0}'
ENDLESS = '{"sender": "a@b", "recipients": ["y@z"], "message": "", "tries": 1e999}'


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", "[" * 100_000, FORGED, ENDLESS],
    ids=["empty", "cut off", "no mapping", "too deep", "forged", "endless"],
)
def test_a_file_that_is_no_mail_is_set_aside_and_the_others_are_sent(
    story: Story, server: MailServer, content: str
) -> None:
    story.configure(dead_port())
    story.happens("STOP")
    story.until(lambda: story.mailer._run is None, "the attempt to fail")
    (story.queue_folder / "000000000000.mail").write_text(content)
    story.restart()
    story.configure(server.port)
    story.until_sent(1)
    assert (story.queue_folder / "000000000000.mail.damaged").read_text() == content
    assert "is no mail of ours" in "".join(story.log)


@pytest.mark.fault("F23")
def test_a_disk_that_takes_nothing_costs_only_the_memory_over_a_restart(
    story: Story, server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_arguments: object) -> None:
        raise OSError(28, "No space left on device")

    story.configure(server.port)
    with monkeypatch.context() as broken:
        broken.setattr(os, "replace", full)
        story.happens("STOP", "DELETED")
        story.until_sent(2)
    assert sum("No space left on device" in line for line in story.log) == 1, story.log


def test_when_the_server_leaves_the_configuration_what_waits_is_dropped(story: Story) -> None:
    story.configure(dead_port())
    story.happens("STOP")
    story.until(lambda: story.mailer._run is None, "the attempt to fail")
    story.configure(None)
    assert story.files() == [] and "1 mails that wait are dropped" in story.log[-1]
