# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands in a page: digests and patterns, and where the page ends."""

from __future__ import annotations

import hashlib
import typing as t

import pytest
from hypothesis import example, given, settings, strategies as st

from mainstay.model.check_config import HttpCheck, Url
from mainstay.probes.build import probe_tasks
from mainstay.probes.http_content import BODY_BYTES, SEARCHED_BYTES
from mainstay.probes.tcp import TalkProbe
from mainstay.probes.verdict import Verdict

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
PAGE = b"welcome\n"
MD5, SHA256 = hashlib.md5(PAGE).hexdigest(), hashlib.sha256(PAGE).hexdigest()


def found(pattern: t.Pattern[bytes], body: bytes) -> bool:
    return pattern.search(body) is not None


def judge(check: HttpCheck, *pieces: bytes, search: t.Any = found, report: bool = False) -> Verdict | None:
    """The verdict over these pieces of an answer; None when it waits for more."""
    probe = probe_tasks(check, "192.0.2.21", 80, search, report)[0].begin()
    probe.start(0)
    for piece in pieces:
        said = probe.receive(piece, 0)
        if said is not None:
            assert isinstance(said, Verdict)
            return said
    return None


class TestDigest:
    @pytest.mark.parametrize("digest", [MD5, SHA256, MD5.upper()])
    def test_of_the_page_passes(self, digest: str) -> None:
        said = judge(HttpCheck(digest=digest), OK + b"Content-Length: 8\r\n\r\n" + PAGE)
        assert said is not None and said.ok and said.reason.endswith("of the body as expected"), said

    def test_of_another_page_is_told_with_both(self) -> None:
        said = judge(HttpCheck(digest=SHA256), OK + b"\r\n" + PAGE + b"!", b"")
        seen = hashlib.sha256(PAGE + b"!").hexdigest()
        assert said == Verdict(False, f"HTTP 200, SHA-256 of the body is {seen}, expected {SHA256}")

    def test_waits_for_the_whole_page(self) -> None:
        assert judge(HttpCheck(digest=MD5), OK + b"Content-Length: 8\r\n\r\n" + PAGE[:7]) is None

    def test_ends_at_the_length_whatever_follows(self) -> None:
        said = judge(HttpCheck(digest=MD5), OK + b"Content-Length: 8\r\n\r\n" + PAGE + b"HTTP/1.1 500 No")
        assert said is not None and said.ok

    def test_a_wrong_status_is_enough(self) -> None:
        said = judge(HttpCheck(digest=MD5), b"HTTP/1.1 500 No\r\nTransfer-Encoding: x\r\n\r\n")
        assert said == Verdict(False, "HTTP 500, accepted are 200-299")

    @pytest.mark.parametrize(("size", "up"), [(BODY_BYTES, True), (BODY_BYTES + 1, False)])
    def test_the_largest_page(self, size: int, up: bool) -> None:
        page = b"x" * size
        said = judge(HttpCheck(digest=hashlib.md5(page).hexdigest()), OK + b"\r\n", page, b"")
        assert said is not None and said.ok is up, said

    def test_an_answer_without_a_body_has_the_digest_of_nothing(self) -> None:
        check = HttpCheck(digest=hashlib.md5(b"").hexdigest())
        said = judge(check, b"HTTP/1.1 204 No Content\r\n\r\n")
        assert said is not None and said.ok


