# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mail servers, databases and gRPC servers."""

from __future__ import annotations

import functools
import socket
import ssl
import typing as t
from pathlib import Path

from mainstay.model.check_config import Check, GreetingCheck, GrpcCheck, SmtpCheck, Tls

from . import servers as zoo
from .animal import FAR, SOON, Animal
from .certificates import NAME, Certificates, make_certificates

GREETING = b"220 mx.example.net ESMTP\r\n"
EHLO = b"250-mx.example.net\r\n250-STARTTLS\r\n250 8BITMIME\r\n"
GO = b"220 go\r\n"
BYE = b"221 bye\r\n"

MAIL = SmtpCheck(helo_name="lb1.example.net")
REDIS, POSTGRES, MYSQL = GreetingCheck(type="redis"), GreetingCheck(type="postgres"), GreetingCheck(type="mysql")

H2_SETTINGS = b"\0\0\0\x04\0\0\0\0\0"
H2_PING = b"\0\0\x08\x06\0\0\0\0\0" + bytes(8)
H2_SERVING = b"\0\0\x07\0\0\0\0\0\1" + b"\0\0\0\0\x02\x08\x01"
H2_NOT_SERVING = H2_SERVING[:-1] + b"\x02"
H2_CONTINUATION = b"\0\x04\0\x09\0\0\0\0\1" + bytes(1024)

MYSQL_GREETING = b"\x0a8.0.36\0" + bytes(38)
MYSQL_DENIED = b"\xff\x15\x04#28000Access denied"
MYSQL_FULL = b"\xff\x10\x04Too many connections"


def converses(*turns: bytes) -> zoo.Behaviour:
    """The first turn unasked, each further one after a command; then it keeps the connection."""

    def behave(connection: socket.socket) -> None:
        connection.sendall(turns[0])
        for turn in turns[1:]:
            connection.recv(4096)
            connection.sendall(turn)
        zoo.hold(connection)

    return behave


