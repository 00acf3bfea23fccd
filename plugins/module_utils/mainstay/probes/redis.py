# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A check of a Redis server (or Valkey, KeyDB ...): PING.

A server that wants a password first has answered, so it is up. One that loads its data, lost its master or has no
room for another client says so and is down.
"""

from __future__ import annotations

import typing as t

from ..model.check_config import GreetingCheck
from .greeting import greeting_tasks, plain
from .task import ProbeTask, Search
from .verdict import Verdict

LINE_BYTES = 512

PING = b"*1\r\n$4\r\nPING\r\n"

_ANSWERING = (b"NOAUTH", b"NOPERM")


def judge(received: bytes) -> t.Optional[Verdict]:
    """One line of the protocol (RESP): a simple string or an error."""
    if received[:1] not in (b"+", b"-"):
        return Verdict(False, f"not a Redis answer: {plain(received[:1])}")
    end = received.find(b"\n")
    if (len(received) if end < 0 else end + 1) > LINE_BYTES:
        return Verdict(False, f"the answer is longer than {LINE_BYTES} bytes")
    return None if end < 0 else _judge_line(received[:end].rstrip(b"\r"))


def _judge_line(line: bytes) -> Verdict:
    details = (("answer", plain(line)),)
    if line == b"+PONG":
        return Verdict(True, "PONG", details=details)
    word = line[1:].split(b" ", 1)[0]
    if line.startswith(b"-") and word in _ANSWERING:
        return Verdict(True, f"answers {word.decode('ascii')}", details=details)
    return Verdict(False, f"{plain(line[1:])}, expected is PONG", details=details)


def tasks(check: GreetingCheck, address: str, port: int, _search: Search) -> t.Tuple[ProbeTask, ...]:
    """The one task of a Redis check."""
    return greeting_tasks(check, address, port, PING, judge, "reply to PING")
