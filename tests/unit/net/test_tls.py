# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""TLS in the driver: what is verified, what is told, whose fault a failure is. Bad servers are in the zoo."""

from __future__ import annotations

import contextlib
import gc
import os
import socket
import ssl
import typing as t
import weakref
from pathlib import Path

import pytest
from hypothesis import given, strategies as st
from zoo import servers as zoo
from zoo.certificates import NAME, Certificates, make_certificates
from zoo.http_animals import OK, PAGE
from zoo.tls_animals import behind_tls

from mainstay.daemon.reactor import Reactor
from mainstay.model.check_config import HttpsCheck, Tls
from mainstay.model.units import Instant, seconds
from mainstay.net.check_run import CheckRun
from mainstay.net.probe_errors import OwnTrouble, TlsFailure
from mainstay.net.tls_channel import TlsChannel
from mainstay.net.tls_contexts import tls_context
from mainstay.probes.build import probe_tasks
from mainstay.probes.outcome import ProbeOutcome
from mainstay.probes.task import TCP, ProbeTask
from mainstay.probes.verdict import Said, StartTls, Verdict


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def web(made: Certificates) -> t.Iterator[zoo.HostileServer]:
    with zoo.HostileServer(behind_tls(made.good, made.key, zoo.says(OK + b"\r\n" + PAGE))) as server:
        yield server


def run(check: HttpsCheck, port: int, report: bool = False) -> ProbeOutcome:
    def search(pattern: t.Pattern[bytes], body: bytes) -> bool:
        return pattern.search(body) is not None

    return outcome_of(probe_tasks(check, "127.0.0.1", port, search, report))


def outcome_of(tasks: t.Sequence[ProbeTask]) -> ProbeOutcome:
    outcomes: list[ProbeOutcome] = []
    with contextlib.closing(Reactor()) as reactor:
        CheckRun(reactor, tasks, seconds(30), outcomes.append)
        while not outcomes:
            reactor.run_once()
    return outcomes[0]


class TestVerdict:
    def test_tells_version_and_end_of_the_certificate_and_the_phases(self, web: zoo.HostileServer) -> None:
        outcome = run(HttpsCheck(), web.port, report=True)
        details = dict(outcome.verdict.details)
        assert outcome.verdict.ok, outcome
        assert details["tls"] == "TLSv1.3"
        assert details["certificate_ends"].endswith("Z")
        assert details["body_bytes"] == str(len(PAGE))
        assert outcome.connect_ns is not None and outcome.tls_ns is not None and outcome.first_byte_ns is not None
        assert outcome.connect_ns <= outcome.tls_ns <= outcome.first_byte_ns <= outcome.total_ns

    def test_an_address_is_verified_like_a_name(self, web: zoo.HostileServer, made: Certificates) -> None:
        """The certificate is for 127.0.0.1 too; the host that answers at 127.0.0.2 has none for itself."""
        tls = Tls(verify="full", ca_file=str(made.authority))
        assert run(HttpsCheck(tls=tls), web.port).verdict.ok
        other = run(HttpsCheck(tls=tls, virtualhost="127.0.0.2"), web.port).verdict
        assert not other.ok and "IP address mismatch" in other.reason, other

    def test_a_system_without_the_authority_does_not_trust_it(self, web: zoo.HostileServer) -> None:
        verdict = run(HttpsCheck(virtualhost=NAME, tls=Tls(verify="full")), web.port).verdict
        assert verdict.reason.startswith("the certificate is not accepted: unable to get local issuer"), verdict

    def test_the_name_is_sent_unless_told_otherwise(self, made: Certificates) -> None:
        seen: list[str | None] = []
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(made.good, made.key)
        context.sni_callback = lambda _tls, name, _context: seen.append(name)

        def behave(connection: socket.socket) -> None:
            with context.wrap_socket(connection, server_side=True) as inside:
                zoo.says(OK + b"\r\n")(inside)

        with zoo.HostileServer(behave) as server:
            for tls in (Tls(), Tls(sni_name="x.example.net"), Tls(enable_sni=False)):
                assert run(HttpsCheck(virtualhost=NAME, tls=tls), server.port).verdict.ok
        assert seen == [NAME, "x.example.net", None]


