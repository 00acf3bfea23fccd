# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The zoo: a real check against real hostile servers ends in time, with the reason an operator needs.

A server that can be judged by what it says is probed with a deadline far away: that the verdict is about the answer
and not about the time shows that it did not wait. The others get a short deadline and must name what was missing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest

from mainstay.daemon.one_check import run_check
from mainstay.model.config import HttpCheck, TcpCheck
from mainstay.model.units import seconds
from mainstay.probes.outcome import ProbeOutcome

from . import hostile_servers as zoo

FAR = seconds(30)
SOON = seconds(0.3)
OK = b"HTTP/1.1 200 OK\r\n"


@dataclass(frozen=True)
class Animal:
    """One server, the deadline it is given and the reason it must get."""

    name: str
    behaviour: zoo.Behaviour
    deadline: int
    up: bool
    reason: str


ANIMALS = [
    Animal("healthy", zoo.says(OK + b"Content-Length: 2\r\n\r\nok"), FAR, True, "HTTP 200"),
    Animal("keeps_the_connection", zoo.says_and_holds(OK + b"\r\n"), FAR, True, "HTTP 200"),
    Animal("endless_body", zoo.says_forever(OK + b"\r\n", b"x" * 4096), FAR, True, "HTTP 200"),
    Animal("busy", zoo.says(b"HTTP/1.0 503 No\r\n\r\n"), FAR, False, "HTTP 503, accepted are 200-299"),
    Animal("silent", zoo.silent, SOON, False, "no complete status line within 0.3 s: got 0 bytes"),
    Animal("drip", zoo.drips(OK), SOON, False, r"no complete status line within 0.3 s: got \d+ bytes"),
    Animal(
        "stops_in_the_headers",
        zoo.says_and_holds(OK + b"Server: x\r\n"),
        SOON,
        False,
        "no complete header section within 0.3 s: got 28 bytes",
    ),
    Animal("endless_headers", zoo.says_forever(OK, b"A: b\r\n"), FAR, False, "more than 100 header lines"),
    Animal("endless_header", zoo.says_forever(OK + b"A: ", b"b" * 512), FAR, False, "headers are longer than 16 KiB"),
    Animal(
        "huge_status_line",
        zoo.says_forever(b"HTTP/1.1 200 ", b"x" * 64),
        FAR,
        False,
        "status line is longer than 512 bytes",
    ),
    Animal(
        "interim_storm",
        zoo.says_forever(b"", b"HTTP/1.1 102 Wait\r\n\r\n"),
        FAR,
        False,
        r"more than 10 interim \(1xx\) answers",
    ),
    Animal("garbage", zoo.says(bytes(range(256)) * 40), FAR, False, "not an HTTP/1.x answer, it begins with .*"),
    Animal(
        "speaks_ssh",
        zoo.says_and_holds(b"SSH-2.0-OpenSSH_9.2\r\n"),
        FAR,
        False,
        "not an HTTP/1.x answer, it begins with 'SSH-2.0-'",
    ),
    Animal(
        "reset_after_accept",
        zoo.resets_after_accept,
        FAR,
        False,
        "connection (reset|closed) by the server( before a complete status line: got 0 bytes)?",
    ),
    Animal(
        "reset_within_the_head",
        zoo.resets_within_the_head,
        FAR,
        False,
        r"connection reset by the server before a complete (status line|header section): got \d+ bytes",
    ),
    Animal(
        "half_close",
        zoo.half_closes,
        FAR,
        False,
        "connection closed before a complete status line: got 0 bytes",
    ),
    Animal(
        "closes_at_once",
        zoo.closes_at_once,
        FAR,
        False,
        "connection (reset by the server |closed |closed by the server )before a complete status line: got 0 bytes",
    ),
]


def check_http(port: int, deadline: int) -> ProbeOutcome:
    return run_check(HttpCheck(connect_timeout=deadline), "127.0.0.1", port)


@pytest.mark.parametrize("animal", ANIMALS, ids=lambda animal: animal.name)
def test_each_server_gets_its_verdict(animal: Animal) -> None:
    with zoo.HostileServer(animal.behaviour) as server:
        outcome = check_http(server.port, animal.deadline)
    assert outcome.ran, outcome
    assert outcome.verdict.ok is animal.up, outcome
    assert re.fullmatch(animal.reason, outcome.verdict.reason), outcome


def test_a_port_without_a_listener_is_refused() -> None:
    outcome = check_http(zoo.refused_port(), FAR)
    assert not outcome.verdict.ok
    assert outcome.verdict.reason == "connection refused"
    assert outcome.connect_ns is None


def test_a_server_that_never_accepts_misses_the_deadline() -> None:
    with zoo.NeverAccepts() as server:
        outcome = check_http(server.port, SOON)
    assert outcome.verdict.reason == "no connection within 0.3 s"
    assert not outcome.verdict.ok


def test_a_tcp_check_asks_no_more_than_the_connection() -> None:
    with zoo.HostileServer(zoo.silent) as server:
        outcome = run_check(TcpCheck(connect_timeout=FAR), "127.0.0.1", server.port)
    assert outcome.verdict.ok, outcome
    assert outcome.first_byte_ns is None


def test_the_phases_of_a_healthy_answer_follow_one_another() -> None:
    with zoo.HostileServer(zoo.says(OK + b"\r\n")) as server:
        outcome = check_http(server.port, FAR)
    assert outcome.connect_ns is not None and outcome.first_byte_ns is not None, outcome
    assert 0 <= outcome.connect_ns <= outcome.first_byte_ns <= outcome.total_ns, outcome
