# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A bounded run of the codec's fuzzer, and proof that it finds what it looks for. `make fuzz` runs millions."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest

from fuzz.__main__ import main
from fuzz.codec import Finding, fuzz
from mainstay.vrrp import packet, receive
from mainstay.vrrp.packet import Message
from mainstay.vrrp.rejection import RejectReason


@pytest.mark.conformance("RX-22", "CS-07", "PKT-04")
@pytest.mark.conformance_negative("RX-07", "RX-22", "CS-04")
def test_fifty_thousand_mutated_packets_are_understood_or_refused() -> None:
    tally = fuzz(50_000, seed=20_000)
    assert tally.accepted > 5_000, "enough of them get to the last rung"
    unseen = {reason.value for reason in RejectReason} - set(tally.by_reason)
    assert unseen <= {"owner"}, "every rung is reached; owner_ignores is off in all kinds"


def test_a_seed_tells_its_story_again() -> None:
    assert fuzz(2_000, seed=7) == fuzz(2_000, seed=7) != fuzz(2_000, seed=8)


def broken_interval(self: Message) -> int:
    return self.word & 0x0FFE


def unchecked(*_arguments: t.Any) -> None:
    """A rung that is gone."""


def crash(_message: Message) -> None:
    raise IndexError("tuple index out of range")


@pytest.mark.parametrize(
    ("owner", "name", "replacement", "found"),
    [
        (Message, "interval", property(broken_interval), "understood as|becomes"),
        (Message, "check_interval", unchecked, "interval 0"),
        (Message, "check_type", crash, "IndexError.* for 4"),
        (receive, "_check_virtual_router_id", unchecked, "another router's packet"),
        (packet, "with_checksum", lambda message, _added: message[:2] + b"\1" + message[3:], "understood as"),
    ],
    ids=["wrong value", "missing rung", "crash", "wrong router", "encoder"],
)
def test_a_broken_codec_is_found(
    monkeypatch: pytest.MonkeyPatch, owner: t.Any, name: str, replacement: t.Any, found: str
) -> None:
    monkeypatch.setattr(owner, name, replacement)
    with pytest.raises(Finding, match=found):
        fuzz(20_000, seed=1)


def test_the_command_adds_shares_up_and_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["codec", "--count", "300", "--seed", "5", "--processes", "1"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("300 packets: ")
    assert "nothing found; seeds 5 to 5" in said
    assert dataclasses.asdict(fuzz(300, 5))["count"] == 300
