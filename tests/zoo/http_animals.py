# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers of HTTP and of plain TCP."""

from __future__ import annotations

import functools
import hashlib
import typing as t

from mainstay.model.check_config import Check, HttpCheck, TcpCheck, Url

from . import servers as zoo
from .animal import FAR, SOON, Animal

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
PAGE = b"welcome\n"
SIZED = OK + b"Content-Length: %d\r\n\r\n" % len(PAGE)
DIGEST = hashlib.md5(PAGE).hexdigest()

HEAD_ONLY = HttpCheck()
WHOLE = HttpCheck(digest=DIGEST)
MANY_URLS = HttpCheck(urls=tuple(Url(path=f"/{number}") for number in range(64)))
REGEX = HttpCheck(regex="welcome")
BACKTRACKING = HttpCheck(regex="(a+)+$")
TALK = TcpCheck(send=b"PING\r\n", expect=b"PONG")


def _animal(name: str, behaviour: zoo.Behaviour, check: Check, deadline: float, up: bool, reason: str) -> Animal:
    return Animal(name, functools.partial(zoo.HostileServer, behaviour), check, deadline, up, reason)


def _tells(name: str, answer: bytes, check: Check, up: bool, reason: str) -> Animal:
    return _animal(name, zoo.says(answer), check, FAR, up, reason)


HEADS = (
    _tells("healthy", SIZED + PAGE, HEAD_ONLY, True, "HTTP 200"),
    _animal("keeps the connection", zoo.says_and_holds(OK + b"\r\n"), HEAD_ONLY, FAR, True, "HTTP 200"),
    _animal(
        "endless body nobody asked for", zoo.says_forever(OK + b"\r\n", b"x" * 4096), HEAD_ONLY, FAR, True, "HTTP 200"
    ),
    _tells("busy", b"HTTP/1.0 503 No\r\n\r\n", HEAD_ONLY, False, "HTTP 503, accepted are 200-299"),
    _tells(
        "redirect loop",
        b"HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n",
        HEAD_ONLY,
        False,
        "HTTP 302, accepted are 200-299",
    ),
    _animal("silent", zoo.hold, HEAD_ONLY, SOON, False, "no complete status line within 0.4 s: got 0 bytes"),
    _animal(
        "slow at each of many urls",
        zoo.later_says(SIZED + PAGE, 0.3),
        MANY_URLS,
        1.5,
        False,
        r"url /\d+: no .* within [\d.e-]+ s(: got \d+ bytes)?, what the \d+ before it had left: "
        r"connect_timeout 1\.5 s is for all 64 together",
    ),
    _animal(
        "a byte at a time",
        zoo.drips(OK),
        HEAD_ONLY,
        SOON,
        False,
        r"no complete (status line|header section) within 0.4 s: got \d+ bytes",
    ),
    _animal(
        "stops in the headers",
        zoo.says_and_holds(OK + b"Server: x\r\n"),
        HEAD_ONLY,
        SOON,
        False,
        "no complete header section within 0.4 s: got 28 bytes",
    ),
    _animal("endless headers", zoo.says_forever(OK, b"A: b\r\n"), HEAD_ONLY, FAR, False, "more than 100 header lines"),
    _animal(
        "endless header",
        zoo.says_forever(OK + b"A: ", b"b" * 512),
        HEAD_ONLY,
        FAR,
        False,
        "headers are longer than 16 KiB",
    ),
    _animal(
        "huge status line",
        zoo.says_forever(b"HTTP/1.1 200 ", b"x" * 64),
        HEAD_ONLY,
        FAR,
        False,
        "status line is longer than 512 bytes",
    ),
    _animal(
        "1xx storm",
        zoo.says_forever(b"", b"HTTP/1.1 102 Wait\r\n\r\n"),
        HEAD_ONLY,
        FAR,
        False,
        r"more than 10 interim \(1xx\) answers",
    ),
    _tells("garbage", bytes(range(256)) * 40, HEAD_ONLY, False, "not an HTTP/1.x answer, it begins with .*"),
    _tells("folded header", OK + b"A: b\r\n c\r\n\r\n", HEAD_ONLY, False, "malformed header line ' c'"),
    _tells("no digits", b"HTTP/1.1 2OO OK\r\n\r\n", HEAD_ONLY, False, "malformed status line 'HTTP/1.1 2OO OK'"),
    _animal(
        "speaks ssh",
        zoo.says_and_holds(b"SSH-2.0-OpenSSH_9.2\r\n"),
        HEAD_ONLY,
        FAR,
        False,
        "not an HTTP/1.x answer, it begins with 'SSH-2.0-'",
    ),
    _animal(
        "reset after accept",
        zoo.reset,
        HEAD_ONLY,
        FAR,
        False,
        "connection (reset|closed) by the server( before a complete status line: got 0 bytes)?",
    ),
    _animal(
        "reset within the head",
        zoo.says_and_resets(OK + b"Server: x"),
        HEAD_ONLY,
        FAR,
        False,
        r"connection reset by the server before a complete (status line|header section): got \d+ bytes",
    ),
    _animal(
        "half close",
        zoo.half_closes,
        HEAD_ONLY,
        FAR,
        False,
        "connection closed before a complete status line: got 0 bytes",
    ),
    _animal(
        "closes at once",
        zoo.closes_at_once,
        HEAD_ONLY,
        FAR,
        False,
        "connection (reset by the server |closed |closed by the server )before a complete status line: got 0 bytes",
    ),
    Animal("never accepts", zoo.NeverAccepts, HEAD_ONLY, SOON, False, "no connection within 0.4 s"),
    Animal("nobody listens", zoo.Refuses, HEAD_ONLY, FAR, False, "connection refused"),
)

