# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The run of a datagram: one deadline, one outcome, ICMP errors, and what it does when this host is the one at fault.

Over loopback, with real servers of datagrams and the kernel's own answers to pings.
"""

from __future__ import annotations

import errno
import socket
import struct
import typing as t

import pytest
from zoo import datagram_servers as zoo

from mainstay.daemon.reactor import Reactor
from mainstay.model.check_config import Check, DnsCheck, PingCheck, UdpCheck
from mainstay.model.units import Instant, seconds
from mainstay.net import datagram_run
from mainstay.net.datagram_run import DatagramRun
from mainstay.net.polling import READABLE
from mainstay.net.probe_errors import error_sentence
from mainstay.probes.build import probe_tasks
from mainstay.probes.outcome import ProbeOutcome
from mainstay.probes.ping import PingProbe, checksum
from mainstay.probes.task import UDP, ProbeTask
from mainstay.probes.verdict import Verdict

from ..scripted_poller import ScriptedPoller

TIMEOUT = seconds(30)
WWW = DnsCheck(name="www.example.org", query_type="A")


class Passes:
    """A probe that sends these in turn and never has a verdict."""

    def __init__(self, *sent: bytes) -> None:
        self.sent = list(sent)

    def start(self, _now: Instant) -> bytes:
        return self.sent.pop(0)

    def receive(self, _received: bytes, _now: Instant) -> bytes | Verdict | None:
        return self.sent.pop(0) if self.sent else Verdict(True, "all sent")

    def awaits(self) -> str:
        return "reply"


@pytest.fixture
def reactor() -> t.Iterator[Reactor]:
    loop = Reactor()
    yield loop
    loop.close()


def task_of(check: Check, port: int = 0, address: str = "127.0.0.1") -> ProbeTask:
    (task,) = probe_tasks(check, address, port, lambda _pattern, _body: None)
    return task


def outcome_of(reactor: Reactor, task: ProbeTask, timeout: int = TIMEOUT) -> ProbeOutcome:
    outcomes: list[ProbeOutcome] = []
    DatagramRun(reactor, task, timeout, outcomes.append)
    assert not outcomes, "done was called from within the constructor"
    while not outcomes:
        reactor.run_once()
    return outcomes[0]


def refuse_sockets(monkeypatch: pytest.MonkeyPatch, code: int, kind: int | None = None) -> None:
    """Every socket() of this kind, or of any, fails with this errno."""
    real = socket.socket

    def open_or_fail(family: int, flags: int, protocol: int = 0) -> socket.socket:
        if kind is None or flags & 0xF == kind:
            raise OSError(code, "scripted")
        return real(family, flags, protocol)

    monkeypatch.setattr(datagram_run.socket, "socket", open_or_fail)


def nobody_there() -> int:
    return zoo.RefusesDatagrams().port


TRACED = struct.pack("!BBHHH", 8, 0, 0, 4242, 7) + bytes(56)
"""An echo request of somebody else."""


def tell_time_exceeded(request: bytes) -> None:
    """Tell this host, as a router would, that this echo request to it was on its way for too long."""
    here = socket.inet_aton("127.0.0.1")
    quoted = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(request), 1, 0, 1, 1, 0, here, here) + request
    message = struct.pack("!BBHI", 11, 0, 0, 0) + quoted
    message = message[:2] + struct.pack("!H", checksum(message)) + message[4:]
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as router:
        router.sendto(message, ("127.0.0.1", 0))


class TestUdp:
    def test_a_conversation_may_have_several_turns(self) -> None:
        poller, outcomes, heard = ScriptedPoller(), list[ProbeOutcome](), list[bytes]()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
            server.bind(("127.0.0.1", 0))
            task = ProbeTask(UDP, "127.0.0.1", server.getsockname()[1], lambda: Passes(b"one", b"two"))
            DatagramRun(poller, task, TIMEOUT, outcomes.append)
            ((_, ready),) = poller.watched.values()
            for _turn in range(2):
                datagram, peer = server.recvfrom(100)
                heard.append(datagram)
                server.sendto(b"go on", peer)
                ready(READABLE, poller.clock)
        assert heard == [b"one", b"two"]
        assert [outcome.verdict for outcome in outcomes] == [Verdict(True, "all sent")]

    def test_the_outcome_tells_when_the_first_answer_came(self, reactor: Reactor) -> None:
        with zoo.DatagramServer(zoo.answers(zoo.names(zoo.ADDRESS))) as server:
            outcome = outcome_of(reactor, task_of(WWW, server.port))
        assert outcome.verdict.ok and outcome.ran
        assert outcome.connect_ns is None, "a datagram has no connection to wait for"
        assert outcome.first_byte_ns is not None and 0 < outcome.first_byte_ns <= outcome.total_ns

    @pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
    @pytest.mark.parametrize("check", [UdpCheck(), WWW])
    def test_port_unreachable_is_down_without_waiting(self, reactor: Reactor, check: Check, address: str) -> None:
        outcome = outcome_of(reactor, task_of(check, nobody_there(), address))
        assert outcome.verdict == Verdict(False, "connection refused (ICMP port unreachable)")
        assert outcome.ran

    def test_silence_until_the_deadline_is_what_the_task_says(self) -> None:
        with zoo.DatagramServer(zoo.silent) as server:
            for check, verdict in (
                (UdpCheck(), Verdict(True, "no ICMP error came")),
                (UdpCheck(require_reply=True), Verdict(False, "no reply within 5 s")),
            ):
                poller, outcomes = ScriptedPoller(), list[ProbeOutcome]()
                DatagramRun(poller, task_of(check, server.port), seconds(5), outcomes.append)
                poller.run_for(seconds(4.9))
                assert not outcomes, "the deadline is not here yet"
                poller.run_for(seconds(0.2))
                assert [(outcome.verdict, outcome.total_ns) for outcome in outcomes] == [(verdict, seconds(5))]

    def test_a_server_that_only_sends_what_is_not_asked_for_is_ended_by_the_ceiling(self, reactor: Reactor) -> None:
        with zoo.DatagramServer(zoo.floods(zoo.forged)) as server:
            outcome = outcome_of(reactor, task_of(WWW, server.port))
        assert not outcome.verdict.ok
        assert outcome.verdict.reason.startswith("more than 64 KiB, and no answer to www.example.org A (passed over ")

    def test_empty_datagrams_count_too(self, reactor: Reactor) -> None:
        with zoo.DatagramServer(zoo.floods(lambda _: b"")) as server:
            outcome = outcome_of(reactor, task_of(WWW, server.port))
        assert outcome.verdict.reason.startswith("more than 64 KiB")


class TestPing:
    @pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
    def test_this_host_answers(self, reactor: Reactor, address: str) -> None:
        outcome = outcome_of(reactor, task_of(PingCheck(), address=address))
        assert (outcome.verdict, outcome.ran) == (Verdict(True, "echo reply"), True)

    @pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
    @pytest.mark.parametrize("own", [False, True], ids=["from anywhere", "bindto"])
    def test_without_an_icmp_socket_of_the_kernel_a_raw_one_does(
        self, reactor: Reactor, monkeypatch: pytest.MonkeyPatch, address: str, own: bool
    ) -> None:
        refuse_sockets(monkeypatch, errno.EACCES, kind=socket.SOCK_DGRAM)
        check = PingCheck(bindto=address) if own else PingCheck()
        assert outcome_of(reactor, task_of(check, address=address)).verdict == Verdict(True, "echo reply")

    def test_what_a_router_says_to_the_pings_of_others_says_nothing_of_the_server(
        self, reactor: Reactor, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A raw socket hears it, say while somebody traces the route to the server with mtr."""
        refuse_sockets(monkeypatch, errno.EACCES, kind=socket.SOCK_DGRAM)
        outcomes: list[ProbeOutcome] = []
        DatagramRun(reactor, task_of(PingCheck()), TIMEOUT, outcomes.append)
        tell_time_exceeded(TRACED)
        while not outcomes:
            reactor.run_once()
        assert outcomes[0].verdict == Verdict(True, "echo reply")

    def test_what_a_router_says_to_our_own_ping_counts(
        self, reactor: Reactor, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        refuse_sockets(monkeypatch, errno.EACCES, kind=socket.SOCK_DGRAM)
        outcomes: list[ProbeOutcome] = []
        task = task_of(PingCheck())
        asked = task.begin().start(0)
        assert isinstance(asked, bytes)
        monkeypatch.setattr(PingProbe, "start", lambda _probe, _now: asked)
        DatagramRun(reactor, task, TIMEOUT, outcomes.append)
        tell_time_exceeded(asked)
        while not outcomes:
            reactor.run_once()
        assert (outcomes[0].verdict.ok, outcomes[0].verdict.reason) == (False, error_sentence(errno.EHOSTUNREACH))

    def test_several_at_once_do_not_take_each_others_replies(self, reactor: Reactor) -> None:
        outcomes: list[ProbeOutcome] = []
        for _number in range(20):
            DatagramRun(reactor, task_of(PingCheck()), TIMEOUT, outcomes.append)
        while len(outcomes) < 20:
            reactor.run_once()
        assert {outcome.verdict for outcome in outcomes} == {Verdict(True, "echo reply")}

    def test_a_process_that_may_not_ping_says_so_and_does_not_blame_the_server(
        self, reactor: Reactor, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        refuse_sockets(monkeypatch, errno.EPERM)
        outcome = outcome_of(reactor, task_of(PingCheck()))
        assert not outcome.ran
        assert outcome.verdict.reason == (
            "this process may not open ICMP sockets (it needs CAP_NET_RAW, or a group in net.ipv4.ping_group_range)"
        )


class TestEnding:
    def test_a_cancelled_run_is_silent_and_leaves_nothing_watched(self) -> None:
        poller, outcomes = ScriptedPoller(), list[ProbeOutcome]()
        with zoo.DatagramServer(zoo.silent) as server:
            run = DatagramRun(poller, task_of(UdpCheck(), server.port), seconds(1), outcomes.append)
            run.cancel()
            run.cancel()
            poller.run_for(seconds(2))
        assert (outcomes, poller.watched, poller.pending) == ([], {}, [])

    def test_an_error_of_the_caller_is_not_taken_for_the_servers(self, reactor: Reactor) -> None:
        def done(_: ProbeOutcome) -> None:
            raise OSError(errno.ENOBUFS, "netlink")

        DatagramRun(reactor, task_of(PingCheck()), TIMEOUT, done)
        with pytest.raises(OSError, match="netlink"):
            for _turn in range(100):
                reactor.run_once()

    def test_advice_of_a_router_is_no_error_of_the_server(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A redirect comes as EREMOTEIO and leaves a message behind, which would keep the socket ready for ever."""
        taken: list[int] = []

        class Redirected(socket.socket):
            def recv(self, *_: t.Any) -> bytes:
                raise OSError(errno.EREMOTEIO, "redirect")

            def recvmsg(self, *arguments: t.Any) -> t.Any:
                taken.append(arguments[2])
                return b"", [], 0, None

        poller, outcomes = ScriptedPoller(), list[ProbeOutcome]()
        monkeypatch.setattr(datagram_run.socket, "socket", Redirected)
        DatagramRun(poller, task_of(WWW, nobody_there()), seconds(5), outcomes.append)
        ((_, ready),) = poller.watched.values()
        ready(READABLE, poller.clock)
        assert (outcomes, taken) == ([], [socket.MSG_ERRQUEUE])


class TestOwnTrouble:
    """What this host lacks says nothing about the server."""

    @pytest.mark.parametrize("code", [errno.EMFILE, errno.ENFILE, errno.ENOBUFS])
    def test_a_shortage_does_not_count_as_a_run(self, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
        poller, outcomes = ScriptedPoller(), list[ProbeOutcome]()
        refuse_sockets(monkeypatch, code)
        DatagramRun(poller, task_of(UdpCheck(), 9), seconds(5), outcomes.append)
        poller.run_for(0)
        assert [(outcome.ran, outcome.verdict) for outcome in outcomes] == [
            (False, Verdict(False, error_sentence(code)))
        ]

    @pytest.mark.parametrize(
        ("source", "reason"),
        [
            ({"bind_if": "nope0"}, "bind_if nope0: there is no such interface"),
            ({"bindto": "192.0.2.99"}, "bindto 192.0.2.99: this is not an address of this host"),
            ({"bindto": "::1"}, "bindto ::1: the address is of another family than the target"),
        ],
    )
    def test_a_source_that_this_host_does_not_have_is_named(
        self, reactor: Reactor, source: dict[str, str], reason: str
    ) -> None:
        outcome = outcome_of(reactor, task_of(UdpCheck(**source), 9))
        assert (outcome.ran, outcome.verdict.reason) == (False, reason)

    def test_a_process_that_was_frozen_does_not_blame_the_server(self) -> None:
        poller, outcomes = ScriptedPoller(), list[ProbeOutcome]()
        with zoo.DatagramServer(zoo.silent) as server:
            DatagramRun(poller, task_of(UdpCheck(), server.port), seconds(5), outcomes.append)
            poller.freeze_until(poller.clock + seconds(17.5))
        assert [(outcome.ran, outcome.verdict.reason) for outcome in outcomes] == [
            (False, "this process was held up for 12.5 s")
        ]


class TestSource:
    @pytest.mark.parametrize(("bindto", "peer"), [("127.0.0.9", ("127.0.0.9", 0)), (None, ("127.0.0.1", 40053))])
    def test_the_datagram_leaves_from_where_it_is_told(
        self, reactor: Reactor, bindto: str | None, peer: tuple[str, int]
    ) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
            server.bind(("127.0.0.1", 0))
            check = UdpCheck(bindto=bindto, bind_port=peer[1] or None, bind_if="lo")
            run = DatagramRun(reactor, task_of(check, server.getsockname()[1]), TIMEOUT, lambda _: None)
            datagram, seen = server.recvfrom(100)
            run.cancel()
        assert datagram == bytes(16)
        assert seen[0] == peer[0] and peer[1] in (0, seen[1])
