# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mail servers that are not there, hang, refuse or ask who we are: every attempt ends, and is made again."""

from __future__ import annotations

import os
import typing as t
from pathlib import Path

import pytest

from lab.mail_server import Certificate, HostileServer, MailServer, make_certificate
from mainstay.daemon.mail import mailer as mailer_module
from mainstay.daemon.mail.mailer import MOST_TRIES, PAUSES
from mainstay.model.units import seconds

from ..programs.script_lab import gone
from .mail_lab import NIGHT, OPS, Story, dead_port

# ---- servers that are not there


@pytest.mark.fault("F64")
def test_a_dead_server_is_told_once_and_the_mail_comes_when_it_lives(
    story: Story, server: MailServer, hasty: None
) -> None:
    story.configure(dead_port())
    story.happens("MASTER")
    story.until(lambda: [mail for mail in story.mailer._queue if mail.tries >= 3], "three attempts")
    assert len(story.log) == 1 and "Connection refused; it is tried again" in story.log[0]
    assert "Connection refused" in str(story.mailer.status()["last_failure"])
    story.configure(server.port)
    story.until_sent(1)
    assert "mails get through again" in story.log[-1] and story.mailer.status()["last_failure"] is None


@pytest.mark.fault("F64")
def test_the_loop_turns_while_a_server_hangs_and_the_attempt_ends_with_the_mailer(story: Story) -> None:
    server = HostileServer()
    story.configure(server.port)
    story.happens("STOP")
    story.until(lambda: server.connections, "a connection")
    run = story.mailer._run
    assert run is not None and not gone(run.pid)
    turns: list[int] = []
    for _turn in range(100):
        story.loop.call_at(story.loop.now(), turns.append)
        story.loop.run_once()
    assert len(turns) == 100
    story.mailer.end(story.loop.now())
    story.until(lambda: gone(run.pid), "the process to end")
    assert len(story.files()) == 1, "it is kept for the next start"
    server.close()


def test_the_process_of_an_attempt_has_no_capability_no_descriptor_of_ours_and_ends_with_the_daemon(
    story: Story,
) -> None:
    server = HostileServer()
    story.configure(server.port)
    story.happens("STOP")
    story.until(lambda: server.connections, "a connection")
    run = story.mailer._run
    assert run is not None
    status = Path(f"/proc/{run.pid}/status").read_text()
    for name in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
        assert f"{name}:\t{0:016x}" in status, status
    assert "Name:\tmainstayd-mail" in status
    descriptors = Path(f"/proc/{run.pid}/fd")
    opened = {one.name: os.readlink(one) for one in descriptors.iterdir()}
    others = [what for number, what in opened.items() if number not in ("0", "1", "2")]
    kinds = sorted(what.partition(":")[0] for what in others)
    assert kinds == ["pipe", "socket"], f"more than its last words and the server: {opened}"
    server.close()


def test_an_attempt_that_outlives_its_time_is_killed(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mailer_module, "hard_limit", lambda _server: seconds(0.2))
    server = HostileServer()
    story.configure(server.port)
    story.happens("STOP")
    story.until(lambda: story.log, "the failure to be told")
    assert "the attempt did not end within 0.2 s; it is tried again" in story.log[0]
    server.close()


def test_a_recipient_refused_for_now_is_tried_again_alone_and_one_refused_for_good_is_not(
    story: Story, server: MailServer, hasty: None
) -> None:
    server.refusals = {OPS: "450 greylisted", NIGHT: "550 no such user"}
    story.configure(server.port, OPS, NIGHT, "third@example.com")
    story.happens("STOP")
    story.until(lambda: server.received, "the third to get it")
    server.refusals = {}
    story.until_sent(1)
    assert [one.recipients for one in server.received] == [["third@example.com"], [OPS]]
    assert "450 greylisted" in story.log[0] and "550 no such user" in story.log[0]


def test_a_mail_refused_for_good_is_dropped_and_told(story: Story, server: MailServer) -> None:
    server.answer_to_data = "554 spam"
    story.configure(server.port)
    story.happens("STOP")
    story.until(lambda: story.mailer.status()["dropped"] == 1, "it to be dropped")
    assert "refuses the mail: 554 spam" in story.log[0]
    assert story.files() == [] and story.mailer.idle


def test_it_is_given_up_after_a_day(story: Story, hasty: None, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses = [PAUSES[min(number, len(PAUSES) - 1)] for number in range(MOST_TRIES - 1)]
    assert seconds(23 * 3600) < sum(pauses) < seconds(24 * 3600)
    assert pauses == sorted(pauses)
    monkeypatch.setattr(mailer_module, "MOST_TRIES", 2)
    story.configure(dead_port())
    story.happens("STOP")
    story.until(lambda: story.mailer.status()["dropped"] == 1, "it to be given up")
    assert "given up after 2 attempts" in story.log[-1]


# ---- the password


@pytest.fixture
def certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Certificate:
    made = make_certificate(tmp_path / "ca", "DNS:localhost")
    monkeypatch.setenv("SSL_CERT_FILE", str(made.authority))
    return made


def secure(password: Path) -> dict[str, t.Any]:
    return {
        "smtp_server": "localhost",
        "smtp_starttls": True,
        "smtp_username": "lb1",
        "smtp_password_file": str(password),
    }


def test_the_password_is_read_when_it_is_needed(story: Story, certificate: Certificate, hasty: None) -> None:
    password = story.folder / "password"
    server = MailServer(certificate=certificate, login=("lb1", "s3cret"))
    story.configure(server.port, **secure(password))
    story.happens("STOP")
    story.until(lambda: story.log, "the missing file to be told")
    assert f"smtp_password_file {password}: No such file" in story.log[0]
    password.write_text("s3cret\n")
    password.chmod(0o640)
    story.until_sent(1)
    assert server.received[0].secure and server.logins == ["lb1"]
    server.close()


def test_a_password_that_others_can_read_is_not_used(story: Story, certificate: Certificate) -> None:
    password = story.folder / "password"
    password.write_text("s3cret\n")
    password.chmod(0o644)
    server = MailServer(certificate=certificate, login=("lb1", "s3cret"))
    story.configure(server.port, **secure(password))
    story.happens("STOP")
    story.until(lambda: story.log, "the refusal to be told")
    assert "has mode 0644: others may read or change it" in story.log[0]
    assert server.logins == [] and "s3cret" not in "".join(story.log)
    server.close()