class TestPattern:
    @pytest.mark.parametrize(
        ("check", "page", "up"),
        [
            (HttpCheck(regex="wel.ome"), PAGE, True),
            (HttpCheck(regex="WELCOME"), PAGE, False),
            (HttpCheck(regex="WELCOME", regex_options=("caseless",)), PAGE, True),
            (HttpCheck(regex="a.b"), b"a\nb", False),
            (HttpCheck(regex="a.b", regex_options=("dotall",)), b"a\nb", True),
            (HttpCheck(regex="^b$"), b"a\nb\nc", False),
            (HttpCheck(regex="^b$", regex_options=("multiline",)), b"a\nb\nc", True),
            (HttpCheck(regex="a b # c", regex_options=("extended",)), b"ab", True),
            (HttpCheck(regex="b", regex_options=("anchored",)), b"ab", False),
            (HttpCheck(regex="a|b", regex_options=("anchored",)), b"cb", False),
            (HttpCheck(regex="a # b", regex_options=("anchored", "extended")), b"ab", True),
            (HttpCheck(regex="welcome", regex_no_match=True), PAGE, False),
            (HttpCheck(regex="error", regex_no_match=True), PAGE, True),
            (HttpCheck(regex="ü"), "grün".encode(), True),
        ],
    )
    def test_decides(self, check: HttpCheck, page: bytes, up: bool) -> None:
        said = judge(check, OK + b"\r\n" + page, b"")
        assert said is not None and said.ok is up, said

    @pytest.mark.parametrize(
        ("first", "last", "up"), [(0, None, True), (4, None, True), (5, None, False), (0, 7, True), (0, 6, False)]
    )
    def test_counts_between_its_offsets_only(self, first: int, last: int | None, up: bool) -> None:
        check = HttpCheck(urls=(Url(regex="abc", regex_min_offset=first, regex_max_offset=last),))
        said = judge(check, OK + b"\r\n1234", b"abc89", b"")
        assert said is not None and said.ok is up, said

    def test_does_not_wait_for_what_is_not_searched(self) -> None:
        said = judge(HttpCheck(regex="zzz"), OK + b"\r\n", b"x" * SEARCHED_BYTES)
        assert said == Verdict(False, "HTTP 200, the body does not contain 'zzz'")

    def test_a_search_that_took_too_long_says_so(self) -> None:
        said = judge(HttpCheck(regex="x"), OK + b"\r\n", b"", search=lambda _pattern, _body: None)
        assert said == Verdict(False, "HTTP 200, searching the body for 'x' took too long")

    def test_digest_and_pattern_both_have_to_be_right(self) -> None:
        answer = OK + b"Content-Length: 8\r\n\r\n" + PAGE
        right, wrong = (
            judge(HttpCheck(digest=MD5, regex="wel"), answer),
            judge(HttpCheck(digest=MD5, regex="bye"), answer),
        )
        assert right is not None and right.ok
        assert wrong == Verdict(False, "HTTP 200, the body does not contain 'bye'")


class TestReport:
    def test_tells_status_length_and_digests_whatever_was_asked(self) -> None:
        said = judge(HttpCheck(), OK + b"Content-Length: 8\r\n\r\n" + PAGE, report=True)
        assert said is not None and said.ok
        assert said.details == (
            ("status", "200"),
            ("body_bytes", "8"),
            ("digest_md5", MD5),
            ("digest_sha256", SHA256),
        )

    def test_of_a_head_has_no_body(self) -> None:
        said = judge(HttpCheck(method="HEAD"), OK + b"Content-Length: 8\r\n\r\n", report=True)
        assert said is not None and ("body_bytes", "0") in said.details


class TestChunks:
    @pytest.mark.parametrize(
        "body",
        [
            b"8\r\nwelcome\n\r\n0\r\n\r\n",
            b"3\r\nwel\r\n5\r\ncome\n\r\n0\r\n\r\n",
            b"00008;name=value\r\nwelcome\n\r\n0\r\nTrailer: x\r\n\r\n",
        ],
    )
    def test_carry_the_page(self, body: bytes) -> None:
        said = judge(HttpCheck(digest=MD5), CHUNKED + body)
        assert said is not None and said.ok, said

    @pytest.mark.parametrize(
        ("body", "reason"),
        [
            (b"8\nwelcome\n", "malformed chunk size '8'"),
            (b"-1\r\n", "malformed chunk size '-1'"),
            (b"0x8\r\n", "malformed chunk size '0x8'"),
            (b"\r\n", "malformed chunk size ''"),
            (b"123456789\r\n", "malformed chunk size '123456789'"),
            (b"7\r\nwelcome\n\r\n", "chunk is longer than its size"),
            (b"0\r\nno colon\r\n", "malformed trailer line 'no colon'"),
            (b"8\r\nwelcome\n", "body cut short: the connection ended within the chunks"),
            (b"8\r\nwelcome\n\r\n0\r\n", "body cut short: the connection ended within the chunks"),
        ],
    )
    def test_that_are_none_are_refused(self, body: bytes, reason: str) -> None:
        assert judge(HttpCheck(digest=MD5), CHUNKED + body, b"") == Verdict(False, reason)


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        (b"Content-Length: 8\r\nTransfer-Encoding: chunked\r\n", "both Transfer-Encoding and Content-Length"),
        (b"Transfer-Encoding: gzip, chunked\r\n", "transfer coding 'gzip, chunked': only chunked is read"),
        (b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "transfer coding 'chunked, chunked'"),
        (b"Content-Length: 8\r\nContent-Length: 7\r\n", "malformed Content-Length '8, 7'"),
        (b"Content-Length: +8\r\n", "malformed Content-Length '+8'"),
        (b"Content-Length:\r\n", "malformed Content-Length ''"),
    ],
)
def test_a_length_that_two_readers_could_read_in_two_ways_is_refused(headers: bytes, reason: str) -> None:
    said = judge(HttpCheck(digest=MD5), OK + headers + b"\r\n" + PAGE, b"")
    assert said is not None and not said.ok and said.reason.startswith(reason), said


