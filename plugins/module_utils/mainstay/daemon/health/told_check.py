# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A check that somebody else carries out: the supervisor runs programs and reads files, the vrrp worker speaks BFD.

Their results come as a mapping of names. A program belongs to one check of one server and
comes judged; a file ("file:NAME") and a BFD session ("bfd:NAME") may be what many servers follow.
"""

from __future__ import annotations

import typing as t

from ...lvs.file_weight import file_weight
from ...lvs.health import CheckHistory, judge
from ...lvs.keys import ServerId
from ...model.check_config import Check, FileCheck
from ...model.units import Instant
from ...probes.verdict import Verdict

Result = t.Mapping[str, t.Any]
"""JSON-able: up and weight of a program, value of a file, up of a BFD session; why of all, empty of a number."""


class ToldCheck:
    """One check of one server, as far as it was told."""

    __slots__ = ("check", "follower", "hindrance", "history", "key")

    def __init__(self, key: str, follower: ServerId, check: Check, history: CheckHistory) -> None:
        self.key = key
        """The name of its results."""
        self.follower = follower
        self.check = check
        self.history = history
        self.hindrance = ""
        """Why there is no result; empty when there is one, or none was expected yet."""

    def take(self, result: t.Optional[Result], now: Instant) -> t.Optional[CheckHistory]:
        """The latest result; None when there is none (any more): the state stays. The history before, or None."""
        if result is None:
            return None
        verdict = _verdict(self.check, result)
        self.hindrance = "" if verdict is not None else str(result["why"])
        if verdict is None:
            return None
        before = self.history
        self.history = judge(before, verdict, now)[0]
        return before


def _verdict(check: Check, result: Result) -> t.Optional[Verdict]:
    """None: nobody knows."""
    if not isinstance(check, FileCheck):
        return Verdict(bool(result["up"]), str(result["why"]), result.get("weight"))
    if result["value"] is None:
        return None
    return _file_verdict(check, int(result["value"]), str(result["why"]))


def _file_verdict(check: FileCheck, value: int, why: str) -> Verdict:
    """The check is one that runs: what it leaves open itself, weight and reverse, is its track_file's."""
    held = f"{why}, which counts as 0" if why else f"holds {value}"
    told = file_weight(value, 1 if check.weight is None else check.weight, bool(check.reverse))
    return Verdict(told.up, f"track_file {check.track_file} {held}{told.why}", told.added)
