# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""DNS_CHECK against messages that scapy wrote or reads: the question, the answer, and what is not one."""

from __future__ import annotations

import struct
import typing as t

import pytest
from scapy.layers.dns import DNS, DNSQR, DNSRR, DNSRRMX, DNSRRSOA, DNSRRSRV

from mainstay.model.check_config import DnsCheck
from mainstay.probes.dns import DnsProbe, tasks
from mainstay.probes.dns_message import MESSAGE_BYTES
from mainstay.probes.verdict import Verdict

from .dialogues import NOW, no_search

NAME = "www.example.org"


class Asked:
    """A probe that has asked, and its question as scapy reads it."""

    def __init__(self, **options: t.Any) -> None:
        (task,) = tasks(DnsCheck(**{"name": NAME, "query_type": "A", **options}), "192.0.2.53", 53, no_search)
        self.probe = task.begin()
        said = self.probe.start(NOW)
        assert isinstance(said, bytes)
        self.wire = said
        self.question = DNS(said)

    def reply(self, *records: t.Any, **fields: t.Any) -> bytes:
        """A server's answer with these records."""
        message = DNS(
            **{
                "id": self.question.id, "qr": 1, "qdcount": 1, "qd": self.question.qd, "ancount": len(records),
                "an": list(records), "nscount": 0, "arcount": 0, **fields,
            }
        )  # fmt: skip
        return bytes(message)

    def hears(self, message: bytes) -> Verdict | None:
        said = self.probe.receive(message, NOW)
        assert said is None or isinstance(said, Verdict)
        return said

    def verdict(self, *records: t.Any, **fields: t.Any) -> Verdict:
        said = self.hears(self.reply(*records, **fields))
        assert said is not None
        return said


def record(kind: str, rdata: t.Any, name: str = NAME) -> DNSRR:
    return DNSRR(rrname=name, type=kind, ttl=60, rdata=rdata)


ADDRESS = record("A", "192.0.2.80")
OF_EACH_TYPE = [
    ("A", ADDRESS, ["192.0.2.80"], "192.0.2.81"),
    ("AAAA", record("AAAA", "2001:db8::80"), ["2001:db8::80", "2001:0DB8:0::80"], "2001:db8::81"),
    ("NS", record("NS", "ns1.example.org"), ["ns1.example.org", "NS1.Example.ORG."], "ns2.example.org"),
    ("CNAME", record("CNAME", "web.example.org"), ["web.example.org"], "example.org"),
    ("PTR", record("PTR", "host.example.org"), ["host.example.org."], "host"),
    (
        "MX",
        DNSRRMX(rrname=NAME, preference=10, exchange="mx.example.org"),
        ["10 mx.example.org", "mx.example.org."],
        "10",
    ),
    ("TXT", record("TXT", [b"v=spf1 ", b"-all"]), ["v=spf1 -all"], "v=spf1"),
    (
        "SRV",
        DNSRRSRV(rrname=NAME, priority=1, weight=2, port=443, target="a.example.org"),
        ["1 2 443 a.example.org", "a.example.org"],
        "443",
    ),
    (
        "SOA",
        DNSRRSOA(
            rrname=NAME,
            mname="ns.example.org",
            rname="root.example.org",
            serial=7,
            refresh=1,
            retry=2,
            expire=3,
            minimum=4,
        ),
        ["ns.example.org", "ns.example.org. root.example.org. 7 1 2 3 4"],
        "7",
    ),
]


class TestQuestion:
    def test_scapy_reads_what_we_ask(self) -> None:
        asked = Asked()
        assert (asked.question.qdcount, asked.question.rd, asked.question.qr) == (1, 1, 0)
        assert (asked.question.qd[0].qname, asked.question.qd[0].qtype) == (b"www.example.org.", 1)

    def test_without_options_it_is_the_soa_of_the_root(self) -> None:
        question = Asked(name=".", query_type="SOA").question.qd[0]
        assert (question.qname, question.qtype) == (b".", 6)

    def test_an_address_is_asked_for_in_the_reverse_tree(self) -> None:
        assert Asked(name="192.0.2.80", query_type="PTR").question.qd[0].qname == b"80.2.0.192.in-addr.arpa."

    def test_the_id_differs_from_run_to_run(self) -> None:
        probe = DnsProbe(NAME, "A", None)
        ids = {t.cast(bytes, probe.start(NOW + step))[:2] for step in range(1000)}
        assert len(ids) > 950, "an id that can be guessed lets anybody answer"

    @pytest.mark.parametrize("name", ["", "a..b", ".a", "a" * 64, "a b", "ü.example", "a\n", ".".join(["a" * 60] * 5)])
    def test_what_is_no_name_is_refused(self, name: str) -> None:
        with pytest.raises(ValueError, match="name "):
            Asked(name=name)


