# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SMTP_CHECK: greeting, EHLO, STARTTLS when asked for, QUIT.

Each step awaits one code. A server that does not know EHLO is asked with HELO, as every mail client does, unless
STARTTLS is wanted: that only EHLO can offer.
"""

from __future__ import annotations

import functools
import re
import typing as t

from ..model.check_config import SmtpCheck
from ..model.units import Instant
from .server_name import server_name
from .smtp_reply import MalformedReply, Reply, ReplyReader
from .task import TCP, ProbeTask, Search, source_of, target_of
from .verdict import Said, StartTls, Verdict

GREETING = "greeting"
EHLO, HELO, STARTTLS, QUIT = "reply to EHLO", "reply to HELO", "reply to STARTTLS", "reply to QUIT"

_EXPECTED = {GREETING: 220, EHLO: 250, HELO: 250, STARTTLS: 220, QUIT: 221}
_NAMELESS = "localhost"
"""For who builds the task of a check without a name."""

_NAME = re.compile(r"[!-~]{1,255}")


def checked_name(helo_name: str) -> str:
    """The name when it can stand in a command; raises ValueError for what would split or bend it."""
    if _NAME.fullmatch(helo_name) is None:
        raise ValueError(f"helo_name {helo_name!r}: allowed are 1 to 255 visible ASCII characters without spaces")
    return helo_name


class SmtpProbe:
    """One conversation; `helo_name` is what checked_name() let through."""

    def __init__(self, helo_name: str, starttls: bool) -> None:
        self._helo_name = helo_name
        self._starttls = starttls
        self._in_tls = False
        self._awaited = GREETING
        self._replies = ReplyReader()
        self._greeting = ""
        self._verdict: t.Optional[Verdict] = None

    def start(self, _now: Instant) -> Said:
        """The server speaks first; inside TLS we do."""
        return self._say(EHLO) if self._in_tls else None

    def receive(self, received: bytes, _now: Instant) -> Said:
        """Commands for the replies that are whole, or the verdict."""
        if self._verdict is None:
            said = self._hear(received)
            if not isinstance(said, Verdict):
                return said
            self._verdict = said
        return self._verdict

    def awaits(self) -> str:
        """The reply that is due."""
        return self._awaited

    def _hear(self, received: bytes) -> Said:
        if not received:
            return Verdict(False, f"connection closed before a {self._awaited}")
        self._replies.feed(received)
        commands = b""
        try:
            while True:
                reply = self._replies.next_reply()
                if reply is None:
                    return commands or None
                said = self._answer(reply)
                if not isinstance(said, bytes):
                    return said
                commands += said
        except MalformedReply as malformed:
            return Verdict(False, f"{malformed} (awaited: {self._awaited})")

    def _answer(self, reply: Reply) -> t.Union[bytes, Verdict, StartTls]:
        expected = _EXPECTED[self._awaited]
        if reply.code != expected:
            return self._unexpected(reply, expected)
        if self._awaited == GREETING:
            self._greeting = str(reply)
            return self._say(EHLO)
        if self._awaited == STARTTLS:
            return self._begin_tls()
        if self._awaited == QUIT:
            return Verdict(True, f"SMTP {self._greeting}", details=(("greeting", self._greeting),))
        if self._starttls and not self._in_tls:
            return self._ask_for_tls(reply)
        return self._say(QUIT)

    def _unexpected(self, reply: Reply, expected: int) -> t.Union[bytes, Verdict]:
        if self._awaited == EHLO and reply.code >= 500 and not self._starttls:
            return self._say(HELO)
        return Verdict(False, f"{self._awaited}: {reply}, expected is {expected}")

    def _ask_for_tls(self, reply: Reply) -> t.Union[bytes, Verdict]:
        if not reply.offers("STARTTLS"):
            return Verdict(False, "the server does not offer STARTTLS")
        return self._say(STARTTLS)

    def _begin_tls(self) -> t.Union[StartTls, Verdict]:
        """What came in plain text behind the word to begin TLS could be anybody's: it must not count inside."""
        if self._replies.rest():
            return Verdict(False, f"{self._replies.rest()} bytes in plain text after the reply to STARTTLS")
        self._in_tls = True
        return StartTls()

    def _say(self, awaited: str) -> bytes:
        self._awaited = awaited
        verb = awaited.rpartition(" ")[2]
        words = f"{verb} {self._helo_name}" if awaited in (EHLO, HELO) else verb
        return words.encode("ascii") + b"\r\n"


def tasks(check: SmtpCheck, address: str, port: int, _search: Search) -> t.Tuple[ProbeTask, ...]:
    """One task per host. Raises ValueError for a helo_name that cannot stand in a command."""
    begin = functools.partial(SmtpProbe, checked_name(check.helo_name or _NAMELESS), check.starttls)
    targets = check.hosts or (target_of(check, address, port),)
    return tuple(
        ProbeTask(
            TCP,
            *target,
            begin,
            source_of(check),
            tls=check.tls if check.starttls else None,
            server_name=server_name(check.tls, None, target[0]) if check.starttls else None,
            subject=f"host {target[0]} port {target[1]}",
        )
        for target in targets
    )
