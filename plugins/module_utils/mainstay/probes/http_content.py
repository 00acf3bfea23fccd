# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a page has to contain: a digest of all of it, a pattern in a part of it. Never holds more than that part."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

from .http_answer import MalformedAnswer
from .task import Search

if t.TYPE_CHECKING:
    import hashlib

BODY_BYTES = 4 * 1024 * 1024
"""A longer page is refused."""
SEARCHED_BYTES = 256 * 1024
"""A pattern is looked for in so many bytes at most."""

_ALGORITHMS = {32: ("md5", "MD5"), 64: ("sha256", "SHA-256")}


@dataclass(frozen=True)
class Pattern:
    """A regular expression and where it counts."""

    expression: t.Pattern[bytes]
    search: Search
    text: str
    """As configured, for sentences."""
    no_match: bool = False
    first: int = 0
    last: t.Optional[int] = None
    """Bytes of the body from `first` to before `last` are searched."""

    @property
    def room(self) -> int:
        """Bytes of the body up to the last that is searched."""
        most = self.first + SEARCHED_BYTES
        return most if self.last is None else min(self.last, most)


@dataclass(frozen=True)
class Wanted:
    """What a page is judged by besides its status code."""

    digest: t.Optional[str] = None
    """Hex, 32 digits for MD5 or 64 for SHA-256; in any case of letters."""
    pattern: t.Optional[Pattern] = None
    report: bool = False
    """Take every digest, for somebody who looks."""

    @property
    def reads_body(self) -> bool:
        """Is the status code not all?"""
        return self.digest is not None or self.pattern is not None or self.report


class Content:
    """Takes one body in pieces and judges it."""

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted
        self._pattern = wanted.pattern
        self._searched = bytearray()
        self.length = 0
        names = [name for name, _title in _ALGORITHMS.values()] if wanted.report else []
        if wanted.digest is not None and not names:
            names = [_ALGORITHMS[len(wanted.digest)][0]]
        self._digests = {name: _new_digest(name) for name in names}

    def take(self, part: bytes) -> bool:
        """The next bytes; True when no further one can change the judgement. Raises MalformedAnswer."""
        room = BODY_BYTES - self.length
        if self._pattern is not None:
            self._keep(part, self._pattern)
        self.length += len(part)
        for digest in self._digests.values():
            digest.update(part)
        if self._digests:
            if len(part) > room:
                raise MalformedAnswer(f"body is longer than {BODY_BYTES >> 20} MiB")
            return False
        return self._pattern is None or self.length >= self._pattern.room

    def _keep(self, part: bytes, pattern: Pattern) -> None:
        begin = max(0, pattern.first - self.length)
        end = max(begin, pattern.room - self.length)
        self._searched += part[begin:end]

    def judge(self) -> t.Tuple[bool, str]:
        """After the last byte: did it pass, and what to say of it; "" when nothing was asked."""
        digest = self._judge_digest()
        if digest is not None and not digest[0]:
            return digest
        pattern = self._judge_pattern()
        return pattern or digest or (True, "")

    def _judge_digest(self) -> t.Optional[t.Tuple[bool, str]]:
        if self._wanted.digest is None:
            return None
        name, title = _ALGORITHMS[len(self._wanted.digest)]
        seen = self._digests[name].hexdigest()
        if seen == self._wanted.digest.lower():
            return True, f"{title} of the body as expected"
        return False, f"{title} of the body is {seen}, expected {self._wanted.digest.lower()}"

    def _judge_pattern(self) -> t.Optional[t.Tuple[bool, str]]:
        pattern = self._pattern
        if pattern is None:
            return None
        found = pattern.search(pattern.expression, bytes(self._searched))
        if found is None:
            return False, f"searching the body for {pattern.text!r} took too long"
        said = "contains" if found else "does not contain"
        return found is not pattern.no_match, f"the body {said} {pattern.text!r}"

    def details(self) -> t.Tuple[t.Tuple[str, str], ...]:
        """Length and digests, for somebody who looks."""
        digests = tuple((f"digest_{name}", digest.hexdigest()) for name, digest in self._digests.items())
        return (("body_bytes", str(self.length)), *digests)


def _new_digest(name: str) -> hashlib._Hash:
    # Loaded by who needs it: most checks do not, and it brings OpenSSL along.
    import hashlib

    return hashlib.new(name, usedforsecurity=False)


def check_digest(digest: t.Optional[str]) -> None:
    """Raises ValueError unless it is one of those we compute."""
    if digest is not None and (len(digest) not in _ALGORITHMS or not re.fullmatch("[0-9A-Fa-f]+", digest)):
        raise ValueError(f"digest {digest!r}: MD5 is 32 hexadecimal digits, SHA-256 is 64")
