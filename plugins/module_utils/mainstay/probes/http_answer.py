# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The head of an HTTP/1.x answer, read from bytes of a server that may be broken or hostile.

Theory of operation. A check needs the status code and how the body is framed, and must not cost more for a bad
server than for a good one. So the reader takes lines, keeps none but those of the framing, and every quantity
has a ceiling: the status line, the number of header lines, their bytes, the interim answers. What is past a ceiling
or outside the grammar (RFC 9112) is refused at the first byte that proves it.

The result must not depend on how the network cut the bytes. Two rules give that: a ceiling is tested on the
bytes of the current line whether or not its end is here, and in the same order for both; the grammar is
tested on whole lines only, except the first eight bytes ("HTTP/1.x"), which are enough to tell another
protocol.

Nearly every server sends its head in one piece, and nearly every head is good: one expression takes it whole. It
matches only what the lines would have accepted, and leaves everything else to them.
"""

from __future__ import annotations

import re
import typing as t

STATUS_LINE_BYTES = 512
HEADER_LINES = 100
HEADER_BYTES = 16 * 1024
INTERIM_ANSWERS = 10

_PREFIX = b"HTTP/1."
_OPENING_BYTES = len(_PREFIX) + 1
_SHOWN_BYTES = 60
_SWITCHING_PROTOCOLS = 101

# A bare LF ends a line too (RFC 9112 2.2 allows it): small hand-written servers send it.
_TEXT = rb"[\t\x20-\x7e\x80-\xff]*"
_STATUS_LINE = re.compile(rb"HTTP/1\.[0-9] ([1-9][0-9]{2})(?: " + _TEXT + rb")?\r?\n")
_HEADER_LINE = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+:" + _TEXT + rb"\r?\n")
_WHOLE_HEAD = re.compile(
    rb"(HTTP/1\.[0-9] ([2-9][0-9]{2})(?: "
    + _TEXT
    + rb")?\r?\n)((?:[!#$%&'*+.^_`|~0-9A-Za-z-]+:"
    + _TEXT
    + rb"\r?\n){0,100}\r?\n)"
)
_BLANK_LINES = (b"\r\n", b"\n")
_FRAMING_NAMES = (b"content-length:", b"transfer-encoding:")
_FRAMING_LETTERS = (b"C", b"c", b"T", b"t")
_FRAMING_LINE = re.compile(rb"^(?:content-length|transfer-encoding):.*", re.IGNORECASE | re.MULTILINE)


class MalformedAnswer(Exception):
    """The bytes are not an answer we read; the text is the reason in a sentence."""


def shown(raw: bytes) -> str:
    """Bytes of a stranger as harmless text of bounded length."""
    cut = raw.rstrip(b"\r\n")
    return repr(cut[:_SHOWN_BYTES])[1:] + ("..." if len(cut) > _SHOWN_BYTES else "")


class AnswerHead:
    """Collects lines until the status code is known and its headers are whole."""

    def __init__(self) -> None:
        self._pending = bytearray()
        self._begun = False
        self._in_headers = False
        self.code = 0
        """Of the latest status line."""
        self._header_lines = 0
        self._header_bytes = 0
        self._interim_answers = 0
        self.status_line = b""
        """Of the final answer, as it came."""
        self.framing: t.List[bytes] = []
        """Its lines about the length of the body, in small letters, without their ends."""

    def rest(self) -> bytes:
        """What came after the head; asking takes it."""
        rest = bytes(self._pending)
        self._pending.clear()
        return rest

    def awaits(self) -> str:
        """What is still missing."""
        return "complete header section" if self._in_headers else "complete status line"

    def feed(self, received: bytes) -> t.Optional[int]:
        """Take the next bytes; the status code once the head is whole. Raises MalformedAnswer."""
        if not self._begun and self._take_whole(received):
            return self.code
        self._begun = True
        self._pending += received
        while True:
            end = self._pending.find(b"\n")
            self._check_ceilings(end)
            if end < 0:
                return None
            line = bytes(self._pending[: end + 1])
            del self._pending[: end + 1]
            if self._take(line):
                return self.code

    def _take_whole(self, received: bytes) -> bool:
        """A good head in one piece; False: read it by lines."""
        match = _WHOLE_HEAD.match(received)
        if match is None:
            return False
        status_line, code, headers = match.groups()
        if len(status_line) > STATUS_LINE_BYTES or len(headers) > HEADER_BYTES:
            return False
        self.code, self.status_line = int(code), status_line
        self.framing = [line.strip().lower() for line in _FRAMING_LINE.findall(headers)]
        self._pending += received[match.end() :]
        return True

    def _check_ceilings(self, end: int) -> None:
        """Refuse what is too much already; `end` is where the current line ends, or -1."""
        size = len(self._pending) if end < 0 else end + 1
        if self._in_headers:
            if self._header_bytes + size > HEADER_BYTES:
                raise MalformedAnswer(f"headers are longer than {HEADER_BYTES // 1024} KiB")
            return
        if size >= _OPENING_BYTES or end >= 0:
            self._check_opening(bytes(self._pending[:_OPENING_BYTES]))
        if size > STATUS_LINE_BYTES:
            raise MalformedAnswer(f"status line is longer than {STATUS_LINE_BYTES} bytes")

    @staticmethod
    def _check_opening(opening: bytes) -> None:
        if not opening.startswith(_PREFIX):
            first_line = opening.partition(b"\n")[0]
            raise MalformedAnswer(f"not an HTTP/1.x answer, it begins with {shown(first_line)}")

    def _take(self, line: bytes) -> bool:
        """One whole line; True when it completed the head of the final answer."""
        if not self._in_headers:
            self._take_status_line(line)
        elif line in _BLANK_LINES:
            return self._end_of_headers()
        else:
            self._take_header_line(line)
        return False

    def _take_status_line(self, line: bytes) -> None:
        match = _STATUS_LINE.fullmatch(line)
        if match is None:
            raise MalformedAnswer(f"malformed status line {shown(line)}")
        self.code = int(match.group(1))
        self.status_line = line
        self._in_headers = True
        self.framing.clear()
        self._header_lines = self._header_bytes = 0

    def _take_header_line(self, line: bytes) -> None:
        self._header_lines += 1
        self._header_bytes += len(line)
        if self._header_lines > HEADER_LINES:
            raise MalformedAnswer(f"more than {HEADER_LINES} header lines")
        if _HEADER_LINE.fullmatch(line) is None:
            raise MalformedAnswer(f"malformed header line {shown(line)}")
        if line[:1] in _FRAMING_LETTERS and line.lower().startswith(_FRAMING_NAMES):
            self.framing.append(line.strip().lower())

    def _end_of_headers(self) -> bool:
        """A 1xx answer announces another one (RFC 9110 15.2), but 101 ends HTTP on the connection."""
        if self.code >= 200 or self.code == _SWITCHING_PROTOCOLS:
            return True
        self._interim_answers += 1
        if self._interim_answers > INTERIM_ANSWERS:
            raise MalformedAnswer(f"more than {INTERIM_ANSWERS} interim (1xx) answers")
        self._in_headers = False
        return False
