# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`mainstay probe` as a shell sees it: text, JSON, exit status; and the digest that genhash gives."""

from __future__ import annotations

import hashlib
import json
import socket
import subprocess
import typing as t
from pathlib import Path

import pytest
from zoo import servers as zoo
from zoo.certificates import make_certificates
from zoo.tls_animals import behind_tls

from mainstay.cli import main

PAGE = b"welcome\n"
WEB = b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n" + PAGE
MD5 = hashlib.md5(PAGE).hexdigest()


class Outcome(t.NamedTuple):
    status: int
    out: str
    err: str


Probe = t.Callable[..., Outcome]


@pytest.fixture
def probe(capsys: pytest.CaptureFixture[str]) -> Probe:
    def run(*words: str) -> Outcome:
        capsys.readouterr()
        try:
            status = main(["probe", *words])
        except SystemExit as ended:
            status = int(str(ended.code))
        return Outcome(status, *capsys.readouterr())

    return run


@pytest.fixture
def web() -> t.Iterator[str]:
    with zoo.HostileServer(zoo.says(WEB)) as server:
        yield f"127.0.0.1:{server.port}"


class TestVerdict:
    def test_of_a_server_that_is_up(self, probe: Probe, web: str) -> None:
        outcome = probe("http", web, "--report")
        lines = outcome.out.splitlines()
        assert (outcome.status, lines[0]) == (0, "up: HTTP 200")
        assert lines[1].startswith("  connected after ") and " ms, first byte after " in lines[1], lines[1]
        assert f"  digest_md5 {MD5}" in lines

    def test_of_a_server_that_is_down(self, probe: Probe, web: str) -> None:
        outcome = probe("http", web, "--status-code", "404,500-599")
        assert (outcome.status, outcome.out.splitlines()[0]) == (1, "down: HTTP 200, accepted are 404, 500-599")

    def test_of_a_host_that_cannot_ask(self, probe: Probe, web: str) -> None:
        outcome = probe("http", web, "--bindto", "192.0.2.77")
        assert (outcome.status, outcome.out.splitlines()[0].split(":")[0]) == (3, "unknown")

    def test_is_the_daemons_whatever_follows_what_it_reads(self, probe: Probe) -> None:
        with zoo.HostileServer(zoo.says_and_holds(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n")) as server:
            place = f"127.0.0.1:{server.port}"
            assert probe("http", place).out.startswith("up: HTTP 200\n")
            wanted = "down: no complete body within 0.2 s: got 38 bytes\n"
            assert probe("http", place, "--report", "--timeout", "0.2").out.startswith(wanted)

    def test_for_programs(self, probe: Probe, web: str) -> None:
        told = json.loads(probe("http", web, "--json", "--report").out)
        assert (told["verdict"], told["reason"], told["details"]["status"]) == ("up", "HTTP 200", "200")
        assert set(told["phases"]) == {"connect", "tls", "first_byte", "total"}
        assert told["phases"]["tls"] is None

    def test_within_the_time_given(self, probe: Probe) -> None:
        with zoo.HostileServer(zoo.hold) as server:
            outcome = probe("http", f"127.0.0.1:{server.port}", "--timeout", "0.2")
        assert outcome.out.startswith("down: no complete status line within 0.2 s: got 0 bytes\n")

    def test_of_tcp_with_a_talk(self, probe: Probe) -> None:
        with zoo.HostileServer(zoo.says_and_holds(b"+PONG\r\n")) as server:
            outcome = probe("tcp", f"127.0.0.1:{server.port}", "--send", r"PING\r\n", "--expect", "PONG")
        assert outcome.out.startswith("up: answered with 'PONG'\n")

    def test_of_an_address_of_ipv6(self, probe: Probe) -> None:
        with socket.create_server(("::1", 0), family=socket.AF_INET6) as listener:
            assert probe("tcp", f"[::1]:{listener.getsockname()[1]}").status == 0


class TestMisc:
    def test_runs_the_program_as_the_caller(self, probe: Probe, tmp_path: Path) -> None:
        program = tmp_path / "check"
        program.write_text("#!/bin/sh\necho busy\nexit 7\n")
        program.chmod(0o700)
        outcome = probe("misc", str(program))
        assert (outcome.status, outcome.out.splitlines()[0]) == (1, "down: exit status 7: busy")
        dynamic = probe("misc", str(program), "--misc-dynamic")
        assert (dynamic.status, "  weight 5" in dynamic.out.splitlines()) == (0, True)

    def test_ends_it_in_time(self, probe: Probe) -> None:
        outcome = probe("misc", "/bin/sleep 30", "--timeout", "0.2")
        assert outcome.out.startswith("down: did not end within 0.2 s\n")


class TestWrongCalls:
    @pytest.mark.parametrize(
        ("words", "said"),
        [
            ((), "KIND"),
            (("ftp", "127.0.0.1"), "invalid choice: 'ftp'"),
            (("bfd", "gw"), "bfd: only the running daemon has sessions; 'mainstay status'"),
            (("file", "load"), "file: only the running daemon follows track_files; 'mainstay servers'"),
            (("tcp", "127.0.0.1"), "127.0.0.1: a port is missing; write 127.0.0.1:PORT"),
            (("tcp", "2001:db8::1:80"), "write [2001:db8::1:80]:PORT"),
            (("tcp", "[2001:db8::1]"), "write [2001:db8::1]:PORT"),
            (("tcp", ""), "write ADDRESS:PORT"),
            (("tcp", "127.0.0.1:http"), "must be ADDRESS, ADDRESS:PORT or [ADDRESS]:PORT"),
            (("tcp", "www.example.net:80"), "address = 'www.example.net': must be an IPv4 or IPv6 address"),
            (("http", "127.0.0.1", "--path", "x"), "check.path = 'x': must be a path that starts with '/'"),
            (("http", "127.0.0.1", "--timeout", "soon"), "timeout = 'soon': must be a number"),
            (("http", "127.0.0.1", "--headers", "x"), "headers = 'x': must be 'NAME: VALUE'"),
            (("http", "127.0.0.1", "--starttls"), "unrecognized arguments: --starttls"),
            (("http", "127.0.0.1", "--method", "PUT"), "invalid choice: 'PUT'"),
            (("tcp", "127.0.0.1:1", "--send", "x"), "check.send: needs expect"),
        ],
    )
    def test_are_told_with_status_2(self, probe: Probe, words: tuple[str, ...], said: str) -> None:
        outcome = probe(*words)
        assert outcome.status == 2, outcome
        assert said in outcome.err, outcome.err

    def test_the_options_of_a_kind_are_listed(self, probe: Probe) -> None:
        outcome = probe("https", "--help")
        assert outcome.status == 0
        for option in ("--virtualhost", "--verify", "--expect-digest", "--regex", "--timeout"):
            assert option in outcome.out

    def test_the_configurations_spelling_of_an_option_is_taken_too(self, probe: Probe, web: str) -> None:
        assert probe("http", web, "--status_code=200").status == 0


def genhash(*words: str) -> str:
    """The digest by the program of the keepalived package."""
    done = subprocess.run(
        ["genhash", "-s", "127.0.0.1", *words], capture_output=True, text=True, check=True, timeout=20
    )
    return done.stdout.strip()


PAGES = {
    "sized": WEB,
    "until the end": b"HTTP/1.0 200 OK\r\n\r\n" + bytes(range(256)) * 100,
    "empty": b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
    "not found": b"HTTP/1.0 404 Not Found\r\n\r\nno such page\n",
}


class TestGenhash:
    @pytest.mark.parametrize("answer", PAGES.values(), ids=PAGES)
    def test_gives_the_same_digest(self, probe: Probe, answer: bytes) -> None:
        with zoo.HostileServer(zoo.says(answer)) as server:
            ours = probe("http", f"127.0.0.1:{server.port}", "--path", "/page", "--digest")
            assert (ours.status, ours.out) == (0, genhash("-p", str(server.port), "-u", "/page") + "\n")

    def test_gives_the_same_digest_in_tls(self, probe: Probe, tmp_path: Path) -> None:
        made = make_certificates(tmp_path)
        with zoo.HostileServer(behind_tls(made.good, made.key, zoo.says(WEB))) as server:
            ours = probe("https", f"127.0.0.1:{server.port}", "--digest")
            assert ours.out == genhash("-S", "-p", str(server.port), "-u", "/") + "\n"

    def test_its_digest_passes_here_and_another_pages_does_not(self, probe: Probe, web: str) -> None:
        digest = genhash("-p", web.partition(":")[2], "-u", "/")
        assert probe("http", web, "--expect-digest", digest).status == 0
        wrong = probe("http", web, "--expect-digest", hashlib.md5(b"x").hexdigest())
        assert wrong.status == 1
        assert wrong.out.startswith(f"down: HTTP 200, MD5 of the body is {digest}, expected ")

    def test_no_page_is_no_digest(self, probe: Probe) -> None:
        outcome = probe("http", f"127.0.0.1:{zoo.Refuses().port}", "--digest")
        assert (outcome.status, outcome.out.splitlines()[0]) == (1, "down: connection refused")
