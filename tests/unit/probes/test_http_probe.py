# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTP_GET without a socket: what is sent, how answers of good, broken and hostile servers are judged."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from mainstay.probes.http import HttpProbe
from mainstay.probes.http_request import host_of, request_bytes
from mainstay.probes.verdict import Verdict

ACCEPTED = ((200, 299), (302, 302))


def judge(*chunks: bytes) -> Verdict | bytes | None:
    """What the probe says after these chunks; stops at the verdict as the driver does."""
    probe = HttpProbe(b"GET / HTTP/1.0\r\n\r\n", ACCEPTED)
    probe.start(0)
    for chunk in chunks:
        said = probe.receive(chunk, 0)
        if said is not None:
            return said
    return None


def reason(*chunks: bytes) -> str:
    said = judge(*chunks)
    assert isinstance(said, Verdict), f"no verdict for {chunks!r}: {said!r}"
    assert not said.ok, f"unexpectedly up: {said.reason}"
    return said.reason


class TestRequest:
    def test_http_1_0_asks_for_the_path_and_names_the_host(self) -> None:
        request = request_bytes("/healthz", "www.example.net", "1.0")
        assert request == b"GET /healthz HTTP/1.0\r\nHost: www.example.net\r\nUser-Agent: Mainstay\r\n\r\n"

    def test_http_1_1_says_that_it_will_not_ask_again(self) -> None:
        assert b"\r\nConnection: close\r\n\r\n" in request_bytes("/", "h", "1.1")

    def test_without_a_name_the_host_is_address_and_port(self) -> None:
        assert host_of("192.0.2.21", 80) == "192.0.2.21:80"
        assert host_of("2001:db8::21", 8080) == "[2001:db8::21]:8080"

    def test_characters_outside_ascii_are_percent_encoded_in_the_path(self) -> None:
        assert request_bytes("/a b/ü?x=%20", "h", "1.0").startswith(b"GET /a%20b/%C3%BC?x=%20 HTTP/1.0\r\n")

    @pytest.mark.parametrize(
        ("path", "host", "version", "named"),
        [
            ("/a\r\nX-Evil: 1", "h", "1.0", "path"),
            ("healthz", "h", "1.0", "path"),
            ("/", "h\r\nX-Evil: 1", "1.0", "virtualhost"),
            ("/", "", "1.0", "virtualhost"),
            ("/", "a b", "1.0", "virtualhost"),
            ("/", "h", "2", "http_protocol"),
        ],
    )
    def test_what_would_bend_the_request_is_refused(self, path: str, host: str, version: str, named: str) -> None:
        with pytest.raises(ValueError, match=named):
            request_bytes(path, host, version)

    @given(path=st.text(), host=st.text())
    def test_no_text_can_add_a_line(self, path: str, host: str) -> None:
        try:
            request = request_bytes(path, host, "1.1")
        except ValueError:
            return
        assert request.count(b"\n") == request.count(b"\r") == 5, f"lines were added: {request!r}"