BODIES = (
    _tells("the page", SIZED + PAGE, WHOLE, True, "HTTP 200, MD5 of the body as expected"),
    _tells("the page until the end", OK + b"\r\n" + PAGE, WHOLE, True, "HTTP 200, MD5 of the body as expected"),
    _tells(
        "the page in chunks",
        CHUNKED + b"3\r\nwel\r\n5;x=y\r\ncome\n\r\n0\r\nT: x\r\n\r\n",
        WHOLE,
        True,
        "HTTP 200, MD5 of .*",
    ),
    _tells(
        "another page",
        SIZED + b"WELCOME\n",
        WHOLE,
        False,
        f"HTTP 200, MD5 of the body is [0-9a-f]{{32}}, expected {DIGEST}",
    ),
    _tells("cut short", SIZED + PAGE[:5], WHOLE, False, "body cut short: got 5 of 8 bytes"),
    _tells(
        "announces 10^14 bytes",
        OK + b"Content-Length: 100000000000000\r\n\r\nx",
        WHOLE,
        False,
        "body cut short: got 1 of 1.*",
    ),
    _tells("negative length", OK + b"Content-Length: -1\r\n\r\n", WHOLE, False, "malformed Content-Length '-1'"),
    _tells(
        "two lengths",
        OK + b"Content-Length: 8\r\nContent-Length: 9\r\n\r\n" + PAGE,
        WHOLE,
        False,
        "malformed Content-Length '8, 9'",
    ),
    _tells(
        "length and chunks",
        SIZED[:-2] + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        WHOLE,
        False,
        "both Transfer-Encoding and Content-Length: .*",
    ),
    _tells(
        "compressed",
        OK + b"Transfer-Encoding: gzip\r\n\r\nx",
        WHOLE,
        False,
        "transfer coding 'gzip': only chunked is read",
    ),
    _tells("chunk of no size", CHUNKED + b"zz\r\n", WHOLE, False, "malformed chunk size 'zz'"),
    _tells("chunk past its size", CHUNKED + b"3\r\nwelcome\r\n", WHOLE, False, "chunk is longer than its size"),
    _tells(
        "chunks cut short",
        CHUNKED + b"8\r\nwel",
        WHOLE,
        False,
        "body cut short: the connection ended within the chunks",
    ),
    _animal(
        "chunks of a byte", zoo.says_forever(CHUNKED, b"1\r\nx\r\n" * 99), WHOLE, FAR, False, "more than 16384 chunks"
    ),
    _animal(
        "endless chunk line",
        zoo.says_forever(CHUNKED + b"1;", b"x" * 99),
        WHOLE,
        FAR,
        False,
        "chunk size line is longer than .*",
    ),
    _animal(
        "endless trailers",
        zoo.says_forever(CHUNKED + b"0\r\n", b"A: b\r\n"),
        WHOLE,
        FAR,
        False,
        "more than 100 trailer lines",
    ),
    _animal(
        "endless page", zoo.says_forever(OK + b"\r\n", b"x" * 4096), WHOLE, FAR, False, "body is longer than 4 MiB"
    ),
    _animal(
        "a byte of the page at a time",
        zoo.drips(SIZED + b"x"),
        WHOLE,
        SOON,
        False,
        "no complete .* within 0.4 s: got .*",
    ),
    _animal(
        "stops in the page",
        zoo.says_and_holds(SIZED + b"x"),
        WHOLE,
        SOON,
        False,
        "no complete body within 0.4 s: got 39 bytes",
    ),
    _animal(
        "reset within the page",
        zoo.says_and_resets(SIZED + b"x"),
        WHOLE,
        FAR,
        False,
        "connection reset by the server before a complete .*",
    ),
    _tells("has the words", SIZED + PAGE, REGEX, True, "HTTP 200, the body contains 'welcome'"),
    _tells("lacks the words", SIZED + b"goodbye\n", REGEX, False, "HTTP 200, the body does not contain 'welcome'"),
    _animal(
        "endless page, words sought",
        zoo.says_forever(OK + b"\r\n", b"x" * 4096),
        REGEX,
        FAR,
        False,
        "HTTP 200, the body does not .*",
    ),
    _tells(
        "page made to be searched for ever",
        OK + b"\r\n" + b"a" * 5000 + b"b",
        BACKTRACKING,
        False,
        r"HTTP 200, searching the body for '\(a\+\)\+\$' took too long",
    ),
    _tells(
        "second page is wrong",
        SIZED + PAGE,
        HttpCheck(urls=(Url(), Url("/b", regex="bye"))),
        False,
        "url /b: HTTP 200, the body .*",
    ),
)

TALKERS = (
    _animal("answers", zoo.says_and_holds(b"+PONG\r\n"), TALK, FAR, True, "answered with 'PONG'"),
    _animal("says nothing", zoo.hold, TALK, SOON, False, "no answer with 'PONG' within 0.4 s: got 0 bytes"),
    _animal(
        "lies", zoo.says_and_holds(b"-ERR\r\n"), TALK, SOON, False, "no answer with 'PONG' within 0.4 s: got 6 bytes"
    ),
    _animal(
        "babbles",
        zoo.babbles(b"PON " * 99),
        TALK,
        FAR,
        False,
        r"more than 64 KiB before an answer with 'PONG': got \d+ bytes",
    ),
    _animal("asks nothing of TCP", zoo.hold, TcpCheck(), FAR, True, "connection opened"),
)

ANIMALS: t.Tuple[Animal, ...] = (*HEADS, *BODIES, *TALKERS)