def begins_tls(certificates: Certificates, *turns: bytes) -> zoo.Behaviour:
    """Offers STARTTLS; inside it waits for a command before each turn."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.good, certificates.key)

    def behave(connection: socket.socket) -> None:
        for turn in (GREETING, EHLO, GO):
            connection.sendall(turn)
            if turn is not GO:
                connection.recv(4096)
        with context.wrap_socket(connection, server_side=True) as inside:
            for turn in turns:
                inside.recv(4096)
                inside.sendall(turn)
            zoo.hold(inside)

    return behave


def _animal(name: str, behaviour: zoo.Behaviour, check: Check, up: bool, reason: str) -> Animal:
    deadline = SOON if "within" in reason else FAR
    return Animal(name, functools.partial(zoo.HostileServer, behaviour), check, deadline, up, reason)


def _mysql(content: bytes, number: int) -> bytes:
    return len(content).to_bytes(3, "little") + bytes([number]) + content


MAIL_SERVERS = (
    _animal("smtp: healthy", converses(GREETING, EHLO, BYE), MAIL, True, "SMTP 220 mx.example.net ESMTP"),
    _animal("smtp: old", converses(GREETING, b"500 eh?\r\n", b"250 mx\r\n", BYE), MAIL, True, "SMTP 220 .*"),
    _animal("smtp: busy", converses(b"421 busy\r\n"), MAIL, False, "greeting: 421 busy, expected is 220"),
    _animal("smtp: silent", zoo.hold, MAIL, False, "no greeting within 0.4 s: got 0 bytes"),
    _animal("smtp: a byte at a time", zoo.drips(GREETING), MAIL, False, "no greeting within 0.4 s: got .*"),
    _animal(
        "smtp: stops after the greeting",
        converses(GREETING),
        MAIL,
        False,
        "no (reply to EHLO|greeting) within 0.4 s: got .*",
    ),
    _animal("smtp: line flood", zoo.babbles(b"220-x\r\n"), MAIL, False, r"more than 100 lines in a reply .*"),
    _animal("smtp: endless line", zoo.babbles(b"220" + b"x" * 500), MAIL, False, "a line is longer than 1000 bytes .*"),
    _animal("smtp: greets for ever", zoo.babbles(GREETING), MAIL, False, "reply to EHLO: 220 .*, expected is 250"),
    _animal("smtp: garbage", zoo.babbles(bytes(range(256))), MAIL, False, "not an SMTP reply: .*"),
    _animal(
        "smtp: hangs up",
        zoo.says_and_holds(b"220 x\r\n221 y\r\n"),
        MAIL,
        False,
        "reply to EHLO: 221 y, expected is 250",
    ),
)
DATABASES = (
    _animal("redis: healthy", zoo.says_and_holds(b"+PONG\r\n"), REDIS, True, "PONG"),
    _animal("redis: loading", zoo.says_and_holds(b"-LOADING wait\r\n"), REDIS, False, "LOADING wait, expected is PONG"),
    _animal("redis: endless", zoo.babbles(b"+" + b"x" * 99), REDIS, False, "the answer is longer than 512 bytes"),
    _animal("redis: silent", zoo.hold, REDIS, False, "no reply to PING within 0.4 s: got 0 bytes"),
    _animal(
        "postgres: healthy", zoo.says_and_holds(b"R\0\0\0\x08\0\0\0\3"), POSTGRES, True, "PostgreSQL begins a session"
    ),
    _animal(
        "postgres: starting",
        zoo.says_and_holds(b"E\0\0\0\x15" + b"C57P03\0Mnot yet\0\0"),
        POSTGRES,
        False,
        r"not yet \(SQLSTATE 57P03\)",
    ),
    _animal("postgres: garbage", zoo.babbles(b"\0" * 99), POSTGRES, False, "not a PostgreSQL answer, .*"),
    _animal(
        "postgres: half an error", zoo.says_and_holds(b"E\0\0\x0f\0C"), POSTGRES, False, "no reply to the .* within .*"
    ),
    _animal(
        "mysql: healthy",
        converses(_mysql(MYSQL_GREETING, 0), _mysql(MYSQL_DENIED, 2)),
        MYSQL,
        True,
        "MySQL 8.0.36 answers .*",
    ),
    _animal("mysql: full", converses(_mysql(MYSQL_FULL, 0)), MYSQL, False, r"Too many connections \(error 1040\)"),
    _animal(
        "mysql: stuck",
        converses(_mysql(MYSQL_GREETING, 0)),
        MYSQL,
        False,
        "no (reply to the login|greeting) within 0.4 s: .*",
    ),
    _animal(
        "mysql: huge",
        zoo.babbles(b"\xff\xff\xff\0" * 99),
        MYSQL,
        False,
        "not a MySQL answer: a packet of 16777215 bytes",
    ),
)
GRPC_SERVERS = (
    _animal("grpc: healthy", zoo.says_and_holds(H2_SETTINGS + H2_SERVING), GrpcCheck(), True, "gRPC health: SERVING"),
    _animal(
        "grpc: not serving",
        zoo.says_and_holds(H2_SETTINGS + H2_NOT_SERVING),
        GrpcCheck(),
        False,
        "gRPC health: NOT_SERVING",
    ),
    _animal("grpc: silent", zoo.hold, GrpcCheck(), False, "no health message within 0.4 s: got 0 bytes"),
    _animal(
        "grpc: speaks HTTP/1", zoo.says_and_holds(b"HTTP/1.1 400 No\r\n\r\n"), GrpcCheck(), False, "not an HTTP/2 .*"
    ),
    _animal("grpc: ping storm", zoo.babbles(H2_SETTINGS + H2_PING * 99), GrpcCheck(), False, "more than 64 KiB .*"),
    _animal(
        "grpc: endless headers",
        zoo.babbles(H2_SETTINGS + H2_CONTINUATION * 9),
        GrpcCheck(),
        False,
        "more than 64 KiB .*",
    ),
)


def _with_tls(certificates: Certificates) -> t.Tuple[Animal, ...]:
    def check(verify: str, name: str = NAME) -> SmtpCheck:
        tls = Tls(verify=verify, sni_name=name, ca_file=str(certificates.authority))
        return SmtpCheck(helo_name="lb1.example.net", starttls=True, tls=tls)

    no_offer, injected = GREETING + b"250 mx\r\n", GO + EHLO + BYE
    return (
        _animal("smtp: starttls", begins_tls(certificates, EHLO, BYE), check("full"), True, "SMTP 220 .*"),
        _animal(
            "smtp: starttls, no offer",
            zoo.says_and_holds(no_offer),
            check("none"),
            False,
            "the server does not offer .*",
        ),
        _animal(
            "smtp: starttls, words before TLS",
            converses(GREETING, EHLO, injected),
            check("none"),
            False,
            r"\d+ bytes in plain text after the reply to STARTTLS",
        ),
        _animal(
            "smtp: starttls, stalls",
            converses(GREETING, EHLO, GO),
            check("none"),
            False,
            "no .* within 0.4 s: .*",
        ),
        _animal(
            "smtp: starttls, another name",
            begins_tls(certificates, EHLO, BYE),
            check("full", "mail.example.net"),
            False,
            ".*(certificate|match).*",
        ),
        _animal(
            "smtp: starttls, busy inside",
            begins_tls(certificates, b"421 later\r\n"),
            check("ca"),
            False,
            "reply to EHLO: 421 later, expected is 250",
        ),
    )


def animals(folder: Path) -> t.Tuple[Animal, ...]:
    """All of them; their certificates are made in `folder`."""
    own = folder / "service_animals"
    own.mkdir()
    return (*MAIL_SERVERS, *DATABASES, *GRPC_SERVERS, *_with_tls(make_certificates(own)))