def test_a_length_told_twice_alike_is_one() -> None:
    said = judge(HttpCheck(digest=MD5), OK + b"Content-Length: 8, 8\r\nContent-Length: 8\r\n\r\n" + PAGE)
    assert said is not None and said.ok


def test_http_1_0_knows_no_chunks() -> None:
    said = judge(HttpCheck(digest=MD5), b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
    assert said == Verdict(False, "Transfer-Encoding in an HTTP/1.0 answer")


PIECES = st.sampled_from(
    [
        OK,
        CHUNKED,
        b"HTTP/1.0 200 OK\r\n",
        b"HTTP/1.1 204 No\r\n",
        b"HTTP/1.1 100 Go on\r\n\r\n",
        b"Content-Length: 8\r\n",
        b"content-length: 3\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"\r\n",
        b"\n",
        b"8\r\n",
        b"3;x\r\n",
        b"0\r\n",
        b"0\r\n\r\n",
        b"welcome\n",
        b"wel",
        b"A: b\r\n",
        b"\x00\xff",
    ]
)
ANSWERS = st.lists(st.one_of(PIECES, PIECES, st.binary(max_size=9)), max_size=16).map(b"".join)
WHOLE_ANSWERS = st.one_of(
    ANSWERS, ANSWERS.map(lambda rest: CHUNKED + rest), ANSWERS.map(lambda rest: OK + b"\r\n" + rest)
)
CHECKS = st.sampled_from(
    [
        HttpCheck(),
        HttpCheck(digest=MD5),
        HttpCheck(regex="wel"),
        HttpCheck(regex="wel", digest=SHA256),
        HttpCheck(regex="^$"),
    ]
)


@settings(max_examples=300)
@given(check=CHECKS, answer=WHOLE_ANSWERS, places=st.lists(st.integers(min_value=0), max_size=8), report=st.booleans())
@example(check=HttpCheck(digest=MD5), answer=CHUNKED + b"7\r\nwelcome\n\r\n", places=[55], report=False)
def test_any_bytes_in_any_cuts_bring_the_same_verdict_and_never_an_exception(
    check: HttpCheck, answer: bytes, places: list[int], report: bool
) -> None:
    edges = [0, *sorted(place % (len(answer) + 1) for place in places), len(answer)]
    cut = [answer[low:high] for low, high in zip(edges, edges[1:]) if low < high]
    whole = judge(check, *([answer] if answer else []), b"", report=report)
    assert whole is not None, "the end of the stream always brings a verdict"
    assert judge(check, *cut, b"", report=report) == whole
    assert judge(check, *(answer[place : place + 1] for place in range(len(answer))), b"", report=report) == whole


@settings(max_examples=300)
@given(pieces=st.lists(st.binary(min_size=1, max_size=12), max_size=12), expect=st.binary(min_size=1, max_size=4))
def test_a_talk_finds_what_it_expects_across_any_cuts(pieces: list[bytes], expect: bytes) -> None:
    probe = TalkProbe(b"", expect)
    said = None
    for piece in [*pieces, b""]:
        said = probe.receive(piece, 0)
        if said is not None:
            break
    assert isinstance(said, Verdict)
    assert said.ok is (expect in b"".join(pieces))
