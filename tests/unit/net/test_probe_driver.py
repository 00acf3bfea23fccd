# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The driver: one deadline, one outcome, and what it does when this host is the one at fault."""

from __future__ import annotations

import errno
import socket
import typing as t

import pytest
from zoo import servers as zoo

from mainstay.daemon.reactor import Reactor
from mainstay.model.units import Instant, seconds
from mainstay.net import probe_driver
from mainstay.net.probe_driver import ProbeRun
from mainstay.net.probe_errors import error_sentence
from mainstay.probes.outcome import ProbeOutcome
from mainstay.probes.task import TCP, ProbeTask, Source
from mainstay.probes.tcp import TcpProbe
from mainstay.probes.verdict import Verdict

from ..scripted_poller import ScriptedPoller

TIMEOUT = seconds(30)


class Dialogue:
    """A probe that sends `opening` and takes what comes as `answer` says."""

    def __init__(self, opening: bytes, answer: t.Callable[[bytes], bytes | Verdict | None]) -> None:
        self.opening = opening
        self.answer = answer

    def start(self, _now: Instant) -> bytes:
        return self.opening

    def receive(self, received: bytes, _now: Instant) -> bytes | Verdict | None:
        return self.answer(received)

    def awaits(self) -> str:
        return "greeting"


@pytest.fixture
def reactor() -> t.Iterator[Reactor]:
    loop = Reactor()
    yield loop
    loop.close()


def tcp(probe: t.Any, port: int, host: str = "127.0.0.1", **more: t.Any) -> ProbeTask:
    """A task with this one probe."""
    return ProbeTask(TCP, host, port, lambda: probe, **more)


def outcome_of(reactor: Reactor, port: int, probe: t.Any, host: str = "127.0.0.1", **more: t.Any) -> ProbeOutcome:
    outcomes: list[ProbeOutcome] = []
    ProbeRun(reactor, tcp(probe, port, host, **more), TIMEOUT, outcomes.append)
    assert not outcomes, "done was called from within the constructor"
    while not outcomes:
        reactor.run_once()
    return outcomes[0]


