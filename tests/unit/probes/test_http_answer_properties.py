# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Any bytes, cut anywhere: a verdict or nothing, the same for every cut, in bounded memory."""

from __future__ import annotations

from hypothesis import example, given, settings, strategies as st

from mainstay.probes.http import HttpProbe
from mainstay.probes.http_answer import HEADER_BYTES, AnswerHead, MalformedAnswer
from mainstay.probes.verdict import Verdict

# Pieces of answers, whole and broken, so that random joins get deep into the grammar.
PIECES = st.sampled_from(
    [
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.0 503\n",
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 " + b"x" * 500,
        b"HTTP/1.",
        b"Server: nginx\r\n",
        b"A: " + b"y" * 5000 + b"\r\n",
        b"A:b\n" * 60,
        b"\r\n",
        b"\n",
        b"\r",
        b" folded\r\n",
        b"220 abc\r\n",
        b"\x00\xff",
    ]
)
ANSWERS = st.one_of(
    st.binary(max_size=60), st.lists(st.one_of(PIECES, st.binary(max_size=9)), max_size=14).map(b"".join)
)


def conversation(chunks: list[bytes]) -> Verdict | None:
    """The verdict over these chunks and the end of the stream."""
    probe = HttpProbe(b"GET", ((200, 299),))
    probe.start(0)
    for chunk in [*(chunk for chunk in chunks if chunk), b""]:
        said = probe.receive(chunk, 0)
        assert said is None or isinstance(said, Verdict), f"an HTTP check has nothing more to send: {said!r}"
        if said is not None:
            return said
    return None


def cut(answer: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(answer) + 1) for place in places), len(answer)]
    return [answer[low:high] for low, high in zip(edges, edges[1:])]


@settings(max_examples=400)
@given(answer=ANSWERS, places=st.lists(st.integers(min_value=0), max_size=8))
@example(answer=b"220 abc\r\n", places=[8])
@example(answer=b"220 x\r\n", places=[6])
@example(answer=b"HTTP/1.1 200 " + b"x" * 499 + b"\r\n\r\n", places=[512])
def test_the_verdict_does_not_depend_on_how_the_network_cut_the_answer(
    answer: bytes, places: list[int]
) -> None:
    whole = conversation([answer])
    assert conversation(cut(answer, places)) == whole
    assert conversation([answer[place : place + 1] for place in range(len(answer))]) == whole
    assert whole is not None, "the end of the stream always brings a verdict"


@settings(max_examples=200)
@given(chunks=st.lists(st.one_of(PIECES, st.binary(max_size=50)), max_size=60))
def test_what_is_kept_stays_below_the_ceiling_of_the_headers(chunks: list[bytes]) -> None:
    head = AnswerHead()
    for chunk in chunks:
        try:
            done = head.feed(chunk) is not None
        except MalformedAnswer:
            return
        if done:
            return
        assert len(head._pending) <= HEADER_BYTES


def test_a_server_that_never_ends_its_headers_is_refused_within_17_kib() -> None:
    head, sent = AnswerHead(), 0
    head.feed(b"HTTP/1.1 200 OK\r\nX: ")
    try:
        while sent < 1_000_000:
            sent += 64
            head.feed(b"z" * 64)
    except MalformedAnswer as malformed:
        assert str(malformed) == "headers are longer than 16 KiB"
    assert sent <= 17 * 1024
