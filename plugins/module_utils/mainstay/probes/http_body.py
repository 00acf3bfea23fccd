# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the body of an HTTP/1.x answer ends: chunks, a length, or the end of the connection (RFC 9112 6 and 7).

Theory of operation. The bytes of the body go to a sink as they come and are never held here. The sink says when it
has enough; what follows is not looked at, so that the verdict does not depend on how the network cut the bytes. The
reading is strict: what another reader could take for something else is refused, not guessed.
"""

from __future__ import annotations

import re
import typing as t

from .http_answer import HEADER_LINES, MalformedAnswer, shown

CHUNKS = 16 * 1024
"""A body of many more is made to cost time: a byte for each chunk."""
CHUNK_LINE_BYTES = 256
TRAILER_LINE_BYTES = 1024

Sink = t.Callable[[bytes], bool]
"""Takes bytes of the body; True: enough, nothing else matters."""

_NO_BODY = (204, 304)
_CHUNK_LINE = re.compile(rb"([0-9A-Fa-f]{1,8})[\t ]*(?:;[\t\x20-\x7e\x80-\xff]*)?\r\n")
_TRAILER_LINE = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t\x20-\x7e\x80-\xff]*\r\n")
_LENGTH = re.compile(rb"[0-9]{1,15}")


class Body(t.Protocol):
    """One way of framing."""

    def feed(self, received: bytes) -> bool:
        """Take the next bytes; True when the body is over or the sink has enough. Raises MalformedAnswer."""

    def end(self) -> None:
        """The connection ended. Raises MalformedAnswer when the body had not."""


def body_of(code: int, method: str, status_line: bytes, framing: t.Sequence[bytes], sink: Sink) -> Body:
    """The framing that the head announces. Raises MalformedAnswer for contradictions."""
    if method == "HEAD" or code in _NO_BODY:
        return SizedBody(0, sink)
    values = [line.partition(b":")[::2] for line in framing]
    lengths = [value.strip() for name, value in values if name == b"content-length"]
    codings = [value.strip() for name, value in values if name == b"transfer-encoding"]
    if codings:
        _check_codings(codings, lengths, status_line)
        return ChunkedBody(sink)
    return SizedBody(_length(lengths), sink) if lengths else OpenBody(sink)


def _check_codings(codings: t.Sequence[bytes], lengths: t.Sequence[bytes], status_line: bytes) -> None:
    if codings != [b"chunked"]:
        raise MalformedAnswer(f"transfer coding {shown(b', '.join(codings))}: only chunked is read")
    if lengths:
        raise MalformedAnswer("both Transfer-Encoding and Content-Length: nobody knows where the body ends")
    if status_line.startswith(b"HTTP/1.0"):
        raise MalformedAnswer("Transfer-Encoding in an HTTP/1.0 answer")


def _length(lengths: t.Sequence[bytes]) -> int:
    """Equal repetitions count as one (RFC 9110 8.6)."""
    told = {part.strip() for length in lengths for part in length.split(b",")}
    text = told.pop()
    if told or not _LENGTH.fullmatch(text):
        raise MalformedAnswer(f"malformed Content-Length {shown(b', '.join(lengths))}")
    return int(text)


class OpenBody:
    """Ends with the connection."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink

    def feed(self, received: bytes) -> bool:
        """Everything is body."""
        return bool(received) and self._sink(received)

    def end(self) -> None:
        """As announced."""


class SizedBody:
    """Content-Length."""

    def __init__(self, length: int, sink: Sink) -> None:
        self._length = length
        self._left = length
        self._sink = sink

    def feed(self, received: bytes) -> bool:
        """What is past the length is not looked at."""
        part = received[: self._left]
        self._left -= len(part)
        return bool(part) and self._sink(part) or not self._left

    def end(self) -> None:
        """Too early, or feed() had said that it was over."""
        if self._left:
            raise MalformedAnswer(f"body cut short: got {self._length - self._left} of {self._length} bytes")


class ChunkedBody:
    """Transfer-Encoding: chunked."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._pending = bytearray()
        self._left = 0
        """Of the present chunk, its CRLF not counted."""
        # Functions and not methods: a method would hold this object, and be garbage for the collector with it.
        self._step: t.Callable[[ChunkedBody], t.Optional[bool]] = ChunkedBody._size_line
        self._chunks = 0
        self._trailers = 0

    def feed(self, received: bytes) -> bool:
        """One step after the other, until one lacks bytes (None), ends the body (True) or has none to do."""
        self._pending += received
        over: t.Optional[bool] = False
        while over is False:
            over = self._step(self)
        return bool(over)

    def end(self) -> None:
        """Too early: feed() tells when it is over."""
        raise MalformedAnswer("body cut short: the connection ended within the chunks")

    def _size_line(self) -> t.Optional[bool]:
        line = self._line(CHUNK_LINE_BYTES, "chunk size")
        if line is None:
            return None
        match = _CHUNK_LINE.fullmatch(line)
        if match is None:
            raise MalformedAnswer(f"malformed chunk size {shown(line)}")
        self._chunks += 1
        if self._chunks > CHUNKS:
            raise MalformedAnswer(f"more than {CHUNKS} chunks")
        self._left = int(match.group(1), 16)
        self._step = ChunkedBody._content if self._left else ChunkedBody._trailer_line
        return False

    def _content(self) -> t.Optional[bool]:
        part = bytes(self._pending[: self._left])
        if not part:
            return None
        del self._pending[: len(part)]
        self._left -= len(part)
        if not self._left:
            self._step = ChunkedBody._content_end
        return self._sink(part)

    def _content_end(self) -> t.Optional[bool]:
        ending = bytes(self._pending[:2])
        if not b"\r\n".startswith(ending):
            raise MalformedAnswer("chunk is longer than its size")
        if len(ending) < 2:
            return None
        del self._pending[:2]
        self._step = ChunkedBody._size_line
        return False

    def _trailer_line(self) -> t.Optional[bool]:
        line = self._line(TRAILER_LINE_BYTES, "trailer")
        if line is None:
            return None
        if line == b"\r\n":
            return True
        self._trailers += 1
        if self._trailers > HEADER_LINES:
            raise MalformedAnswer(f"more than {HEADER_LINES} trailer lines")
        if _TRAILER_LINE.fullmatch(line) is None:
            raise MalformedAnswer(f"malformed trailer line {shown(line)}")
        return False

    def _line(self, ceiling: int, what: str) -> t.Optional[bytes]:
        end = self._pending.find(b"\n", 0, ceiling)
        if end < 0:
            if len(self._pending) >= ceiling:
                raise MalformedAnswer(f"{what} line is longer than {ceiling} bytes")
            return None
        line = bytes(self._pending[: end + 1])
        del self._pending[: end + 1]
        return line
