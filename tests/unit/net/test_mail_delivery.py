# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One mail to one server: what is said, to whom, and what a server can do to us."""

from __future__ import annotations

import contextlib
import socket
import typing as t
from pathlib import Path

import pytest

from lab.mail_server import Certificate, HostileServer, MailServer as RealServer, make_certificate
from mainstay.net.mail_delivery import MOST_LINES, deliver
from mainstay.net.mail_values import Delivery, Letter, MailServer

MESSAGE = "From: a@example.com\r\nTo: b@example.com\r\nSubject: words\r\n\r\nfirst\r\n.second\r\n"
ONE, TWO, THREE = "one@example.com", "two@example.com", "three@example.com"
PASSWORD = "s3cret-s3cret"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make_certificate(tmp_path_factory.mktemp("ca"), "DNS:localhost")


@pytest.fixture
def trusted(certificate: Certificate, monkeypatch: pytest.MonkeyPatch) -> Certificate:
    """The CA of the test is one of the system's."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.authority))
    return certificate


@contextlib.contextmanager
def running(server: t.Any) -> t.Iterator[t.Any]:
    try:
        yield server
    finally:
        server.close()


def send(port: int, *recipients: str, host: str = "127.0.0.1", **options: t.Any) -> Delivery:
    server = MailServer(host, port, "lb1.example.com", options.pop("timeout", 10.0), **options)
    return deliver(server, Letter("mainstay@example.com", recipients or (ONE,), MESSAGE))


def test_the_envelope_the_helo_and_every_line_arrive() -> None:
    with running(RealServer()) as server:
        assert send(server.port, ONE, TWO) == Delivery("")
        (received,) = server.received
    assert (received.helo, received.sender, received.recipients) == (
        "lb1.example.com", "mainstay@example.com", [ONE, TWO],
    )  # fmt: skip
    assert received.text.split() == ["first", ".second"], "a line that begins with a dot"


def test_who_is_refused_for_now_is_known_apart_from_who_is_refused_for_good() -> None:
    with running(RealServer()) as server:
        server.refusals = {ONE: "450 try later", TWO: "550 no such user"}
        delivery = send(server.port, ONE, TWO, THREE)
        assert [one.recipients for one in server.received] == [[THREE]]
    assert (delivery.again, delivery.refused, delivery.stuck) == ((0,), (1,), False)
    assert f"{ONE}: 450 try later" in delivery.sentence and f"{TWO}: 550 no such user" in delivery.sentence


def test_nobody_gets_it_when_everybody_is_refused() -> None:
    with running(RealServer()) as server:
        server.refusals = {ONE: "450 try later", TWO: "550 no such user"}
        delivery = send(server.port, ONE, TWO)
        assert server.received == []
    assert (delivery.again, delivery.refused, delivery.stuck) == ((0,), (1,), False)


@pytest.mark.parametrize(("answer", "again", "refused"), [("452 full", (0, 1), ()), ("554 spam", (), (0, 1))])
def test_a_mail_that_is_refused_as_a_whole_is_refused_for_everybody(
    answer: str, again: tuple[int, ...], refused: tuple[int, ...]
) -> None:
    with running(RealServer()) as server:
        server.answer_to_data = answer
        delivery = send(server.port, ONE, TWO)
    assert (delivery.again, delivery.refused, delivery.stuck) == (again, refused, False)
    assert f"refuses the mail: {answer}" in delivery.sentence


# ---- TLS and the password


def test_starttls_verifies_the_server_and_then_the_password_is_told(trusted: Certificate) -> None:
    with running(RealServer(certificate=trusted, login=("lb1", PASSWORD))) as server:
        delivery = send(server.port, host="localhost", starttls=True, username="lb1", password=PASSWORD)
        assert delivery == Delivery("")
        assert server.received[0].secure and server.logins == ["lb1"]


def test_a_certificate_of_a_ca_that_nobody_knows_ends_it_before_anything_is_said(certificate: Certificate) -> None:
    with running(RealServer(certificate=certificate, login=("lb1", PASSWORD))) as server:
        delivery = send(server.port, host="localhost", starttls=True, username="lb1", password=PASSWORD)
        assert server.logins == [] and server.received == []
    assert delivery.stuck and delivery.again == (0,)
    assert "the certificate of localhost is not good" in delivery.sentence


def test_a_good_certificate_of_another_name_is_not_good(trusted: Certificate) -> None:
    with running(RealServer(certificate=trusted)) as server:
        delivery = send(server.port, host="127.0.0.1", starttls=True)
        assert server.received == []
    assert delivery.stuck and "the certificate of 127.0.0.1 is not good" in delivery.sentence


def test_without_starttls_at_the_server_nothing_is_told_in_clear_text() -> None:
    with running(RealServer()) as server:
        delivery = send(server.port, starttls=True, username="lb1", password=PASSWORD)
        assert server.received == [] and server.logins == []
    assert delivery.stuck and "does not offer what the configuration asks for: STARTTLS" in delivery.sentence


def test_a_wrong_password_is_told_without_the_server_s_words(trusted: Certificate) -> None:
    with running(RealServer(certificate=trusted, login=("lb1", "another"))) as server:
        delivery = send(server.port, host="localhost", starttls=True, username="lb1", password=PASSWORD)
        assert server.received == []
    assert delivery.stuck and "does not take smtp_username and the password (535)" in delivery.sentence
    assert PASSWORD not in delivery.sentence


# ---- bad servers


@pytest.mark.fault("F64")
def test_a_server_that_is_dead_says_so_by_the_kernel() -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    delivery = send(port)
    assert delivery == Delivery(f"127.0.0.1 port {port} cannot be used: Connection refused", again=(0,), stuck=True)


@pytest.mark.fault("F64")
def test_a_server_that_never_greets_is_left_after_the_timeout() -> None:
    with running(HostileServer()) as server:
        delivery = send(server.port, timeout=0.3)
    assert delivery.stuck and delivery.sentence == f"127.0.0.1 port {server.port} does not answer within 0.3 s"


def test_a_name_that_nobody_has_is_named() -> None:
    delivery = send(25, host="nobody.invalid")
    assert delivery.stuck and delivery.sentence.startswith("the name nobody.invalid cannot be resolved")


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (b"554 go away\r\n", "does not serve us: 554 go away"),
        (b"220 " + b"x" * 5000 + b"\r\n", "answers with a line of more than 1000 bytes"),
        (b"220-more\r\n" * (MOST_LINES + 1), "answers with more than 100 lines"),
        (b"\x00\xff nonsense\r\n", "does not speak SMTP"),
        (b"220 \x1b[31mred\r\n421 busy\r\n", "hung up"),
    ],
    ids=["554", "long line", "endless greeting", "nonsense", "busy"],
)
def test_what_a_server_says_first_is_bounded_and_printable(said: bytes, words: str) -> None:
    def say(connection: socket.socket) -> None:
        connection.sendall(said)
        connection.shutdown(socket.SHUT_WR)

    with running(HostileServer(say)) as server:
        delivery = send(server.port, timeout=5.0)
    assert delivery.stuck and delivery.again == (0,)
    assert words in delivery.sentence
    assert delivery.sentence.isprintable() and len(delivery.sentence) <= 200


def test_a_farewell_that_goes_wrong_takes_nothing_back() -> None:
    answers: t.Sequence[bytes] = [b"250 one\r\n", b"250 two\r\n", b"250 three\r\n", b"354 go\r\n", b"250 taken\r\n"]

    def talk(connection: socket.socket) -> None:
        connection.sendall(b"220 mail.test\r\n")
        for answer in answers:
            received = b""
            end = b"\r\n.\r\n" if answer == answers[-1] else b"\r\n"
            while not received.endswith(end):
                received += connection.recv(4096)
            connection.sendall(answer)
        connection.shutdown(socket.SHUT_RDWR)

    with running(HostileServer(talk)) as server:
        assert send(server.port) == Delivery("")


def test_the_ca_of_a_test_is_its_own(certificate: Certificate, tmp_path: Path) -> None:
    """Else the tests above would prove nothing about trust."""
    assert certificate.authority.read_text() != make_certificate(tmp_path / "other", "DNS:x").authority.read_text()
