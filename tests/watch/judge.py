# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the samples and the requests mean: pure, so that it can be tested without a lab."""

from __future__ import annotations

import typing as t

from demo.promises import Ledger
from traffic.report import Report
from watch.evidence import Expected
from watch.kernels import Sample

LONGEST_PAUSE = 0.5
"""Seconds between two samples; what happens in a longer one is not seen. Leases run for whole seconds."""

NOBODY = "nobody"


class Spell(t.NamedTuple):
    """A time during which the same machines held an address, from its first sample to the next spell's first."""

    holders: str
    seconds: float


def spells(samples: t.Sequence[Sample], address: str) -> list[Spell]:
    """Who held the address after whom: the story of it."""
    story: list[Spell] = []
    for sample, following in zip(samples, [*samples[1:], samples[-1]]):
        holders = "+".join(sample.holders[address]) or NOBODY
        seconds = following.at - sample.at
        if story and story[-1].holders == holders:
            seconds += story.pop().seconds
        story.append(Spell(holders, seconds))
    return story


def double_holds(samples: t.Sequence[Sample], allowed: Expected) -> list[str]:
    """Stories of the addresses that two machines held, but for a moment of a proper return.

    A return is proper when the expected holder has the address alone right afterwards.
    """
    stories = {}
    for address in _addresses(samples):
        told = spells(samples, address)
        for spell, following in zip(told, [*told[1:], Spell(NOBODY, 0.0)]):
            returned = following.holders == allowed.holder and spell.seconds <= allowed.both
            if "+" in spell.holders and not returned:
                stories[address] = story(samples, address)
    return sorted(set(stories.values()))


def longest_pause(samples: t.Sequence[Sample]) -> float:
    """The longest time in seconds that nobody looked."""
    return max((later.at - earlier.at for earlier, later in zip(samples, samples[1:])), default=float("inf"))


def story(samples: t.Sequence[Sample], address: str) -> str:
    """One line for people: director1 2.1 s, nobody 0.5 s, director2 3.0 s."""
    return ", ".join(f"{spell.holders} {spell.seconds:.2f} s" for spell in spells(samples, address))


def judge(samples: t.Sequence[Sample], report: Report, expected: Expected, ledger: Ledger) -> None:
    """Check everything that must hold of a watch."""
    pause = longest_pause(samples)
    ledger.check(
        f"the kernels were asked at least every {LONGEST_PAUSE} s",
        pause <= LONGEST_PAUSE,
        f"{len(samples)} times, longest pause {pause:.2f} s",
    )
    doubles = double_holds(samples, expected)
    ledger.check(
        "no two directors held an address" + (f", but for {expected.both:g} s at its return" if expected.both else ""),
        not doubles,
        "; ".join(doubles) or "never",
    )
    if expected.meanwhile:
        ledger.check(
            f"{expected.meanwhile} took over",
            any(sample.everything_on(expected.meanwhile) for sample in samples),
            story(samples, _addresses(samples)[0]),
        )
    ledger.check(
        f"in the end {expected.holder} held everything, alone",
        samples[-1].everything_on(expected.holder),
        story(samples, _addresses(samples)[0]),
    )
    gap = report.longest_gap()
    ledger.check(
        f"the client was answered again within {expected.longest_gap:g} s",
        bool(report.answers) and gap <= expected.longest_gap,
        report.summary(),
    )


def _addresses(samples: t.Sequence[Sample]) -> list[str]:
    return sorted(samples[0].holders) if samples else []
