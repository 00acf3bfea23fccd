# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a running daemon logs of its checks: certificates that end soon, every failure, ports that it may not use."""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
import typing as t
from pathlib import Path

import pytest
from netns.checked_services import run, service
from netns.daemons import Document
from netns.health_director import HealthDirector
from netns.one_at_a_time import OneAtATime
from netns.pages import Pages
from netns.pool_lab import NAT_VIP, SERVERS, Namespace, PoolLab
from zoo.certificates import Certificates, make_certificates

from lab.waiting import wait_for

PORT = 8443
A_WEEK = 7 * 86400


class Answering(OneAtATime):
    """A server of one page that remembers which ports its clients came from."""

    def __init__(self, namespace: Namespace, context: ssl.SSLContext | None = None) -> None:
        self.status = 200
        self._context = context
        super().__init__(namespace, PORT)

    def answer(self, connection: socket.socket) -> None:
        inside = self._context.wrap_socket(connection, server_side=True) if self._context else connection
        inside.recv(4096)
        inside.sendall(b"HTTP/1.1 %d X\r\nContent-Length: 0\r\n\r\n" % self.status)
        inside.recv(4096)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


class Scene:
    """Both servers, and a daemon that checks them by these checks."""

    def __init__(self, lab: PoolLab, folder: Path) -> None:
        self.lab = lab
        self._folder = folder
        self._open = contextlib.ExitStack()

    def server(self, name: str, certificate: Path | None = None, key: Path | None = None) -> Answering:
        context = None
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate, key)
        answering = Answering(self.lab.servers[name], context)
        self._open.callback(answering.close)
        return answering

    def daemon(self, **checks: Document) -> HealthDirector:
        servers = [{"address": SERVERS[name], "check": check} for name, check in checks.items()]
        web: Document = {"address": NAT_VIP, "port": PORT, "protocol": "TCP", "lb_algo": "rr", "lb_kind": "NAT"}
        quick = {"delay_loop": 0.2, "warmup": 0.1, "delay_before_retry": 0.1, "retry": 1}
        director = HealthDirector(self.lab, self._folder, web={**web, **quick, "real_servers": servers})
        self._open.callback(self._end, director)
        director.start()
        return director

    def close(self) -> None:
        self._open.close()

    def _end(self, director: HealthDirector) -> None:
        t.cast(t.Any, director.node).close()
        self.lab.director.run("nft", "flush", "ruleset")
        print(director.log.read_text())


@pytest.fixture
def scene(lab: PoolLab, tmp_path: Path) -> t.Iterator[Scene]:
    scene = Scene(lab, tmp_path)
    yield scene
    scene.close()


def lines(director: HealthDirector, part: str) -> list[str]:
    """Log lines that match."""
    return [line for line in director.log.read_text().splitlines() if re.search(part, line)]


def test_a_certificate_that_ends_soon_is_told_and_its_server_stays_in(scene: Scene, made: Certificates) -> None:
    scene.server("first", made.soon, made.key)
    good = scene.server("second", made.good, made.key)
    check = {"type": "https", "expiry_warning": A_WEEK}
    director = scene.daemon(first=check, second=check)
    director.await_states(first="up", second="up")
    seen = len(good.client_ports)
    wait_for(lambda: len(good.client_ports) > seen + 5, 10, "five more rounds of checks", evidence=director.evidence)

    (line,) = lines(director, "certificate ends")
    assert re.search(r"virtual_server web: real_server 192\.0\.2\.21:8443: .*certificate ends in [45] days", line), line
    servers = director.servers()
    assert servers["first"]["notes"] and not servers["second"]["notes"]


def test_every_failure_is_logged_where_that_is_asked_for(scene: Scene) -> None:
    first, second = scene.server("first"), scene.server("second")
    director = scene.daemon(first={"type": "http", "log_all_failures": True}, second={"type": "http"})
    director.await_states(first="up", second="up")
    first.status = second.status = 503
    director.await_states(first="down", second="down")
    told = "real_server 192.0.2.21:8443: a http check failed: .*503"
    wait_for(lambda: len(lines(director, told)) >= 4, 10, "four failures in the log", evidence=director.evidence)

    assert len(lines(director, "192.0.2.22:8443.*503")) == 1, "without it the change alone is told"


def test_every_failure_of_every_check_is_logged_but_of_those_that_say_otherwise(
    director: HealthDirector, pages: Pages
) -> None:
    """checker_log_all_failures. The second server's check is a program, which somebody else watches."""
    pages.status = 503
    web = service({"type": "http"}, {"type": "http"})
    web["real_servers"][1]["check"] = {"type": "misc", "misc_path": "/bin/false", "warmup": 0}
    quiet = service({"type": "http", "path": "/quiet", "log_all_failures": False}, port=81)
    run(director, {"checker_log_all_failures": True}, web=web, quiet=quiet)
    told = "real_server 192.0.2.21:8000: a http check failed: HTTP 503", "misc check of web .*: failed: exit status 1"
    four = lambda: all(len(lines(director, one)) >= 4 for one in told)  # noqa: E731
    wait_for(four, 10, "four failures of both in the log", evidence=director.evidence)
    wait_for(lambda: len(pages.requests("/quiet")) >= 4, 10, "as many of the quiet one", evidence=director.evidence)
    assert len(lines(director, "virtual_server quiet: .*503")) == 1, "the change alone"


def test_a_check_comes_from_the_port_that_it_is_told(scene: Scene) -> None:
    first, second = scene.server("first"), scene.server("second")
    director = scene.daemon(first={"type": "http", "bind_port": 40555}, second={"type": "http"})
    director.await_states(first="up", second="up")
    wait_for(
        lambda: min(len(first.client_ports), len(second.client_ports)) > 5, 10, "six rounds", evidence=director.evidence
    )

    assert set(first.client_ports) == {40555}, "again and again, TIME-WAIT or not"
    assert 40555 not in second.client_ports
    assert lines(director, "could not be checked") == []


def test_a_port_that_another_program_has_says_nothing_about_the_server(scene: Scene) -> None:
    scene.server("first")
    scene.server("second")
    with scene.lab.director.inside():
        taken = socket.create_server(("0.0.0.0", 40556))
    with taken:
        director = scene.daemon(first={"type": "http", "bind_port": 40556}, second={"type": "http"})
        director.await_states(second="up")
        told = r"192\.0\.2\.21:8443 stays waiting: it could not be checked, bind_port 40556: the port is in use"
        wait_for(lambda: bool(lines(director, told)), 10, "the line about the port", evidence=director.evidence)
        assert director.servers()["first"]["in_pool"]
    director.await_states(first="up", second="up")
