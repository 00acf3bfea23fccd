# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From what happened to an instance, a group, a service or a server to a mail in somebody's hands."""

from __future__ import annotations

import pytest

from lab.mail_server import MailServer
from mainstay.daemon.worker import Happening

from .mail_lab import NIGHT, OPS, Story, dead_port


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
