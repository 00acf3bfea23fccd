# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of probes do with a probe: talk to it without a socket."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from mainstay.probes.verdict import Probe, StartTls, Verdict

NOW = 1_000_000_000


def no_search(_pattern: t.Pattern[bytes], _body: bytes) -> bool | None:
    """For checks that search nothing."""
    raise AssertionError("this check has nothing to search")


@dataclass
class Dialogue:
    """What one side said, and how it ended; None: it goes on."""

    sent: list[bytes] = field(default_factory=list)
    verdict: Verdict | None = None
    tls: int = 0

    def take(self, said: bytes | Verdict | StartTls | None) -> None:
        if isinstance(said, Verdict):
            self.verdict = said
        elif isinstance(said, StartTls):
            self.tls += 1
        elif said is not None:
            self.sent.append(said)


def talk(probe: Probe, *heard: bytes) -> Dialogue:
    """Let the probe begin, then hear these in turn until it has a verdict; TLS begins when it says so."""
    dialogue = Dialogue()
    dialogue.take(probe.start(NOW))
    for chunk in heard:
        if dialogue.verdict is not None:
            break
        shaken = dialogue.tls
        dialogue.take(probe.receive(chunk, NOW))
        if dialogue.tls > shaken:
            dialogue.take(probe.start(NOW))
    return dialogue


def verdict_of(probe: Probe, *heard: bytes) -> Verdict:
    """The verdict over these, which have to bring one."""
    verdict = talk(probe, *heard).verdict
    assert verdict is not None, f"no verdict, awaits {probe.awaits()}"
    return verdict


def cut(stream: bytes, places: t.Sequence[int]) -> list[bytes]:
    """The stream in pieces, none of them empty."""
    edges = [0, *sorted(place % (len(stream) + 1) for place in places), len(stream)]
    pieces = [stream[low:high] for low, high in zip(edges, edges[1:])]
    return [piece for piece in pieces if piece]