class TestAnswer:
    def test_noerror_with_content_is_up(self) -> None:
        verdict = Asked().verdict(ADDRESS)
        assert (verdict.ok, verdict.reason) == (True, "NOERROR, 192.0.2.80")

    def test_a_chain_of_names_is_content(self) -> None:
        verdict = Asked().verdict(record("CNAME", "web.example.org"))
        assert (verdict.ok, verdict.reason) == (True, "NOERROR, records of other types (1)")

    def test_noerror_without_content_is_down(self) -> None:
        verdict = Asked().verdict()
        assert (verdict.ok, verdict.reason) == (False, "NOERROR without content for www.example.org A")

    @pytest.mark.parametrize(
        ("code", "name"),
        [(1, "FORMERR"), (2, "SERVFAIL"), (3, "NXDOMAIN"), (4, "NOTIMP"), (5, "REFUSED"), (15, "RCODE 15")],
    )
    def test_every_error_code_is_down_and_named(self, code: int, name: str) -> None:
        verdict = Asked().verdict(rcode=code)
        assert (verdict.ok, verdict.reason) == (False, f"{name} for www.example.org A")

    def test_a_refusal_may_leave_the_question_out(self) -> None:
        verdict = Asked().verdict(rcode=1, qd=[], qdcount=0)
        assert (verdict.ok, verdict.reason) == (False, "FORMERR for www.example.org A")

    def test_a_truncated_answer_counts_with_what_it_has(self) -> None:
        cut = Asked().reply(ADDRESS, ADDRESS, tc=1)[:-3]
        asked = Asked()
        verdict = asked.hears(cut)
        assert verdict is not None and (verdict.ok, verdict.reason) == (True, "NOERROR, 192.0.2.80")
        empty = Asked().verdict(tc=1)
        assert (empty.ok, empty.reason) == (
            False,
            "NOERROR without content for www.example.org A, the answer is truncated",
        )


class TestExpectedAnswer:
    @pytest.mark.parametrize(("kind", "one", "expected", "other"), OF_EACH_TYPE, ids=[row[0] for row in OF_EACH_TYPE])
    def test_one_of_the_answers_has_to_be_it(self, kind: str, one: t.Any, expected: list[str], other: str) -> None:
        for spelling in expected:
            verdict = Asked(query_type=kind, answer=spelling).verdict(one)
            assert verdict.ok, verdict
        verdict = Asked(query_type=kind, answer=other).verdict(one)
        assert not verdict.ok and verdict.reason.startswith("expected "), verdict

    def test_it_may_be_any_of_several(self) -> None:
        verdict = Asked(answer="192.0.2.80").verdict(record("A", "192.0.2.79"), ADDRESS)
        assert verdict.ok, verdict
        verdict = Asked(answer="192.0.2.81").verdict(record("A", "192.0.2.79"), ADDRESS)
        assert verdict.reason == "expected 192.0.2.81, the answer is 192.0.2.79, 192.0.2.80"

    @pytest.mark.parametrize(("kind", "answer"), [("A", "2001:db8::1"), ("AAAA", "192.0.2.1"), ("A", "www")])
    def test_what_no_answer_of_the_type_can_be_is_refused(self, kind: str, answer: str) -> None:
        with pytest.raises(ValueError, match="answer"):
            Asked(query_type=kind, answer=answer)


