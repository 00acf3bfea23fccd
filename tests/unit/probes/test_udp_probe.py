# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""UDP_CHECK: which replies pass, and what silence means."""

from __future__ import annotations

import pytest

from mainstay.model.check_config import UdpCheck
from mainstay.probes.task import UDP
from mainstay.probes.udp import UdpProbe, tasks
from mainstay.probes.verdict import Verdict

from .dialogues import NOW, no_search, verdict_of

ANY_LENGTH = (0, 65535)


def nibbles(pattern: str) -> tuple[int | None, ...]:
    return tuple(None if digit == "x" else int(digit, 16) for digit in pattern)


@pytest.mark.parametrize(("payload", "sent"), [(None, bytes(16)), (b"", b""), (b"\x01\x02", b"\x01\x02")])
def test_the_payload_goes_out_as_configured_or_as_sixteen_zero_bytes(payload: bytes | None, sent: bytes) -> None:
    (task,) = tasks(UdpCheck(payload=payload), "192.0.2.21", 514, no_search)
    assert (task.transport, task.address, task.port) == (UDP, "192.0.2.21", 514)
    assert task.begin().start(NOW) == sent


def test_silence_is_up_unless_a_reply_is_required() -> None:
    (relaxed,) = tasks(UdpCheck(), "192.0.2.21", 514, no_search)
    assert relaxed.silence == Verdict(True, "no ICMP error came")
    (strict,) = tasks(UdpCheck(require_reply=True), "192.0.2.21", 514, no_search)
    assert strict.silence is None


@pytest.mark.parametrize(
    ("pattern", "reply", "passes"),
    [
        ("", b"", True),
        ("", b"anything", True),
        ("a1", b"\xa1", True),
        ("a1", b"\xa1more", True),
        ("a1", b"\xa2", False),
        ("a1", b"", False),
        ("x1", b"\xf1", True),
        ("x1", b"\xf2", False),
        ("a", b"\xaf", True),
        ("a", b"\xbf", False),
        ("a1xx3", b"\xa1\x99\x3f", True),
        ("a1xx3", b"\xa1\x99\x4f", False),
        ("a1xx3", b"\xa1\x99", False),
    ],
)
def test_a_reply_has_to_begin_with_the_pattern(pattern: str, reply: bytes, passes: bool) -> None:
    verdict = verdict_of(UdpProbe(b"", nibbles(pattern), ANY_LENGTH), reply)
    assert verdict.ok is passes, verdict
    assert passes or verdict.reason == f"the reply begins with {reply.hex() or 'nothing'}, expected is {pattern}"


@pytest.mark.parametrize(("size", "passes"), [(3, False), (4, True), (6, True), (7, False)])
def test_a_reply_has_to_have_one_of_the_lengths(size: int, passes: bool) -> None:
    verdict = verdict_of(UdpProbe(b"", (), (4, 6)), bytes(size))
    assert verdict.ok is passes, verdict
    assert passes or verdict.reason == f"a reply of {size} bytes, allowed are 4 to 6"