class TestJudgement:
    @pytest.mark.parametrize("code", [200, 204, 299, 302])
    def test_an_accepted_code_is_up(self, code: int) -> None:
        said = judge(f"HTTP/1.1 {code} Fine\r\nContent-Length: 0\r\n\r\n".encode())
        assert said == Verdict(True, f"HTTP {code}")

    def test_another_code_is_down_and_the_reason_names_the_accepted_ones(self) -> None:
        assert reason(b"HTTP/1.0 503 Busy\r\n\r\n") == "HTTP 503, accepted are 200-299, 302"

    def test_the_body_is_not_awaited(self) -> None:
        assert judge(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n") == Verdict(True, "HTTP 200")

    def test_a_head_that_is_not_whole_says_nothing_yet(self) -> None:
        assert judge(b"HTTP/1.1 200 OK\r\nServer: x\r\n") is None

    def test_lines_may_end_in_a_bare_newline(self) -> None:
        assert judge(b"HTTP/1.0 200 OK\nServer: nc\n\n") == Verdict(True, "HTTP 200")

    def test_the_text_behind_the_code_may_be_missing(self) -> None:
        assert judge(b"HTTP/1.0 200\r\n\r\n") == Verdict(True, "HTTP 200")

    def test_interim_answers_are_skipped(self) -> None:
        interim = b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n"
        assert judge(interim * 10 + b"HTTP/1.1 200 OK\r\n\r\n") == Verdict(True, "HTTP 200")

    def test_the_head_must_end_before_the_connection_does(self) -> None:
        assert reason(b"") == "connection closed before a complete status line: got 0 bytes"
        assert reason(b"HTTP/1.0 2", b"") == "connection closed before a complete status line: got 10 bytes"
        assert (
            reason(b"HTTP/1.0 200 OK\r\nA: b", b"")
            == "connection closed before a complete header section: got 21 bytes"
        )


class TestCeilings:
    """Each ceiling: the largest allowed passes, one more is refused."""

    def test_status_line(self) -> None:
        start, end = b"HTTP/1.1 200 ", b"\r\n"
        fits = start + b"x" * (512 - len(start + end)) + end
        assert judge(fits + b"\r\n") == Verdict(True, "HTTP 200")
        assert reason(fits[:-2] + b"x\r\n") == "status line is longer than 512 bytes"
        assert reason(start + b"x" * 600) == "status line is longer than 512 bytes"

    def test_number_of_header_lines(self) -> None:
        assert judge(b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 100 + b"\r\n") == Verdict(True, "HTTP 200")
        assert reason(b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 101) == "more than 100 header lines"

    def test_bytes_of_headers(self) -> None:
        value = b"x" * (16 * 1024 - len(b"A: \r\n\r\n"))
        assert judge(b"HTTP/1.1 200 OK\r\nA: " + value + b"\r\n\r\n") == Verdict(True, "HTTP 200")
        assert reason(b"HTTP/1.1 200 OK\r\nA: " + value + b"x\r\n\r\n") == "headers are longer than 16 KiB"

    def test_interim_answers(self) -> None:
        assert reason(b"HTTP/1.1 100 Continue\r\n\r\n" * 11) == "more than 10 interim (1xx) answers"


class TestOtherGrammars:
    @pytest.mark.parametrize(
        ("answer", "expected"),
        [
            (b"SSH-2.0-OpenSSH_9.2\r\n", "not an HTTP/1.x answer, it begins with 'SSH-2.0-'"),
            (b"220 mail ESMTP\r\n", "not an HTTP/1.x answer, it begins with '220 mail'"),
            (
                b"\x15\x03\x01\x00\x02\x02\x46\n",
                r"not an HTTP/1.x answer, it begins with '\x15\x03\x01\x00\x02\x02F'",
            ),
            (b"\r\n", "not an HTTP/1.x answer, it begins with ''"),
            (b"HTTP/2 200\r\n", "not an HTTP/1.x answer, it begins with 'HTTP/2 2'"),
            (b"HTTP/1.1 2OO OK\r\n", "malformed status line 'HTTP/1.1 2OO OK'"),
            (b"HTTP/1.1 20\r\n", "malformed status line 'HTTP/1.1 20'"),
            (b"HTTP/1.1  200 OK\r\n", "malformed status line 'HTTP/1.1  200 OK'"),
            (b"HTTP/1.1 200 O\rK\r\n", r"malformed status line 'HTTP/1.1 200 O\rK'"),
            (b"HTTP/1.1 200 OK\r\nno colon\r\n", "malformed header line 'no colon'"),
            (b"HTTP/1.1 200 OK\r\n folded: x\r\n", "malformed header line ' folded: x'"),
            (b"HTTP/1.1 200 OK\r\nA : x\r\n", "malformed header line 'A : x'"),
            (b"HTTP/1.1 200 OK\r\nA: \x00\r\n", r"malformed header line 'A: \x00'"),
        ],
    )
    def test_is_refused_with_what_was_seen(self, answer: bytes, expected: str) -> None:
        assert reason(answer) == expected

    def test_a_long_line_is_shown_cut(self) -> None:
        said = reason(b"HTTP/1.1 " + b"A" * 300 + b"\r\n")
        assert said.endswith("A'...")
        assert len(said) < 100
