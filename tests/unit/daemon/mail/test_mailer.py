# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From what happened to an instance to a mail in somebody's hands, through servers that are not always there."""

from __future__ import annotations

import json
import os
import stat
import typing as t
from pathlib import Path

import pytest

from lab.mail_server import Certificate, HostileServer, MailServer, make_certificate
from mainstay.daemon.journal import Journal
from mainstay.daemon.mail import mailer as mailer_module
from mainstay.daemon.mail.mailer import MOST_TRIES, PAUSES, Answer, Mailer
from mainstay.daemon.mail.queue import MOST
from mainstay.daemon.worker import Happening
from mainstay.model.config import Config, GlobalDefs
from mainstay.model.units import seconds

from ..programs.script_lab import Loop, gone

OPS, NIGHT = "ops@example.com", "night@example.com"
SHORT = seconds(0.05)
EXPLANATION = {"ok": True, "state": "MASTER", "why": "192.0.2.2 is silent", "outlook": "It yields to a higher one."}


def happening(event: str = "MASTER", kind: str = "INSTANCE", name: str = "VI_1", reason: str = "because") -> Happening:
    priority = 150 if kind == "INSTANCE" else 0
    return Happening(kind, name, event, priority, reason, "BACKUP", "2026-01-02T03:04:05+01:00")


