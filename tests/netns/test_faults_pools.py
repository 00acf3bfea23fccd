# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks by the thousand, names that nobody resolves: VRRP beside them notices nothing, and verdicts come."""

from __future__ import annotations

import shutil
import socket
import typing as t
from pathlib import Path

import pytest
from netns.crowd import Crowd
from netns.daemons import Daemon, Document, instance
from netns.segment import Node, Segment
from netns.wire import Capture

from lab.waiting import wait_for
from mainstay.daemon.health.probe_slots import RESERVED_DESCRIPTORS

ADVERT_INT = 0.3
SERVICES, EACH = 100, 20
ALL = SERVICES * EACH
SPREAD_SECONDS = 10.0
"""The time that first probes of so many checks take: 5 ms for each."""
ANSWER_SECONDS = 0.1
PROBES_AT_ONCE = 400
"""The descriptors of the story's daemon allow so many."""


def director(node: Node, folder: Path, **sections: t.Any) -> Daemon:
    """A daemon with an instance beside whatever it balances."""
    daemon = Daemon(node, folder)
    defs = {"data_plane": "nftables", **sections.pop("global_defs", {})}
    daemon.write_document(global_defs=defs, vrrp_instances={"VI_1": instance(150, advert_int=ADVERT_INT)}, **sections)
    return daemon


def backup(node: Node, folder: Path) -> Daemon:
    return Daemon(node, folder, VI_1=instance(100, advert_int=ADVERT_INT)).start()


def service(number: int, *addresses: str, port: int, **check: object) -> Document:
    pool = [{"address": address, "port": port, "check": {"type": "tcp", **check}} for address in addresses]
    usual = {"port": 80, "protocol": "TCP", "lb_algo": "rr", "lb_kind": "NAT", "real_servers": pool}
    return {"address": f"198.51.100.{number}", **usual}


def crowded(crowd: Crowd) -> Document:
    """Every server at an address of its own."""
    check = {"expect": "ready", "connect_timeout": 5, "retry": 0}
    return {
        f"s{number}": {
            **service(number, *(f"127.1.{number}.{one}" for one in range(1, EACH + 1)), port=crowd.port, **check),
            "delay_loop": SPREAD_SECONDS,
        }
        for number in range(1, SERVICES + 1)
    }


def missed(capture: Capture) -> int:
    """Adverts that were not there when their turn was."""
    times: list[float] = [float(packet.time) for packet in capture.packets()]
    gaps = [later - earlier for earlier, later in zip(times, times[1:])]
    return sum(max(0, round(gap / ADVERT_INT) - 1) for gap in gaps)


@pytest.fixture
def crowd(segment: Segment) -> t.Iterator[Crowd]:
    crowd = Crowd(segment.node("a"), ANSWER_SECONDS)
    yield crowd
    crowd.close()


@pytest.mark.fault("F62")
@pytest.mark.xdist_group("hogs")
def test_two_thousand_checks_begin_one_after_the_other_and_no_advert_is_missing(
    segment: Segment, tmp_path: Path, crowd: Crowd
) -> None:
    a, b = segment.node("a"), segment.node("b")
    rival = backup(b, tmp_path)
    rival.await_state("MASTER")
    daemon = director(a, tmp_path, virtual_servers=crowded(crowd))
    daemon.through = ("prlimit", f"--nofile={PROBES_AT_ONCE + RESERVED_DESCRIPTORS}")
    daemon.start().await_state("MASTER")
    rival.await_state("BACKUP")
    before = rival.status()["transitions"]
    capture = Capture(b, tmp_path, f"proto 112 and src {a.address}")

    wait_for(lambda: len(crowd.asked) == ALL, 60, f"{ALL} servers to be asked", evidence=lambda: f"{len(crowd.asked)}")
    assert crowd.busiest_second() < ALL / 2, (
        "spread over ten seconds; what was due while the table was made comes at once"
    )

    crowd.silent = True
    down = lambda: daemon.log.read_text().count(" is down: ") >= ALL / 4  # noqa: E731
    wait_for(down, 90, "a quarter of them to be down", evidence=daemon.evidence)
    assert PROBES_AT_ONCE / 2 < crowd.peak < 1.25 * PROBES_AT_ONCE, "of a thousand most wait in line"

    assert missed(capture) == 0
    assert (rival.state(), rival.status()["transitions"]) == ("BACKUP", before)


@pytest.fixture
def deaf(segment: Segment) -> t.Iterator[socket.socket]:
    """The name server of node a hears its questions and never answers: whoever asks waits for seconds."""
    folder = Path("/etc/netns") / segment.node("a").namespace
    folder.mkdir(parents=True)
    server = segment.node("c")
    (folder / "resolv.conf").write_text(f"nameserver {server.address}\noptions timeout:5 attempts:3\n")
    with server.socket(socket.AF_INET, socket.SOCK_DGRAM) as name_server:
        name_server.bind((server.address, 53))
        name_server.settimeout(20)
        yield name_server
    shutil.rmtree(folder)


@pytest.mark.fault("F63")
def test_a_resolver_that_is_dead_delays_no_advert_no_check_and_no_answer(
    segment: Segment, tmp_path: Path, deaf: socket.socket
) -> None:
    """Only mails go to a name. Resolving it hangs in a process of its own; what is to be sent waits."""
    a, b = segment.node("a"), segment.node("b")
    rival = backup(b, tmp_path)
    rival.await_state("MASTER")
    crowd = Crowd(a, 0)
    daemon = director(
        a,
        tmp_path,
        global_defs={"notification_email": ["ops@example.com"], "smtp_server": "mail.example.com", "smtp_alert": True},
        virtual_servers={"web": {**service(1, "127.1.1.1", port=crowd.port, retry=0), "delay_loop": 0.2}},
    ).start()
    daemon.await_state("MASTER")
    rival.await_state("BACKUP")
    before = rival.status()["transitions"]
    assert b"mail" in deaf.recv(512), "the question"
    capture = Capture(b, tmp_path, f"proto 112 and src {a.address}")

    crowd.close()
    wait_for(
        lambda: "is down: connection refused" in daemon.log.read_text(), 4, "the verdict", evidence=daemon.evidence
    )
    wait_for(lambda: len(capture.packets()) >= 20, 20, "twenty adverts", evidence=daemon.evidence)

    mail = daemon.ask("status")["mail"]
    assert mail["waiting"] > 0 and mail["sent"] == 0, mail
    assert missed(capture) == 0
    assert (rival.state(), rival.status()["transitions"]) == ("BACKUP", before)
