# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mails of real daemons: a failover is told, and a mail server that hangs holds up nothing."""

from __future__ import annotations

import json
import socket
import typing as t
from pathlib import Path

import pytest
from netns.daemons import Daemon, instance
from netns.segment import Node, Segment
from netns.wire import Capture

from lab.mail_server import HostileServer, MailServer
from lab.waiting import wait_for

OPS = "ops@example.com"
ADVERT_INT = 0.3


def listening(node: Node) -> socket.socket:
    """A socket of this node's, for a server in a thread of ours."""
    with node.inside():
        return socket.create_server((node.address, 0))


def mailing(node: Node, folder: Path, priority: int, server: tuple[str, int], **options: object) -> Daemon:
    """A daemon that is yet to be started, with one instance and its group."""
    daemon = Daemon(node, folder)
    defs = {"router_id": node.name, "smtp_server": server[0], "smtp_port": server[1], "notification_email": [OPS]}
    document = {
        "global_defs": {**defs, "smtp_alert": True, **options},
        "vrrp_instances": {"VI_1": instance(priority, advert_int=ADVERT_INT)},
        "vrrp_sync_groups": {"VG_1": {"group": ["VI_1"], "smtp_alert": False}},
    }
    daemon.write_text(json.dumps(document))
    return daemon


def test_a_failover_is_mailed_by_both_and_the_last_mail_before_the_end_goes_out(
    segment: Segment, tmp_path: Path
) -> None:
    a, b, c = (segment.node(name) for name in "abc")
    server = MailServer(listening(c))
    where = (c.address, server.port)
    master, backup = mailing(a, tmp_path, 150, where), mailing(b, tmp_path, 100, where)
    master.start().await_state("MASTER")
    backup.start().await_state("BACKUP")

    master.signal_and_await_end()
    backup.await_state("MASTER")

    expected = [
        *(f"[a] vrrp_instance VI_1 {word}" for word in ("is BACKUP now", "is MASTER now", "was stopped")),
        *(f"[b] vrrp_instance VI_1 {word}" for word in ("is BACKUP now", "is MASTER now")),
    ]

    def subjects() -> list[str]:
        return sorted(one.subject for one in server.received)

    wait_for(lambda: subjects() == sorted(expected), 15, "five mails", evidence=lambda: f"{subjects()}")
    last = next(one.text for one in server.received if one.subject == "[b] vrrp_instance VI_1 is MASTER now")
    assert "Priority: 100" in last and "When this was written: MASTER because" in last, last

    def told() -> tuple[object, ...]:
        mail = backup.ask("status")["mail"]
        return mail["waiting"], mail["sent"], mail["dropped"], mail["last_failure"]

    # The server has a mail a moment before the daemon has read that it was accepted.
    wait_for(lambda: told() == (0, 2, 0, None), 10, "two mails to be counted", evidence=lambda: str(told()))
    server.close()


def test_a_group_is_mailed_of_where_its_own_word_says_so(segment: Segment, tmp_path: Path) -> None:
    """Nobody else is: the word of global_defs is yes, the instance's no, and of the two groups one has its own no."""
    a, c = segment.node("a"), segment.node("c")
    server = MailServer(listening(c))
    daemon = Daemon(a, tmp_path)
    defs = {"router_id": "a", "smtp_server": c.address, "smtp_port": server.port, "notification_email": [OPS]}
    quiet = {"advert_int": ADVERT_INT, "smtp_alert": False}
    other = {"virtual_router_id": 52, "virtual_ipaddress": ["192.0.2.12/24"]}
    daemon.write_document(
        global_defs={**defs, "smtp_alert": True},
        vrrp_instances={"VI_1": instance(150, **quiet), "VI_2": instance(150, **quiet, **other)},
        vrrp_sync_groups={
            "VG_1": {"group": ["VI_1"], "smtp_alert": True},
            "VG_2": {"group": ["VI_2"], "smtp_alert": False},
        },
    )
    daemon.start().await_state("MASTER")
    daemon.await_state("MASTER", name="VI_2")
    daemon.signal_and_await_end()
    subjects = lambda: [one.subject for one in server.received]  # noqa: E731
    wait_for(lambda: len(subjects()) >= 3, 15, "three mails", evidence=lambda: f"{subjects()}\n{daemon.evidence()}")
    words = ("is BACKUP now", "is MASTER now", "was stopped")
    assert subjects() == [f"[a] vrrp_sync_group VG_1 {word}" for word in words]
    server.close()


@pytest.mark.fault("F64")
@pytest.mark.parametrize("kind", ["never greets", "black hole"])
def test_a_mail_server_that_hangs_delays_no_advert_and_no_takeover(segment: Segment, tmp_path: Path, kind: str) -> None:
    a, b, c = (segment.node(name) for name in "abc")
    server = HostileServer(listening=listening(c))
    where = (c.address, server.port) if kind == "never greets" else ("192.0.2.99", 25)
    daemon = mailing(a, tmp_path, 150, where, smtp_connect_timeout=2)
    rival = mailing(b, tmp_path, 100, where, smtp_connect_timeout=2)
    rival.start().await_state("MASTER")
    capture = Capture(c, tmp_path, f"proto 112 and src {a.address}")

    daemon.start().await_state("MASTER")
    rival.await_state("BACKUP")
    wait_for(lambda: "does not answer within" in daemon.log.read_text() or "cannot be used" in daemon.log.read_text(),
             20, "a failed attempt", evidence=daemon.evidence)  # fmt: skip
    wait_for(lambda: len(capture.packets()) >= 30, 30, "thirty adverts", evidence=daemon.evidence)

    capture.stop()
    assert _longest_silence(capture) < 3 * ADVERT_INT
    assert daemon.ask("status")["mail"]["waiting"] > 0
    assert (daemon.status()["transitions"], rival.state()) == (2, "BACKUP")
    daemon.signal_and_await_end()
    rival.await_state("MASTER")
    kept = sorted((daemon.folder / "state" / "mail").glob("*.mail"))
    assert len(kept) == 3, "BACKUP, MASTER and STOP wait for the next start"
    server.close()


def _longest_silence(capture: Capture) -> float:
    """Seconds between two adverts."""
    times: list[t.Any] = [float(packet.time) for packet in capture.packets()]
    return float(max(later - earlier for earlier, later in zip(times, times[1:])))
