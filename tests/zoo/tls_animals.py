# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers that speak TLS, badly or well."""

from __future__ import annotations

import functools
import socket
import ssl
import typing as t
from pathlib import Path

from mainstay.model.check_config import HttpsCheck, Tls
from mainstay.model.units import seconds

from . import servers as zoo
from .animal import FAR, SOON, Animal
from .certificates import NAME, Certificates, make_certificates
from .http_animals import DIGEST, OK, PAGE, SIZED

FEW_DAYS = seconds(7 * 86400)


def behind_tls(
    certificate: Path, key: Path, behaviour: zoo.Behaviour, newest: t.Optional[ssl.TLSVersion] = None
) -> zoo.Behaviour:
    """The same behaviour once TLS is agreed."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    if newest is not None:
        context.maximum_version = newest

    def behave(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as inside:
            behaviour(inside)

    return behave


def _animal(name: str, behaviour: zoo.Behaviour, tls: Tls, up: bool, reason: str, notes: str = "") -> Animal:
    deadline = SOON if "within" in reason else FAR
    server = functools.partial(zoo.HostileServer, behaviour)
    return Animal(name, server, HttpsCheck(virtualhost=NAME, tls=tls), deadline, up, reason, notes=notes)


def breaks_tls(inside: socket.socket) -> None:
    """Bytes that no key has seen, in the middle of the conversation."""
    zoo.read_request(inside)
    socket.socket.sendall(inside, b"HTTP/1.1 200 OK\r\n\r\n")
    zoo.hold(inside)


def without_tls() -> t.Tuple[Animal, ...]:
    """They never get as far as a certificate."""
    hello_begins = b"\x16\x03\x03\x00\x7a\x02\x00\x00"
    return (
        _animal("tls: stalls", zoo.hold, Tls(), False, "no TLS handshake within 0.4 s: got 0 bytes"),
        _animal(
            "tls: stalls within its hello",
            zoo.says_and_holds(hello_begins),
            Tls(),
            False,
            "no TLS handshake within 0.4 s: got 8 bytes",
        ),
        _animal("tls: a byte at a time", zoo.drips(hello_begins), Tls(), False, "no TLS handshake within 0.4 s: .*"),
        _animal("tls: plain text", zoo.says_and_holds(OK + b"\r\n"), Tls(), False, "the server does not speak TLS"),
        _animal(
            "tls: garbage",
            zoo.babbles(bytes(range(256))),
            Tls(),
            False,
            "(the server does not speak TLS|TLS failed: .*)",
        ),
        _animal(
            "tls: alert",
            zoo.says_and_holds(b"\x15\x03\x03\x00\x02\x02\x28"),
            Tls(),
            False,
            "TLS failed: .*handshake failure",
        ),
        _animal("tls: reset", zoo.reset, Tls(), False, "connection (reset|closed) by the server.*"),
        _animal(
            "tls: closes at once",
            zoo.closes_at_once,
            Tls(),
            False,
            "connection (closed during the TLS handshake|(reset|closed) by the server.*)",
        ),
    )


def with_tls(made: Certificates) -> t.Tuple[Animal, ...]:
    """They agree on TLS, or come near it."""
    page = zoo.says(SIZED + PAGE)
    full, chain = Tls(verify="full", ca_file=str(made.authority)), Tls(verify="ca", ca_file=str(made.authority))

    def has(
        certificate: Path, behaviour: zoo.Behaviour = page, newest: t.Optional[ssl.TLSVersion] = None
    ) -> zoo.Behaviour:
        return behind_tls(certificate, made.key, behaviour, newest)

    refused = "the certificate is not accepted: "
    return (
        _animal("tls: healthy", has(made.good), full, True, "HTTP 200"),
        _animal("tls: wrong name", has(made.other), full, False, refused + f"Hostname mismatch.*'{NAME}'.*"),
        _animal("tls: wrong name, chain only", has(made.other), chain, True, "HTTP 200"),
        _animal("tls: expired", has(made.expired), chain, False, refused + "certificate has expired"),
        _animal("tls: signed by itself", has(made.stranger), chain, False, refused + "self.signed certificate"),
        _animal("tls: signed by itself, not verified", has(made.stranger), Tls(), True, "HTTP 200"),
        _animal(
            "tls: ends soon",
            has(made.soon),
            Tls(expiry_warning=FEW_DAYS),
            True,
            "HTTP 200",
            notes="certificate ends in [45] days",
        ),
        _animal(
            "tls: has ended, not verified",
            has(made.expired),
            Tls(expiry_warning=FEW_DAYS),
            True,
            "HTTP 200",
            notes="certificate ended (1 day|24 h) ago",
        ),
        _animal(
            "tls: too old",
            has(made.good, newest=ssl.TLSVersion.TLSv1_2),
            Tls(tls_min_version="1.3"),
            False,
            "the server speaks no version of TLS that tls_min_version allows",
        ),
        _animal("tls: plain text inside", has(made.good, breaks_tls), Tls(), False, "TLS failed: wrong version number"),
        _animal(
            "tls: silent inside",
            has(made.good, zoo.hold),
            Tls(),
            False,
            "no complete status line within 0.4 s: got 0 bytes",
        ),
        _animal(
            "tls: cut short",
            has(made.good, zoo.says(OK)),
            Tls(),
            False,
            "connection closed before a complete header section: .*",
        ),
        _whole_page(
            "tls: endless page",
            has(made.good, zoo.says_forever(OK + b"\r\n", b"x" * 4096)),
            False,
            "body is longer than 4 MiB",
        ),
        _whole_page(
            "tls: the page",
            has(made.good, zoo.says(OK + b"\r\n" + PAGE)),
            True,
            "HTTP 200, MD5 of the body as expected",
        ),
    )


def _whole_page(name: str, behaviour: zoo.Behaviour, up: bool, reason: str) -> Animal:
    server = functools.partial(zoo.HostileServer, behaviour)
    return Animal(name, server, HttpsCheck(virtualhost=NAME, digest=DIGEST), FAR, up, reason)


def animals(folder: Path) -> t.Tuple[Animal, ...]:
    """All of them, with certificates made in `folder`."""
    return (*without_tls(), *with_tls(make_certificates(folder)))
