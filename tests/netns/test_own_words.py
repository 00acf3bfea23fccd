# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of services and checks that keepalived does not have, with a running daemon."""

from __future__ import annotations

import contextlib
import socket
from pathlib import Path

from netns.checked_services import await_reason, run, service
from netns.daemons import Document
from netns.health_director import HealthDirector, WebServer, fetch, web_service
from netns.pages import Pages
from netns.pool_lab import PORT, PoolLab

from lab.mail_server import Certificate, MailServer, make_certificate
from lab.waiting import wait_for

MAIL_PORT = 8001
Stack = contextlib.ExitStack


def test_a_server_that_flaps_is_kept_out_until_its_points_have_fallen(
    director: HealthDirector, lab: PoolLab, webs: dict[str, WebServer]
) -> None:
    """flap_damping; the same servers behind another port without it."""
    damping = web_service("first", "second", flap_damping=3)
    run(director, web=damping, plain=web_service("first", "second", port=81))
    director.await_states(first="up", second="up")
    damped = lambda: director.servers()["first"]["state"] == "damped"  # noqa: E731

    def flap() -> bool:
        for status, state in ((503, "down"), (200, "up")):
            webs["first"].status = status
            director.await_states(service="plain", first=state)
        return damped()

    wait_for(flap, 30, "the first server to be damped", evidence=director.evidence)
    log = director.log.read_text()
    assert log.count("virtual_server web: real_server 192.0.2.21:8000 is down") >= 3, "once is no flapping"
    assert {fetch(lab) for _ in range(6)} == {"second"}
    assert {fetch(lab, port=81) for _ in range(6)} == {"first", "second"}
    director.await_states(first="up", second="up")
    assert {fetch(lab) for _ in range(6)} == {"first", "second"}


def test_a_backup_server_serves_while_the_others_do_not_and_comes_before_the_sorry_server(
    director: HealthDirector, lab: PoolLab, webs: dict[str, WebServer]
) -> None:
    """The sorry server is one where nobody listens."""
    document = web_service("first", "second", sorry_server="192.0.2.1 9")
    document["real_servers"][1]["backup"] = True
    run(director, web=document)
    ready = lambda: director.servers()["second"]["state"] == "backup"  # noqa: E731
    wait_for(ready, 10, "the second server to be ready", evidence=director.evidence)
    assert {fetch(lab) for _ in range(6)} == {"first"}
    webs["first"].status = 503
    director.await_states(first="down", second="up")
    assert {fetch(lab) for _ in range(6)} == {"second"}
    webs["second"].status = 503
    director.await_states(first="down", second="down")
    wait_for(lambda: director.service()["sorry_in"], 10, "the sorry server", evidence=director.evidence)
    webs["first"].status = webs["second"].status = 200
    director.await_states(first="up")
    wait_for(ready, 10, "the second server to stand back", evidence=director.evidence)
    assert {fetch(lab) for _ in range(6)} == {"first"}


def test_rise_and_fall_are_as_many_probes_as_it_takes(director: HealthDirector, pages: Pages) -> None:
    """The second service has neither: one probe decides, and it is the first to know."""
    patient = {"type": "http", "path": "/patient", "fall": 3, "rise": 3, "retry": None, "delay_before_retry": 0.4}
    run(director, web=service(patient), prompt=service({"type": "http", "path": "/prompt"}, port=81))
    for name in ("prompt", "web"):
        director.await_states(service=name, first="up")
    begun = len(director.events("RS"))
    for status, state in ((503, "down"), (200, "up")):
        pages.asked.clear()
        pages.status = status
        for name in ("prompt", "web"):
            director.await_states(service=name, first=state)
        assert [one.status for one in pages.requests("/patient")].count(status) >= 3, director.evidence()
    assert [(name.split()[0], event) for name, event in director.events("RS")[begun:]] == [
        ("prompt", "DOWN"),
        ("web", "DOWN"),
        ("prompt", "UP"),
        ("web", "UP"),
    ]


def test_a_tcp_check_talks_and_wants_its_answer(director: HealthDirector) -> None:
    """Servers of the lab say their names."""
    talk = {"type": "tcp", "connect_port": PORT, "send": "who?\\r\\n", "expect": "first"}
    silent = {**talk, "send": None}
    run(director, web=service(talk, talk), silent=service({**silent, "connect_timeout": 0.3}, port=81))
    director.await_states(first="up", second="down")
    director.await_states(service="silent", first="down")
    await_reason(director, "second", "no answer with 'first'")


def test_an_http_check_asks_by_the_method_it_is_told(director: HealthDirector, pages: Pages) -> None:
    posting = {"type": "http", "path": "/post", "method": "POST", "body": "how are you?", "headers": {"X-Asks": "me"}}
    heading = {"type": "http", "path": "/head", "method": "HEAD"}
    run(director, web=service(posting), head=service(heading, port=81), get=service({"type": "http"}, port=82))
    for name in ("web", "head", "get"):
        director.await_states(service=name, first="up")
    asked = {(one.method, one.path, one.content, one.headers.get("X-Asks")) for one in pages.asked}
    assert asked == {("POST", "/post", b"how are you?", "me"), ("HEAD", "/head", b"", None), ("GET", "/", b"", None)}


def test_a_mail_check_with_starttls_verifies_the_server(
    director: HealthDirector, lab: PoolLab, stack: Stack, tmp_path: Path
) -> None:
    """The certificate is for a name; without sni_name the address is what is looked for in it."""
    made: Certificate = make_certificate(tmp_path / "tls", "DNS:mail.example.net")
    with lab.servers["first"].inside():
        mail = MailServer(socket.create_server(("0.0.0.0", MAIL_PORT)), made)
    stack.callback(mail.close)
    check: Document = {"type": "smtp", "connect_port": MAIL_PORT, "starttls": True, "verify": "full"}
    trusted = {**check, "ca_file": str(made.authority)}
    run(
        director,
        web=service({**trusted, "sni_name": "mail.example.net"}),
        nameless=service(trusted, port=81),
        untrusted=service({**check, "sni_name": "mail.example.net"}, port=82),
    )
    director.await_states(first="up")
    for name, reason in (("nameless", "mismatch"), ("untrusted", "unable to get local issuer certificate")):
        director.await_states(service=name, first="down")
        await_reason(director, "first", reason, service=name)
