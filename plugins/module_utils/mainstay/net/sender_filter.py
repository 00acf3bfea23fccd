# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which senders an IP socket hears, decided inside the kernel by the source address of each packet."""

from __future__ import annotations

import typing as t

from .packet_filter import EVERYTHING, IF_EQUAL, LOAD_WORD, NETWORK_HEADER, RETURN, Instruction, packed

NOBODY = packed([Instruction(RETURN, 0)])
"""The program that lets nothing pass."""

_SOURCE_AT = {4: NETWORK_HEADER + 12, 6: NETWORK_HEADER + 8}
_WORDS = {4: 1, 6: 4}


def only(senders: t.Iterable[int], family: int) -> bytes:
    """The program that passes what these addresses send."""
    return packed([*_comparisons(senders, family, EVERYTHING), Instruction(RETURN, 0)])


def all_but(senders: t.Iterable[int], family: int) -> bytes:
    """The program that passes what anybody else sends."""
    return packed([*_comparisons(senders, family, 0), Instruction(RETURN, EVERYTHING)])


def second_of_two(senders: t.Iterable[int], family: int) -> bytes:
    """The program for packet_filter.share_out: what these send goes to the second socket, all else to the first."""
    return packed([*_comparisons(senders, family, 1), Instruction(RETURN, 0)])


def _comparisons(senders: t.Iterable[int], family: int, answer: int) -> t.Iterator[Instruction]:
    """For each sender its words, the last one first: neighbors differ there. One that differs leads to the next."""
    count = _WORDS[family]
    for sender in senders:
        for word in reversed(range(count)):
            yield Instruction(LOAD_WORD, _SOURCE_AT[family] + 4 * word)
            yield Instruction(IF_EQUAL, sender >> 32 * (count - 1 - word) & 0xFFFFFFFF, when_false=2 * word + 1)
        yield Instruction(RETURN, answer)