class TestLies:
    """What does not answer our question is passed over: it may be late, or somebody's forgery."""

    @pytest.mark.parametrize(
        "lie",
        [
            lambda asked: asked.reply(ADDRESS, id=asked.question.id ^ 1),
            lambda asked: asked.reply(ADDRESS, qd=DNSQR(qname="www.example.com", qtype="A")),
            lambda asked: asked.reply(ADDRESS, qd=DNSQR(qname=NAME, qtype="AAAA")),
            lambda asked: asked.reply(ADDRESS, qr=0),
            lambda asked: asked.reply(ADDRESS, opcode=2),
            lambda asked: asked.reply(ADDRESS, qd=[], qdcount=0),
            lambda asked: asked.wire,
            lambda asked: asked.wire[:11],
            lambda asked: b"",
        ],
        ids=["id", "name", "type", "a question", "opcode", "no question", "echo", "cut", "empty"],
    )
    def test_a_lie_is_passed_over_and_the_answer_still_counts(self, lie: t.Callable[[Asked], bytes]) -> None:
        asked = Asked()
        assert asked.hears(lie(asked)) is None
        assert asked.probe.awaits() == "answer to www.example.org A (passed over 1 others)"
        assert asked.verdict(ADDRESS).ok

    def test_the_case_of_the_name_does_not_matter(self) -> None:
        asked = Asked()
        verdict = asked.hears(asked.reply(ADDRESS).replace(b"www", b"wWw", 1))
        assert verdict is not None and verdict.ok


class TestMalformed:
    def head(self, asked: Asked, records: int = 1) -> bytes:
        """Up to the answer section, which is to have so many records."""
        return asked.wire[:2] + struct.pack("!5H", 0x8180, 1, records, 0, 0) + asked.wire[12:]

    @pytest.mark.parametrize(
        ("section", "reason"),
        [
            (b"", "a name is too long or cut off"),
            (b"\x00\x00\x01", "a record is cut off"),
            (b"\x00" + struct.pack("!HHIH", 1, 1, 60, 40) + b"abcd", "a record is cut off"),
            (b"\x00" + struct.pack("!HHIH", 1, 1, 60, 3) + b"abc", "an address has 3 bytes"),
            (b"\xc0\x21" + b"\x00" * 10, "a compressed name points forwards or at itself"),
            (b"\x01a\xc0\x21" + b"\x00" * 10, "a compressed name points forwards or at itself"),
            (b"\xff\xff", "a compressed name points forwards or at itself"),
            (b"\x41", "a name has a label of an unknown kind"),
            ((b"\x3f" + b"a" * 63) * 4 + b"\x00", "a name is too long or cut off"),
            (
                b"\x00" + struct.pack("!HHIH", 16, 1, 60, 3) + b"\x05ab",
                "a TXT record has not the length of its content",
            ),
            (
                b"\x00" + struct.pack("!HHIH", 6, 1, 60, 3) + b"\x00\x00a",
                "an SOA record has not the length of its content",
            ),
            (b"\x00" + struct.pack("!HHIH", 15, 1, 60, 1) + b"\x00", "a record is cut off"),
            (b"\x00" + struct.pack("!HHIH", 2, 1, 60, 3) + b"\x00aa", "a record has not the length of its content"),
        ],
    )
    def test_it_is_down_with_what_is_wrong(self, section: bytes, reason: str) -> None:
        asked = Asked()
        verdict = asked.hears(self.head(asked) + section)
        assert verdict == Verdict(False, f"malformed answer: {reason}")

    def test_a_loop_of_pointers_over_labels_ends(self) -> None:
        asked = Asked()
        at = len(asked.wire)
        first = b"\x01a" + struct.pack("!H", 0xC000 | at)
        verdict = asked.hears(self.head(asked) + first + b"\x00" * 10)
        assert verdict == Verdict(False, "malformed answer: a compressed name points forwards or at itself")

    def test_more_than_four_kib_are_not_read(self) -> None:
        asked = Asked()
        verdict = asked.hears(self.head(asked) + bytes(MESSAGE_BYTES))
        assert verdict == Verdict(False, "malformed answer: the answer is longer than 4096 bytes")

    def test_what_a_stranger_writes_is_shown_harmlessly(self) -> None:
        verdict = Asked(query_type="TXT").verdict(record("TXT", [b"\x1b[2J" + b"x" * 200]))
        assert verdict.ok
        assert verdict.reason == "NOERROR, ?[2J" + "x" * 116 + "..."