def refuse_sockets(monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    """Every socket() of the driver fails with this errno."""

    def fail(*_: object) -> socket.socket:
        raise OSError(code, "scripted")

    monkeypatch.setattr(probe_driver.socket, "socket", fail)


class TestConversation:
    def test_goes_back_and_forth_until_the_verdict(self, reactor: Reactor) -> None:
        def echo(connection: socket.socket) -> None:
            for _round in range(3):
                connection.sendall(connection.recv(100))

        turns: list[bytes] = []

        def answer(received: bytes) -> bytes | Verdict:
            turns.append(received)
            return Verdict(True, "three turns") if len(turns) == 3 else b"turn %d" % len(turns)

        with zoo.HostileServer(echo) as server:
            outcome = outcome_of(reactor, server.port, Dialogue(b"turn 0", answer))
        assert outcome.verdict == Verdict(True, "three turns")
        assert turns == [b"turn 0", b"turn 1", b"turn 2"]

    def test_a_request_larger_than_the_socket_buffer_goes_out_in_pieces(self, reactor: Reactor) -> None:
        request = b"x" * 20_000_000

        def count(connection: socket.socket) -> None:
            left = len(request)
            while left:
                left -= len(connection.recv(1 << 20))
            connection.sendall(b"all")

        probe = Dialogue(request, lambda received: Verdict(received == b"all", "counted"))
        with zoo.HostileServer(count) as server:
            assert outcome_of(reactor, server.port, probe).verdict == Verdict(True, "counted")

    def test_a_probe_that_never_decides_is_ended_by_the_byte_ceiling(self, reactor: Reactor) -> None:
        probe = Dialogue(b"go\r\n\r\n", lambda _: None)
        with zoo.HostileServer(zoo.says_forever(b"", b"x" * 4096)) as server:
            outcome = outcome_of(reactor, server.port, probe)
        assert outcome.verdict.reason.startswith("more than 64 KiB before a greeting: got ")

    def test_a_probe_that_never_decides_is_ended_by_the_end_of_the_stream(self, reactor: Reactor) -> None:
        probe = Dialogue(b"go\r\n\r\n", lambda _: None)
        with zoo.HostileServer(zoo.says(b"bye")) as server:
            outcome = outcome_of(reactor, server.port, probe)
        assert outcome.verdict.reason == "connection closed before a greeting: got 3 bytes"

    def test_ipv6_targets_work_alike(self, reactor: Reactor) -> None:
        with socket.create_server(("::1", 0), family=socket.AF_INET6) as listener:
            outcome = outcome_of(reactor, listener.getsockname()[1], TcpProbe(), host="::1")
        assert outcome.verdict.ok, outcome


class TestEnding:
    def test_the_connection_ends_with_a_reset_so_that_no_port_is_kept(self, reactor: Reactor) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            assert outcome_of(reactor, listener.getsockname()[1], TcpProbe()).verdict.ok
            connection, _ = listener.accept()
            with connection, pytest.raises(ConnectionResetError):
                connection.recv(1)

    def test_a_cancelled_run_is_silent_and_leaves_nothing_watched(self) -> None:
        poller = ScriptedPoller()
        outcomes: list[ProbeOutcome] = []
        with zoo.NeverAccepts() as server:
            run = ProbeRun(poller, tcp(TcpProbe(), server.port), seconds(1), outcomes.append)
            run.cancel()
            run.cancel()
            poller.run_for(seconds(2))
        assert (outcomes, poller.watched, poller.pending) == ([], {}, [])

    def test_an_error_of_the_caller_is_not_taken_for_the_servers(self, reactor: Reactor) -> None:
        def done(_: ProbeOutcome) -> None:
            raise OSError(errno.ENOBUFS, "netlink")

        with socket.create_server(("127.0.0.1", 0)) as listener:
            ProbeRun(reactor, tcp(TcpProbe(), listener.getsockname()[1]), TIMEOUT, done)
            with pytest.raises(OSError, match="netlink"):
                for _turn in range(3):
                    reactor.run_once()

    def test_a_refusal_that_comes_after_the_call_to_connect_is_the_verdict(self, reactor: Reactor) -> None:
        outcome = outcome_of(reactor, zoo.Refuses().port, TcpProbe())
        assert (outcome.verdict, outcome.connect_ns) == (Verdict(False, "connection refused"), None)

    def test_a_connection_to_itself_is_no_server(self, reactor: Reactor) -> None:
        """TCP lets a socket connect to its own port; given a free port of this host, that is a false "up"."""

        class Selfish(socket.socket):
            def connect_ex(self, target: t.Any) -> int:
                self.bind(target)
                return super().connect_ex(target)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(probe_driver.socket, "socket", Selfish)
            outcome = outcome_of(reactor, zoo.Refuses().port, TcpProbe())
        assert outcome.verdict == Verdict(False, "connection refused")


class TestOwnShortage:
    """What this host lacks says nothing about the server."""

    @pytest.mark.parametrize("code", [errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.EADDRNOTAVAIL])
    def test_does_not_count_as_a_run(self, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
        poller = ScriptedPoller()
        outcomes: list[ProbeOutcome] = []
        refuse_sockets(monkeypatch, code)
        ProbeRun(poller, tcp(TcpProbe(), 80, "192.0.2.1"), seconds(5), outcomes.append)
        poller.run_for(0)
        assert [(outcome.ran, outcome.verdict.ok) for outcome in outcomes] == [(False, False)]
        assert outcomes[0].verdict.reason == error_sentence(code)

    def test_a_server_that_cannot_be_reached_does_count(self, monkeypatch: pytest.MonkeyPatch) -> None:
        poller = ScriptedPoller()
        outcomes: list[ProbeOutcome] = []
        refuse_sockets(monkeypatch, errno.ENETUNREACH)
        ProbeRun(poller, tcp(TcpProbe(), 80, "192.0.2.1"), seconds(5), outcomes.append)
        poller.run_for(0)
        assert [(outcome.ran, outcome.verdict.reason) for outcome in outcomes] == [(True, "network is unreachable")]

    def test_a_link_local_server_without_an_interface_is_a_matter_of_the_configuration(self, reactor: Reactor) -> None:
        outcome = outcome_of(reactor, 80, TcpProbe(), "fe80::1")
        assert (outcome.ran, outcome.verdict.ok) == (False, False)
        assert outcome.verdict.reason == "this host cannot connect to such an address (one of fe80::/10 needs bind_if)"

    def test_a_process_that_was_frozen_does_not_blame_the_server(self) -> None:
        poller = ScriptedPoller()
        outcomes: list[ProbeOutcome] = []
        with zoo.NeverAccepts() as server:
            ProbeRun(poller, tcp(TcpProbe(), server.port), seconds(5), outcomes.append)
            poller.freeze_until(poller.clock + seconds(17.5))
        assert [(outcome.ran, outcome.verdict.reason) for outcome in outcomes] == [
            (False, "this process was held up for 12.5 s")
        ]

    def test_an_errno_without_words_of_its_own_gets_those_of_the_c_library(self) -> None:
        assert error_sentence(errno.EIO) == "Input/output error (errno 5)"


class TestSource:
    """How a probe leaves; every test connects twice, as checks do over and over."""

    @pytest.mark.parametrize(
        ("source", "host", "seen"),
        [
            (Source(bindto="127.0.0.9"), "127.0.0.1", "127.0.0.9"),
            (Source(bindto="127.0.0.9", bind_port=40054), "127.0.0.1", "127.0.0.9"),
            (Source(bind_port=40055), "127.0.0.1", "127.0.0.1"),
            (Source(bind_if="lo"), "127.0.0.1", "127.0.0.1"),
            (Source(bindto="::1", bind_port=40056), "::1", "::1"),
        ],
    )
    def test_is_as_told(self, reactor: Reactor, source: Source, host: str, seen: str) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with socket.create_server((host, 0), family=family) as listener:
            for _time in range(2):
                outcome = outcome_of(reactor, listener.getsockname()[1], TcpProbe(), host, source=source)
                assert outcome.verdict.ok, outcome
                connection, peer = listener.accept()
                connection.close()
                assert peer[0] == seen
                assert source.bind_port in (0, peer[1])

    @pytest.mark.parametrize(
        ("source", "reason"),
        [
            (Source(bindto="192.0.2.77"), "bindto 192.0.2.77: this is not an address of this host"),
            (Source(bindto="::1"), "bindto ::1: the address is of another family than the target"),
            (Source(bind_if="nope0"), "bind_if nope0: there is no such interface"),
        ],
    )
    def test_that_this_host_does_not_have_says_nothing_about_the_server(
        self, reactor: Reactor, source: Source, reason: str
    ) -> None:
        outcome = outcome_of(reactor, 80, TcpProbe(), source=source)
        assert (outcome.ran, outcome.verdict.ok, outcome.verdict.reason) == (False, False, reason)
