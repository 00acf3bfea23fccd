# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SMTP_CHECK: what is said to a server, and which answers pass."""

from __future__ import annotations

import pytest

from mainstay.model.check_config import SmtpCheck, Tls
from mainstay.probes.smtp import SmtpProbe, tasks
from mainstay.probes.smtp_reply import LINE_BYTES, REPLY_LINES

from .dialogues import no_search, talk, verdict_of

GREETING = b"220 mx.example.org ESMTP\r\n"
EHLO = b"250-mx.example.org\r\n250-PIPELINING\r\n250-STARTTLS\r\n250 8BITMIME\r\n"
BYE = b"221 2.0.0 Bye\r\n"


def probe(starttls: bool = False) -> SmtpProbe:
    return SmtpProbe("lb1.example.org", starttls)


class TestConversation:
    def test_greeting_ehlo_quit(self) -> None:
        dialogue = talk(probe(), GREETING, EHLO, BYE)
        assert dialogue.sent == [b"EHLO lb1.example.org\r\n", b"QUIT\r\n"]
        assert dialogue.verdict is not None and dialogue.verdict.ok
        assert dialogue.verdict.reason == "SMTP 220 mx.example.org ESMTP"

    @pytest.mark.parametrize("refusal", [b"500 what?\r\n", b"502 not implemented\r\n", b"554 no\r\n"])
    def test_a_server_that_does_not_know_ehlo_is_asked_with_helo(self, refusal: bytes) -> None:
        dialogue = talk(probe(), GREETING, refusal, b"250 mx\r\n", BYE)
        assert dialogue.sent == [b"EHLO lb1.example.org\r\n", b"HELO lb1.example.org\r\n", b"QUIT\r\n"]
        assert dialogue.verdict is not None and dialogue.verdict.ok

    def test_a_server_that_knows_neither_is_down(self) -> None:
        verdict = verdict_of(probe(), GREETING, b"502 no\r\n", b"502 5.5.2 no\r\n")
        assert (verdict.ok, verdict.reason) == (False, "reply to HELO: 502 5.5.2 no, expected is 250")

    @pytest.mark.parametrize(
        ("heard", "reason"),
        [
            ([b"421 too busy\r\n"], "greeting: 421 too busy, expected is 220"),
            ([b"554-mx\r\n554 no\r\n"], "greeting: 554 mx, expected is 220"),
            ([GREETING, b"421 later\r\n"], "reply to EHLO: 421 later, expected is 250"),
            ([GREETING, EHLO, b"500 stay\r\n"], "reply to QUIT: 500 stay, expected is 221"),
            ([b""], "connection closed before a greeting"),
            ([GREETING, EHLO, b""], "connection closed before a reply to QUIT"),
            ([b"SSH-2.0-OpenSSH_9.2\r\n"], "not an SMTP reply: 'SSH-2.0-OpenSSH_9.2' (awaited: greeting)"),
            ([b"220-a\r\n250 b\r\n"], "a reply began with 220 and went on with 250 (awaited: greeting)"),
        ],
    )
    def test_what_else_a_server_says_is_down_and_quoted(self, heard: list[bytes], reason: str) -> None:
        verdict = verdict_of(probe(), *heard)
        assert (verdict.ok, verdict.reason) == (False, reason)


class TestStartTls:
    def test_the_conversation_begins_again_inside(self) -> None:
        dialogue = talk(probe(True), GREETING, EHLO, b"220 go ahead\r\n", EHLO, BYE)
        assert dialogue.sent == [b"EHLO lb1.example.org\r\n", b"STARTTLS\r\n", b"EHLO lb1.example.org\r\n", b"QUIT\r\n"]
        assert dialogue.tls == 1
        assert dialogue.verdict is not None and dialogue.verdict.ok

    @pytest.mark.parametrize(
        ("heard", "reason"),
        [
            ([GREETING, b"250 mx STARTTLS\r\n"], "the server does not offer STARTTLS"),
            ([GREETING, b"502 no\r\n"], "reply to EHLO: 502 no, expected is 250"),
            ([GREETING, EHLO, b"454 not now\r\n"], "reply to STARTTLS: 454 not now, expected is 220"),
        ],
    )
    def test_a_server_that_cannot_is_down(self, heard: list[bytes], reason: str) -> None:
        verdict = verdict_of(probe(True), *heard)
        assert (verdict.ok, verdict.reason) == (False, reason)

    def test_words_put_before_the_handshake_in_plain_text_do_not_count_inside(self) -> None:
        verdict = verdict_of(probe(True), GREETING, EHLO, b"220 go\r\n" + EHLO + BYE)
        assert (verdict.ok, verdict.reason) == (
            False,
            f"{len(EHLO + BYE)} bytes in plain text after the reply to STARTTLS",
        )


class TestCeilings:
    def test_the_longest_line_and_the_longest_reply_pass(self) -> None:
        line = b"220-" + b"x" * (LINE_BYTES - 6) + b"\r\n"
        reply = line * (REPLY_LINES - 1) + b"220 x\r\n"
        assert talk(probe(), reply).sent == [b"EHLO lb1.example.org\r\n"]

    def test_one_byte_or_one_line_more_is_refused_before_its_end(self) -> None:
        assert verdict_of(probe(), b"220 " + b"x" * (LINE_BYTES - 3)).reason.startswith(
            "a line is longer than 1000 bytes"
        )
        flood = verdict_of(probe(), b"220-x\r\n" * (REPLY_LINES + 1))
        assert (flood.ok, flood.reason) == (False, "more than 100 lines in a reply (awaited: greeting)")


class TestTasks:
    def test_every_host_is_a_task(self) -> None:
        check = SmtpCheck(hosts=(("192.0.2.7", 25), ("2001:db8::7", 587)))
        assert [(task.address, task.port, task.subject) for task in tasks(check, "192.0.2.21", 25, no_search)] == [
            ("192.0.2.7", 25, "host 192.0.2.7 port 25"),
            ("2001:db8::7", 587, "host 2001:db8::7 port 587"),
        ]

    def test_without_hosts_it_is_the_real_server(self) -> None:
        (task,) = tasks(
            SmtpCheck(connect_port=2525, starttls=True, tls=Tls(sni_name="mx")), "192.0.2.21", 25, no_search
        )
        assert (task.address, task.port, task.tls, task.server_name) == ("192.0.2.21", 2525, Tls(sni_name="mx"), "mx")

    @pytest.mark.parametrize(
        ("tls", "name"),
        [
            (Tls(), None),
            (Tls(sni_name="mx", enable_sni=False), None),
            (Tls(verify="full"), "192.0.2.21"),
            (Tls(verify="full", sni_name="mx"), "mx"),
        ],
    )
    def test_the_name_for_tls_is_the_one_of_the_options(self, tls: Tls, name: str | None) -> None:
        (task,) = tasks(SmtpCheck(starttls=True, tls=tls), "192.0.2.21", 25, no_search)
        assert task.server_name == name

    @pytest.mark.parametrize("name", ["lb1\r\nMAIL FROM:<>", "lb1\n", "a b", "é", "x" * 256])
    def test_a_name_that_would_split_the_command_is_refused(self, name: str) -> None:
        with pytest.raises(ValueError, match="helo_name .* visible ASCII"):
            tasks(SmtpCheck(helo_name=name), "192.0.2.21", 25, no_search)
