# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Any bytes, in any cuts or datagrams: a verdict or nothing, and never an exception."""

from __future__ import annotations

import typing as t

import pytest
from hypothesis import example, given, settings, strategies as st

from mainstay.probes import greeting, mysql, postgres, redis
from mainstay.probes.dns import DnsProbe
from mainstay.probes.grpc import GrpcProbe, call
from mainstay.probes.mysql import MysqlProbe
from mainstay.probes.ping import PingProbe
from mainstay.probes.smtp import SmtpProbe
from mainstay.probes.udp import UdpProbe
from mainstay.probes.verdict import Probe, Verdict

from .dialogues import NOW, cut, talk
from .test_database_probes import TestMysql, TestPostgres, my_error, pg_error
from .test_grpc_probe import EMPTY, HEAD, NOT_FOUND, PREAMBLE, SERVING

STREAMS: dict[str, tuple[t.Callable[[], Probe], list[bytes]]] = {
    "smtp": (
        lambda: SmtpProbe("lb1", False),
        [
            b"220 mx\r\n",
            b"220-mx\r\n",
            b"250 x\n",
            b"250-x\r\n",
            b"502 no\r\n",
            b"221 \r\n",
            b"\r\n",
            b"220",
            b"x" * 999,
        ],
    ),
    "redis": (
        lambda: greeting.GreetingProbe(redis.PING, redis.judge, "reply"),
        [b"+", b"-", b"PONG", b"\r", b"\n", b"NOAUTH x", b"LOADING", b"x" * 511],
    ),
    "postgres": (
        lambda: greeting.GreetingProbe(postgres.STARTUP, postgres.judge, "reply"),
        [TestPostgres.SCRAM, pg_error("57P03", "x"), pg_error("28000", "y"), b"E\0\0\0\7", b"E\0\0\0\7abc", b"\0"],
    ),
    "mysql": (
        MysqlProbe,
        [
            TestMysql.GREETING,
            *(
                mysql.packet(content, 2)
                for content in (b"\0", b"\xfe", b"\xfex\0", b"\1\3", b"\xff", my_error(1040, b"x"))
            ),
            b"\1\0\0\0",
            b"\0\0\0\0",
            b"\xff\xff\xff\0",
        ],
    ),
    "grpc": (
        lambda: GrpcProbe(call("", "a")),
        [PREAMBLE, HEAD, SERVING, EMPTY, NOT_FOUND, PREAMBLE[33:], b"\0\0\1\0\x08\0\0\0\1\1", b"\0\0\0\7\0\0\0\0\0"],
    ),
}


@st.composite
def streams(draw: st.DrawFn) -> tuple[str, bytes, list[int]]:
    """A kind, something its server might say, and where the network cuts it."""
    kind = draw(st.sampled_from(sorted(STREAMS)))
    pieces = st.one_of(st.sampled_from(STREAMS[kind][1]), st.binary(max_size=12))
    stream = draw(st.one_of(st.binary(max_size=60), st.lists(pieces, max_size=12).map(b"".join)))
    return kind, stream, draw(st.lists(st.integers(min_value=0), max_size=8))


@settings(max_examples=1500)
@given(said=streams())
@example(said=("smtp", b"220 mx\r\n250 x\r\n221 \r\n", [3]))
@example(said=("mysql", TestMysql.GREETING + mysql.packet(my_error(1045, b"x"), 2), [110]))
@example(said=("grpc", PREAMBLE + HEAD + SERVING, [20, 120]))
def test_a_stream_gets_the_same_verdict_however_it_was_cut_and_one_at_its_end(
    said: tuple[str, bytes, list[int]],
) -> None:
    kind, stream, places = said
    begin = STREAMS[kind][0]
    whole = talk(begin(), *cut(stream, []), b"").verdict
    assert talk(begin(), *cut(stream, places), b"").verdict == whole
    assert talk(begin(), *cut(stream, range(len(stream))), b"").verdict == whole
    assert whole is not None, "the end of the stream always brings a verdict"


@given(stream=st.lists(st.sampled_from([*STREAMS["smtp"][1], b"250-STARTTLS\r\n", b"454 no\r\n"]), max_size=12))
def test_a_mail_server_may_say_anything_where_tls_is_to_begin(stream: list[bytes]) -> None:
    dialogue = talk(SmtpProbe("lb1", True), *stream, b"")
    assert dialogue.tls <= 1 and dialogue.verdict is not None


DATAGRAMS: list[t.Callable[[], Probe]] = [
    lambda: DnsProbe("www.example.org", "MX", "mx.example.org"),
    lambda: DnsProbe(".", "SOA", None),
    lambda: UdpProbe(b"", (1, None, 3), (1, 100)),
    lambda: PingProbe("192.0.2.21"),
    lambda: PingProbe("2001:db8::21"),
]


@pytest.mark.parametrize("begin", DATAGRAMS)
@settings(max_examples=300)
@given(datagrams=st.lists(st.binary(max_size=80), max_size=5))
def test_any_datagrams_bring_a_verdict_or_nothing(begin: t.Callable[[], Probe], datagrams: list[bytes]) -> None:
    probe = begin()
    probe.start(NOW)
    for datagram in datagrams:
        said = probe.receive(datagram, NOW)
        assert said is None or isinstance(said, Verdict)
    assert probe.awaits()


# Names, records and pointers, whole and broken, behind a header that answers the question.
SECTIONS = st.lists(
    st.one_of(
        st.sampled_from(
            [
                b"\x03www\x00",
                b"\xc0\x0c",
                b"\xc0\x00",
                b"\xc0\xff",
                b"\x3f" + b"a" * 63,
                *(
                    bytes([0, kind, 0, 1, 0, 0, 0, 60, 0, size])
                    for kind in (1, 2, 6, 15, 16, 28, 33)
                    for size in (0, 4, 30)
                ),
                b"\x00\x0a\x02mx\xc0\x0c",
            ]
        ),
        st.binary(max_size=6),
    ),
    max_size=10,
).map(b"".join)


@settings(max_examples=1000)
@given(section=SECTIONS, count=st.integers(0, 65535), flags=st.sampled_from([0x8180, 0x8380, 0x8183]))
def test_any_answer_section_brings_a_verdict(section: bytes, count: int, flags: int) -> None:
    probe = DnsProbe("www.example.org", "MX", "mx.example.org")
    asked = t.cast(bytes, probe.start(NOW))
    head = asked[:2] + flags.to_bytes(2, "big") + b"\0\1" + count.to_bytes(2, "big") + bytes(4)
    said = probe.receive(head + asked[12:] + section, NOW)
    assert isinstance(said, Verdict)
    assert said.reason.isprintable()
