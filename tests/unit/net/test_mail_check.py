# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SMTP_CHECK of a server that nobody here wrote (aiosmtpd), in plain text and with STARTTLS."""

from __future__ import annotations

import contextlib
import typing as t
from pathlib import Path

import pytest

from lab.mail_server import Certificate, MailServer, make_certificate
from mainstay.daemon.one_check import run_check
from mainstay.model.check_config import SmtpCheck, Tls
from mainstay.model.units import seconds


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make_certificate(tmp_path_factory.mktemp("ca"), "DNS:mx.example.net")


@contextlib.contextmanager
def serving(certificate: Certificate | None = None) -> t.Iterator[int]:
    server = MailServer(certificate=certificate)
    try:
        yield server.port
    finally:
        server.close()


def encrypted(authority: Path, name: str) -> SmtpCheck:
    tls = Tls(verify="full", ca_file=str(authority), sni_name=name)
    return SmtpCheck(helo_name="lb1.example.net", connect_timeout=seconds(30), starttls=True, tls=tls)


def test_a_server_in_plain_text_is_up() -> None:
    with serving() as port:
        outcome = run_check(SmtpCheck(connect_timeout=seconds(30)), "127.0.0.1", port)
    assert outcome.verdict.ok, outcome
    assert outcome.verdict.reason.startswith("SMTP 220 mail.test ")
    assert outcome.tls_ns is None


def test_a_server_with_starttls_is_up_and_the_time_of_the_handshake_known(certificate: Certificate) -> None:
    with serving(certificate) as port:
        outcome = run_check(encrypted(certificate.authority, "mx.example.net"), "127.0.0.1", port)
    assert outcome.verdict.ok, outcome
    assert outcome.tls_ns is not None


def test_a_certificate_of_another_name_is_down(certificate: Certificate) -> None:
    with serving(certificate) as port:
        outcome = run_check(encrypted(certificate.authority, "www.example.net"), "127.0.0.1", port)
    assert (outcome.verdict.ok, outcome.ran) == (False, True), outcome
    assert "www.example.net" in outcome.verdict.reason, outcome


def test_starttls_of_a_server_that_has_none_is_down(certificate: Certificate) -> None:
    with serving() as port:
        outcome = run_check(encrypted(certificate.authority, "mx.example.net"), "127.0.0.1", port)
    assert outcome.verdict.reason == "the server does not offer STARTTLS", outcome


def test_the_second_of_two_hosts_is_named_when_it_is_down() -> None:
    with serving() as port:
        check = SmtpCheck(connect_timeout=seconds(30), hosts=(("127.0.0.1", port), ("127.0.0.1", 1)))
        outcome = run_check(check, "192.0.2.1", 25)
    assert (outcome.verdict.ok, outcome.verdict.reason) == (False, "host 127.0.0.1 port 1: connection refused")
