# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Replies of an SMTP server (RFC 5321 4.2), read from bytes that may be broken or hostile.

As with HTTP the result must not depend on how the network cut the bytes: the ceiling of a line is tested on what is
there of it, the grammar on whole lines only.
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

LINE_BYTES = 1000
"""With its line end; RFC 5321 4.5.3.1.5 says 512, servers with long texts exist."""

REPLY_LINES = 100

_LINE = re.compile(rb"([2-5][0-9]{2})(?:([ -])([\t\x20-\x7e\x80-\xff]*))?\r?\n")
_SHOWN_BYTES = 60


class MalformedReply(Exception):
    """The bytes are no SMTP reply; the text is the reason in a sentence."""


@dataclass(frozen=True)
class Reply:
    """One reply, all its lines."""

    code: int
    texts: t.Tuple[str, ...]

    def __str__(self) -> str:
        """As a person would quote it: "421 too busy"."""
        return f"{self.code} {self.texts[0][:_SHOWN_BYTES]}".strip()

    def offers(self, keyword: str) -> bool:
        """Does a reply to EHLO name this extension (in capitals)?"""
        return any(text.upper().split()[:1] == [keyword] for text in self.texts[1:])


class ReplyReader:
    """Collects lines to replies."""

    def __init__(self) -> None:
        self._pending = bytearray()
        self._code = 0
        self._texts: t.List[str] = []

    def feed(self, received: bytes) -> None:
        """The next bytes of the stream."""
        self._pending += received

    def rest(self) -> int:
        """Bytes beyond the replies that were taken."""
        return len(self._pending)

    def next_reply(self) -> t.Optional[Reply]:
        """The next whole reply, or None until more has come. Raises MalformedReply."""
        while True:
            end = self._pending.find(b"\n")
            size = len(self._pending) if end < 0 else end + 1
            if size > LINE_BYTES:
                raise MalformedReply(f"a line is longer than {LINE_BYTES} bytes")
            if end < 0:
                return None
            line = bytes(self._pending[:size])
            del self._pending[:size]
            if self._take(line):
                return self._whole()

    def _take(self, line: bytes) -> bool:
        """One line; True when it is the last of its reply."""
        match = _LINE.fullmatch(line)
        if match is None:
            raise MalformedReply(f"not an SMTP reply: {shown(line)}")
        code, separator, text = int(match.group(1)), match.group(2), match.group(3) or b""
        if self._texts and code != self._code:
            raise MalformedReply(f"a reply began with {self._code} and went on with {code}")
        self._code = code
        self._texts.append(text.decode("ascii", "backslashreplace"))
        if len(self._texts) > REPLY_LINES:
            raise MalformedReply(f"more than {REPLY_LINES} lines in a reply")
        return separator != b"-"

    def _whole(self) -> Reply:
        reply = Reply(self._code, tuple(self._texts))
        self._texts = []
        return reply


def shown(raw: bytes) -> str:
    """Bytes of a stranger as harmless text of bounded length."""
    cut = raw.rstrip(b"\r\n")
    return repr(cut[:_SHOWN_BYTES])[1:] + ("..." if len(cut) > _SHOWN_BYTES else "")
