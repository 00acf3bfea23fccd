# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module ha_check against servers on loopback."""

from __future__ import annotations

import http.server
import socket
import threading
import typing as t

import pytest

from ansible_collections.mainstay.ha.plugins.modules import ha_check

from .host import Host

HTTP = {"type": "http", "path": "/healthz", "status_code": [200, "300-301"]}


class Answers(http.server.BaseHTTPRequestHandler):
    """Healthy at /healthz only."""

    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/healthz" else 503)
        self.end_headers()

    def log_message(self, *_message: object) -> None:
        pass


@pytest.fixture
def web_server() -> t.Iterator[int]:
    """Port of a web server on loopback."""
    with http.server.HTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join(timeout=10)


@pytest.fixture
def closed_port() -> t.Iterator[int]:
    """A port that nobody listens on, taken so that nobody will."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


def test_a_healthy_server_is_up(host: Host, web_server: int) -> None:
    result = host.run_plain(ha_check, address="127.0.0.1", port=web_server, check=HTTP)
    assert (result.verdict, result.changed) == ("up", False)
    assert 0 < result.phases["connect"] <= result.phases["first_byte"] <= result.latency


def test_an_unhealthy_one_is_down_and_says_why(host: Host, web_server: int) -> None:
    check = {"type": "http", "path": "/", "status_code": 200}
    result = host.run_plain(ha_check, address="127.0.0.1", port=web_server, check=check)
    assert result.verdict == "down" and "503" in result.detail and not result.failed


def test_a_closed_port_is_down(host: Host, closed_port: int) -> None:
    result = host.run_plain(ha_check, address="127.0.0.1", port=closed_port, check={"type": "tcp"})
    assert result.verdict == "down" and "refused" in result.detail
    assert result.phases == {"connect": None, "tls": None, "first_byte": None}


def test_a_report_tells_the_digests_of_the_page(host: Host, web_server: int) -> None:
    result = host.run_plain(ha_check, address="127.0.0.1", port=web_server, check=HTTP, report=True)
    assert result.details["status"] == "200"
    assert result.details["digest_md5"] == "d41d8cd98f00b204e9800998ecf8427e"


def test_a_program_can_be_the_check(host: Host) -> None:
    result = host.run_plain(ha_check, address="127.0.0.1", check={"type": "misc", "misc_path": "/bin/false"})
    assert (result.verdict, result.detail) == ("down", "exit status 1")


@pytest.mark.parametrize(
    ("check", "why"),
    [
        ({"type": "file", "track_file": "load"}, "only the running daemon follows track_files"),
        ({"type": "bfd", "name": "gw"}, "only the running daemon has BFD sessions"),
    ],
)
def test_what_only_the_daemon_knows_is_refused(host: Host, check: dict[str, str], why: str) -> None:
    result = host.run_plain(ha_check, address="127.0.0.1", port=80, check=check)
    assert (
        result.failed and result.msg == f"check.type = '{check['type']}': {why}; mainstay.ha.ha_info tells what it says"
    )


def test_the_check_may_name_another_port(host: Host, web_server: int, closed_port: int) -> None:
    check = {"type": "tcp", "connect_port": web_server}
    assert host.run_plain(ha_check, address="127.0.0.1", port=closed_port, check=check).verdict == "up"


@pytest.mark.parametrize(("expect", "failed"), [("any", False), ("down", False), ("up", True)])
def test_an_unexpected_verdict_fails(host: Host, closed_port: int, expect: str, failed: bool) -> None:
    result = host.run_plain(ha_check, address="127.0.0.1", port=closed_port, check={"type": "tcp"}, expect=expect)
    assert result.failed == failed
    # The answer is complete either way.
    assert result.verdict == "down" and result.latency >= 0
    if failed:
        assert f"127.0.0.1:{closed_port} is down, not up" in result.msg


def test_check_mode_checks_too(host: Host, web_server: int) -> None:
    arguments = {"address": "127.0.0.1", "port": web_server, "check": HTTP}
    assert host.run_plain(ha_check, **arguments, _ansible_check_mode=True).verdict == "up"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"port": 70000}, "port = 70000: must be a whole number from 1 to 65535"),
        ({"address": "web1"}, "address = 'web1': must be an IPv4 or IPv6 address"),
        ({"check": {"type": "tcp", "path": "/"}}, "check.path: is not an option"),
        ({"check": {"type": "http", "status_code": 99}}, "check.status_code = 99"),
        ({"check": {"type": "https", "sni_name": "x", "enable_sni": False}}, "check.sni_name = 'x': cannot stand"),
        ({"check": {"type": "tcp", "fall": 2, "retry": 1}}, "check.fall = 2: cannot stand beside retry"),
        ({"port": None}, "check.connect_port: is missing"),
    ],
)
def test_a_wrong_argument_is_named(host: Host, change: dict[str, object], message: str) -> None:
    arguments = {"address": "127.0.0.1", "port": 80, "check": {"type": "tcp"}, **change}
    result = host.run_plain(ha_check, **arguments)
    assert result.failed and message in result.msg and "virtual_servers" not in result.msg