class Story:
    """A mailer under a real loop; `restart` is a new one on the same folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.queue_folder = folder / "mail"
        self.loop = Loop()
        self.log: list[str] = []
        self.explanation: Answer = dict(EXPLANATION)
        self.silent = False
        """The worker does not answer."""
        self.mailer = self.restart()

    def restart(self) -> Mailer:
        journal = Journal(lambda text: bool(self.log.append(text)) or True, under_systemd=True)
        self.mailer = Mailer(self.loop, journal, str(self.folder), self._explain)
        return self.mailer

    def _explain(self, _instance: str, taken: t.Callable[[Answer], None]) -> t.Callable[[], None]:
        if not self.silent:
            taken(self.explanation)
        return lambda: None

    def configure(self, port: int | None, *recipients: str, **options: t.Any) -> None:
        where = {"smtp_server": "127.0.0.1", "smtp_port": port} if port is not None else {}
        usual = {"router_id": "lb1", "notification_email": recipients or (OPS,), **where}
        self.mailer.configure(Config(GlobalDefs(**{**usual, **options})), self.loop.now())

    def happens(self, *events: str, **what: str) -> None:
        for event in events:
            self.mailer.happened(happening(event, **what))

    def until(self, so: t.Callable[[], object], what: str) -> None:
        try:
            self.loop.until(so, what)
        except AssertionError as error:
            raise AssertionError(f"{error}; status {self.mailer.status()}, log {self.log}") from error

    def until_sent(self, number: int) -> None:
        self.until(lambda: self.mailer.sent == number, f"{number} mails to be sent")

    def files(self) -> list[Path]:
        return sorted(self.queue_folder.glob("*.mail"))

    def close(self) -> None:
        self.mailer.end(self.loop.now())
        self.until(lambda: self.mailer._run is None, "the last attempt to end")
        self.loop.close()


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


def dead_port() -> int:
    server = HostileServer()
    server.close()
    return server.port


# ---- what is sent


def test_a_new_master_is_mailed_to_everybody_with_reason_time_priority_and_outlook(
    story: Story, server: MailServer
) -> None:
    story.configure(
        server.port,
        OPS,
        f"Night, Watch <{NIGHT}>",
        notification_email_from="lb1@example.com",
        smtp_helo_name="lb1.test",
    )
    story.happens("MASTER", reason="no advert for 3.4 s")
    story.until_sent(1)
    (received,) = server.received
    assert (received.helo, received.sender, received.recipients) == ("lb1.test", "lb1@example.com", [OPS, NIGHT])
    assert received.subject == "[lb1] vrrp_instance VI_1 is MASTER now"
    assert [address.addr_spec for address in received.mail["To"].addresses] == [OPS, NIGHT]
    for words in (
        "vrrp_instance VI_1 on lb1 is MASTER now.",
        "Reason:   no advert for 3.4 s",
        "Time:     2026-01-02T03:04:05+01:00",
        "Before:   BACKUP",
        "Priority: 150",
        "MASTER because 192.0.2.2 is silent. It yields to a higher one.",
    ):
        assert words in received.text
    assert received.mail["Date"].datetime.isoformat() == "2026-01-02T03:04:05+01:00"
    assert story.files() == [], "a mail that is delivered is kept no longer"


@pytest.mark.parametrize(
    ("event", "words"),
    [
        ("BACKUP", "is BACKUP now"),
        ("FAULT", "is in FAULT"),
        ("STOP", "was stopped"),
        ("DELETED", "was removed from the configuration"),
    ],
)
def test_every_state_of_instances_and_groups_has_its_subject(
    story: Story, server: MailServer, event: str, words: str
) -> None:
    story.configure(server.port)
    story.happens(event)
    story.happens(event, kind="GROUP", name="VG_1")
    story.until_sent(2)
    subjects = {one.subject: one.text for one in server.received}
    assert set(subjects) == {f"[lb1] vrrp_instance VI_1 {words}", f"[lb1] vrrp_sync_group VG_1 {words}"}
    assert "Priority" not in subjects[f"[lb1] vrrp_sync_group VG_1 {words}"], "a group has none"


def test_without_a_sender_it_is_mainstay_at_this_host(story: Story, server: MailServer) -> None:
    story.configure(server.port)
    story.happens("STOP")
    story.until_sent(1)
    assert server.received[0].sender.startswith("mainstay@")


def test_no_email_faults_leaves_out_faults_alone(story: Story, server: MailServer) -> None:
    story.configure(server.port, no_email_faults=True)
    story.happens("FAULT", "STOP")
    story.until_sent(1)
    story.until(lambda: story.mailer.idle, "nothing to wait for its explanation any more")
    assert [one.subject for one in server.received] == ["[lb1] vrrp_instance VI_1 was stopped"]


def test_without_server_or_recipients_nothing_is_written(story: Story) -> None:
    story.configure(None)
    story.happens("MASTER", "STOP")
    story.configure(dead_port(), notification_email=())
    story.happens("MASTER", "STOP")
    assert story.mailer.idle and story.files() == []


def test_a_worker_that_does_not_explain_holds_up_no_mail(story: Story, server: MailServer) -> None:
    story.configure(server.port)
    story.silent = True
    story.happens("MASTER")
    story.until_sent(1)
    assert "Reason:   because" in server.received[0].text


def test_names_and_reasons_can_add_neither_header_nor_recipient(story: Story, server: MailServer) -> None:
    story.configure(server.port, router_id="lb1\r\nBcc: evil@example.com")
    story.happens("STOP", name="VI_1\nBcc: evil@example.com", reason="x\r\n.\r\nMAIL FROM:<evil@example.com>")
    story.until_sent(1)
    (received,) = server.received
    assert received.mail["Bcc"] is None and received.recipients == [OPS]


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


# ---- the queue


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


@pytest.mark.parametrize("content", ["", "{", "[]", FORGED])
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


@pytest.mark.parametrize(
    ("kind", "name", "event", "called", "subject", "first"),
    [
        (
            "RS",
            "web 192.0.2.21:80",
            "DOWN",
            ("[192.0.2.21]:tcp:80", "[192.0.2.10]:tcp:80"),
            "[lb1] Realserver [192.0.2.21]:tcp:80 of virtual server [192.0.2.10]:tcp:80 - DOWN",
            "real_server web 192.0.2.21:80 on lb1 is down.",
        ),
        ("VS", "web", "UP", ("FWM 5",), "[lb1] Virtualserver FWM 5 - UP", "virtual_server web on lb1 is up."),
    ],
)
def test_services_and_servers_have_keepalived_s_subjects(
    story: Story,
    server: MailServer,
    kind: str,
    name: str,
    event: str,
    called: tuple[str, ...],
    subject: str,
    first: str,
) -> None:
    """As keepalived 2.2.7 wrote them in the kernel tests' guest; the body is ours, with the reason."""
    story.configure(server.port, OPS)
    happening = Happening(kind, name, event, 1, "HTTP 503", "", "2026-01-02T03:04:05+01:00")
    story.mailer.happened(happening, called)
    story.until_sent(1)
    (received,) = server.received
    assert received.subject == subject
    assert received.text.startswith(f"{first}\r\n") and "Reason:   HTTP 503" in received.text
    assert "Before:" not in received.text and "Priority:" not in received.text
