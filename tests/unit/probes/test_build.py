# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A configured check becomes tasks of the right kind, aimed at the right place."""

from __future__ import annotations

import re
import typing as t

import pytest

from mainstay.model.check_config import Check, HttpCheck, HttpsCheck, MiscCheck, TcpCheck, Tls, Url
from mainstay.probes.build import probe_tasks
from mainstay.probes.task import TCP, TLS, ProbeTask, Source
from mainstay.probes.verdict import Verdict


def found(pattern: t.Pattern[bytes], body: bytes) -> bool:
    return pattern.search(body) is not None


def tasks(check: Check, address: str = "192.0.2.21", port: int = 80) -> tuple[ProbeTask, ...]:
    return probe_tasks(check, address, port, found)


def request(check: Check, port: int = 80) -> bytes:
    said = tasks(check, port=port)[0].begin().start(0)
    assert isinstance(said, bytes)
    return said


def verdict(check: Check, answer: bytes) -> Verdict:
    probe = tasks(check)[0].begin()
    probe.start(0)
    said = probe.receive(answer, 0) or probe.receive(b"", 0)
    assert isinstance(said, Verdict)
    return said


def test_a_tcp_check_is_content_with_the_connection() -> None:
    assert tasks(TcpCheck())[0].begin().start(0) == Verdict(True, "connection opened")


def test_a_tcp_check_that_expects_something_talks() -> None:
    probe = tasks(TcpCheck(send=b"PING\r\n", expect=b"+PONG"))[0].begin()
    assert probe.start(0) == b"PING\r\n"
    assert probe.receive(b"+PO", 0) is None
    assert probe.receive(b"NG\r\n", 0) == Verdict(True, "answered with '+PONG'")


def test_a_greeting_can_be_awaited_without_a_word() -> None:
    probe = tasks(TcpCheck(expect=b"220 "))[0].begin()
    assert probe.start(0) is None
    assert probe.receive(b"220 hello", 0) == Verdict(True, "answered with '220 '")


def test_an_answer_nobody_would_look_at_is_not_asked_for() -> None:
    with pytest.raises(ValueError, match="send without expect"):
        tasks(TcpCheck(send=b"x"))


def test_a_talk_that_ends_early_is_told_with_what_was_missing() -> None:
    probe = tasks(TcpCheck(expect=b"220"))[0].begin()
    assert probe.receive(b"5", 0) is None
    assert probe.receive(b"", 0) == Verdict(False, "connection closed before an answer with '220': got 1 bytes")


def test_an_http_check_asks_for_its_path_at_the_real_server() -> None:
    wanted = b"GET /healthz HTTP/1.0\r\nHost: 192.0.2.21:8080\r\nUser-Agent: Mainstay\r\n\r\n"
    assert request(HttpCheck(path="/healthz"), port=8080) == wanted


def test_a_virtualhost_replaces_the_address_in_the_request() -> None:
    assert b"Host: www.example.net\r\n" in request(HttpCheck(virtualhost="www.example.net"))


def test_the_accepted_codes_are_those_of_the_check() -> None:
    check = HttpCheck(status_code=((404, 404),))
    assert verdict(check, b"HTTP/1.1 404 Not Found\r\n\r\n") == Verdict(True, "HTTP 404")


def test_each_url_is_a_task_with_its_own_words_or_the_checks() -> None:
    check = HttpCheck(
        urls=(Url("/a"), Url("/b", status_code=((500, 500),), virtualhost="b.example.net")), virtualhost="example.net"
    )
    first, second = tasks(check)
    assert (first.subject, second.subject) == ("url /a", "url /b")
    assert b"Host: example.net\r\n" in t.cast(bytes, first.begin().start(0))
    assert b"Host: b.example.net\r\n" in t.cast(bytes, second.begin().start(0))
    assert second.begin().receive(b"HTTP/1.0 500 x\r\n\r\n", 0) == Verdict(True, "HTTP 500")


def test_method_headers_and_body_are_sent() -> None:
    check = HttpCheck(
        method="POST", headers=(("X-Token", "t"), ("User-Agent", "probe")), body="é", http_protocol="1.0C"
    )
    assert request(check) == (
        b"POST / HTTP/1.0\r\nHost: 192.0.2.21:80\r\nConnection: close\r\nX-Token: t\r\nUser-Agent: probe\r\n"
        b"Content-Length: 2\r\n\r\n\xc3\xa9"
    )


@pytest.mark.parametrize(
    ("check", "words"),
    [
        (HttpCheck(path="x"), "path"),
        (HttpCheck(method="PUT"), "method"),
        (HttpCheck(body="x"), "body: only a POST"),
        (HttpCheck(method="HEAD", regex="x"), "HEAD"),
        (HttpCheck(headers=(("Content-Length", "1"),)), "Content-Length is computed"),
        (HttpCheck(headers=(("A b", "1"),)), "'A b' is not a header name"),
        (HttpCheck(headers=(("A", "1\r\nB: 2"),)), "value of A"),
        (HttpCheck(digest="abc"), "digest 'abc'"),
        (HttpCheck(regex="("), "missing ), unterminated subpattern"),
        (MiscCheck(), "type misc talks to no address"),
        (HttpsCheck(virtualhost="a..b"), "'a..b' cannot be the name of a TLS server"),
        (HttpsCheck(virtualhost="a", tls=Tls(verify="full", enable_sni=False)), "enable_sni: false"),
    ],
)
def test_what_cannot_be_built_is_refused_in_words(check: Check, words: str) -> None:
    with pytest.raises(ValueError, match=re.escape(words)):
        tasks(check)


@pytest.mark.parametrize(
    ("check", "target"),
    [
        (TcpCheck(), ("192.0.2.21", 80)),
        (TcpCheck(connect_port=9000), ("192.0.2.21", 9000)),
        (HttpCheck(connect_ip="192.0.2.99"), ("192.0.2.99", 80)),
    ],
)
def test_connect_ip_and_connect_port_aim_elsewhere(check: Check, target: tuple[str, int]) -> None:
    assert (tasks(check)[0].address, tasks(check)[0].port) == target


def test_where_the_probe_leaves_is_the_checks() -> None:
    check = HttpCheck(bindto="192.0.2.1", bind_port=4000, bind_if="eth1", fwmark=7)
    assert tasks(check)[0].source == Source("192.0.2.1", 4000, "eth1", 7)


class TestTls:
    def test_https_is_http_by_another_transport(self) -> None:
        assert [tasks(check)[0].transport for check in (HttpCheck(), HttpsCheck())] == [TCP, TLS]

    @pytest.mark.parametrize(
        ("check", "name"),
        [
            (HttpsCheck(), None),
            (HttpsCheck(virtualhost="www.example.net:8443"), "www.example.net"),
            (HttpsCheck(virtualhost="www.example.net", tls=Tls(sni_name="x.example.net")), "x.example.net"),
            (HttpsCheck(virtualhost="www.example.net", tls=Tls(enable_sni=False)), None),
            (HttpsCheck(tls=Tls(verify="full")), "192.0.2.21"),
            (HttpsCheck(virtualhost="[2001:db8::1]:443", tls=Tls(verify="full")), "2001:db8::1"),
            (HttpsCheck(virtualhost="2001:db8::1", tls=Tls(verify="full")), "2001:db8::1"),
        ],
    )
    def test_the_name_asked_for(self, check: HttpsCheck, name: str | None) -> None:
        assert tasks(check)[0].server_name == name