class TestClientCertificate:
    def serving(self, made: Certificates) -> zoo.HostileServer:
        """It demands a certificate of its authority."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(made.good, made.key)
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(made.authority)

        def behave(connection: socket.socket) -> None:
            with context.wrap_socket(connection, server_side=True) as inside:
                zoo.says(OK + b"\r\n")(t.cast(socket.socket, inside))

        return zoo.HostileServer(behave)

    def test_is_shown_when_there_is_one(self, made: Certificates) -> None:
        made.key.chmod(0o600)
        tls = Tls(certificate=str(made.good), key=str(made.key))
        with self.serving(made) as server:
            assert run(HttpsCheck(tls=tls), server.port).verdict.ok

    def test_is_missed_by_a_server_that_demands_one(self, made: Certificates) -> None:
        with self.serving(made) as server:
            verdict = run(HttpsCheck(), server.port).verdict
        assert not verdict.ok
        assert "certificate required" in verdict.reason or "reset" in verdict.reason, verdict

    def test_with_a_key_that_everybody_can_use_is_this_hosts_fault(
        self, web: zoo.HostileServer, made: Certificates, tmp_path: Path
    ) -> None:
        key = tmp_path / "open.key"
        key.write_text(made.key.read_text())
        key.chmod(0o644)
        outcome = run(HttpsCheck(tls=Tls(certificate=str(made.good), key=str(key))), web.port)
        assert not outcome.ran
        assert outcome.verdict.reason == f"key {key}: everybody may use it (mode 0644); chmod 0640 it"


class TestContexts:
    def test_one_for_all_who_speak_tls_alike(self, made: Certificates) -> None:
        tls = Tls(verify="ca", ca_file=str(made.authority))
        assert tls_context(tls) is tls_context(Tls(verify="ca", ca_file=str(made.authority), sni_name="x"))
        assert tls_context(tls) is not tls_context(Tls())

    def test_a_file_that_changed_is_read_again(self, made: Certificates, tmp_path: Path) -> None:
        authority = tmp_path / "ca.pem"
        authority.write_text(made.authority.read_text())
        tls = Tls(verify="ca", ca_file=str(authority))
        before = tls_context(tls)
        assert tls_context(tls) is before
        os.utime(authority, ns=(1, 1))
        assert tls_context(tls) is not before

    def test_certificates_that_change_again_and_again_leave_nothing_behind(
        self, made: Certificates, tmp_path: Path
    ) -> None:
        """Half a megabyte each, in a process that runs for years."""
        authority = tmp_path / "ca.pem"
        authority.write_text(made.authority.read_text())
        tls = Tls(verify="ca", ca_file=str(authority))
        before = weakref.ref(tls_context(tls))
        os.utime(authority, ns=(1, 1))
        tls_context(tls)
        gc.collect()
        assert before() is None

    def test_a_bad_certificate_of_ours_is_told_before_the_authorities_are_read(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """They take 50 ms, and every check that lists the certificate tries again and again."""
        read: list[bool] = []
        monkeypatch.setattr(ssl.SSLContext, "load_default_certs", lambda _context: read.append(True))
        with pytest.raises(OwnTrouble, match="certificate"):
            tls_context(Tls(verify="ca", certificate=__file__))
        assert not read

    @pytest.mark.parametrize(
        ("tls", "words"),
        [
            (Tls(verify="ca", ca_file="/nowhere/ca.pem"), "ca_file /nowhere/ca.pem: No such file or directory"),
            (Tls(certificate="/nowhere/c.pem"), "certificate /nowhere/c.pem: No such file or directory"),
            (Tls(certificate=__file__), "certificate .*test_tls.py: .*"),
            (Tls(verify="ca", ca_file=__file__), "ca_file .*test_tls.py: .*"),
        ],
    )
    def test_a_file_that_cannot_be_used_is_named(self, tls: Tls, words: str) -> None:
        with pytest.raises(OwnTrouble, match=words):
            tls_context(tls)

    def test_it_says_nothing_about_the_server(self, web: zoo.HostileServer) -> None:
        outcome = run(HttpsCheck(tls=Tls(verify="ca", ca_file="/nowhere/ca.pem")), web.port)
        assert (outcome.ran, outcome.verdict.ok) == (False, False)
        assert outcome.verdict.reason == "ca_file /nowhere/ca.pem: No such file or directory"

    @pytest.mark.parametrize(
        ("version", "name"), [("1.0", "TLSv1"), ("1.1", "TLSv1_1"), ("1.2", "TLSv1_2"), ("1.3", "TLSv1_3")]
    )
    def test_every_minimum_version_of_the_model_can_be_asked_for(self, version: str, name: str) -> None:
        assert tls_context(Tls(tls_min_version=version)).minimum_version.name == name


class Upgrading:
    """Asks for TLS after one word, says hello inside."""

    def __init__(self) -> None:
        self.inside = False

    def start(self, _now: Instant) -> Said:
        return b"hello" if self.inside else b"STARTTLS\r\n\r\n"

    def receive(self, received: bytes, _now: Instant) -> Said:
        if self.inside:
            return Verdict(received == b"hello", f"heard {received!r}")
        self.inside = True
        return StartTls()

    def awaits(self) -> str:
        return "word"


class TestStartTls:
    def test_the_conversation_begins_once_more_inside(self, made: Certificates) -> None:
        def echo(inside: socket.socket) -> None:
            inside.sendall(inside.recv(100))

        def behave(connection: socket.socket) -> None:
            zoo.read_request(connection)
            connection.sendall(b"go")
            behind_tls(made.good, made.key, echo)(connection)

        with zoo.HostileServer(behave) as server:
            task = ProbeTask(TCP, "127.0.0.1", server.port, Upgrading, tls=Tls())
            outcome = outcome_of([task])
        assert outcome.verdict.ok, outcome
        assert outcome.tls_ns is not None

    def test_a_probe_that_asks_without_being_told_how_does_not_run(self) -> None:
        with zoo.HostileServer(zoo.says_and_holds(b"go")) as server:
            outcome = outcome_of([ProbeTask(TCP, "127.0.0.1", server.port, Upgrading)])
        assert not outcome.ran, outcome


@given(pieces=st.lists(st.one_of(st.binary(max_size=40), st.just(b"\x16\x03\x03\x00\x04\x02\x00\x00\x00")), max_size=8))
def test_any_bytes_of_a_server_are_a_failure_in_words_or_too_few(pieces: list[bytes]) -> None:
    channel = TlsChannel(tls_context(Tls()), None)
    assert not channel.shake()
    for piece in [*pieces, b""]:
        channel.feed(piece)
        try:
            assert not channel.shake(), "no server was there to agree with"
        except TlsFailure as failure:
            assert str(failure)
            return
    pytest.fail("the end of the stream is the end of the handshake")


def test_a_full_verification_without_a_name_to_look_for_does_not_run(web: zoo.HostileServer) -> None:
    task = ProbeTask("tls", "127.0.0.1", web.port, Upgrading, tls=Tls(verify="full"))
    outcome = outcome_of([task])
    assert (outcome.ran, outcome.verdict.reason) == (
        False,
        "verify: full needs a name to look for in the certificate (sni_name)",
    )
