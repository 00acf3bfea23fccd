# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A check of a PostgreSQL server (or a pooler before it), as pg_isready does it: begin a session, go no further.

A server that asks for a password, or refuses the role, the database or the lack of TLS, takes connections and is up.
One that starts, stops or recovers from a crash says so (SQLSTATE class 57P) and is down.
"""

from __future__ import annotations

import struct
import typing as t

from ..model.check_config import GreetingCheck
from .greeting import greeting_tasks, plain
from .task import ProbeTask, Search
from .verdict import Verdict

_PROTOCOL_3 = 196608
_SETTINGS = ("user", "mainstay", "database", "postgres", "application_name", "mainstay")
_ANSWERS = b"RvE"
_HEADER_BYTES = 5
_LENGTHS = range(6, 8 * 1024 + 1)
_STATE, _MESSAGE = b"C", b"M"
_DOWN = "57P"


def _startup() -> bytes:
    """StartupMessage: length with itself, version, pairs of strings, an end."""
    words = b"".join(word.encode("ascii") + b"\0" for word in _SETTINGS) + b"\0"
    return struct.pack("!II", 8 + len(words), _PROTOCOL_3) + words


STARTUP = _startup()


def judge(received: bytes) -> t.Optional[Verdict]:
    """The head of an authentication request is enough; an ErrorResponse is read to its end."""
    if received[0] not in _ANSWERS:
        return Verdict(False, f"not a PostgreSQL answer, it begins with {plain(received[:1])}")
    if len(received) < _HEADER_BYTES:
        return None
    length = int.from_bytes(received[1:_HEADER_BYTES], "big")
    if length not in _LENGTHS:
        return Verdict(False, f"not a PostgreSQL answer: a length of {length}")
    if received[:1] != b"E":
        return Verdict(True, "PostgreSQL begins a session")
    if len(received) < 1 + length:
        return None
    return _judge_error(received[_HEADER_BYTES : 1 + length])


def _judge_error(content: bytes) -> Verdict:
    """Fields of a letter and a string each."""
    fields = {field[:1]: field[1:] for field in content.split(b"\0") if field}
    state, message = plain(fields.get(_STATE, b"")), plain(fields.get(_MESSAGE, b""))
    if len(state) != 5:
        return Verdict(False, "not a PostgreSQL answer: an error without SQLSTATE")
    details = (("sqlstate", state),)
    if state.startswith(_DOWN):
        return Verdict(False, f"{message} (SQLSTATE {state})", details=details)
    return Verdict(True, f"PostgreSQL answers: {message} (SQLSTATE {state})", details=details)


def tasks(check: GreetingCheck, address: str, port: int, _search: Search) -> t.Tuple[ProbeTask, ...]:
    """The one task of a PostgreSQL check."""
    return greeting_tasks(check, address, port, STARTUP, judge, "reply to the beginning of a session")
