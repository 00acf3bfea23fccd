# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What tracked objects do to a router's priority, with keepalived's arithmetic.

    weight     reverse   the object is up      the object is down
    positive   no        adds the weight       nothing
    positive   yes       subtracts it          nothing
    negative   no        nothing               subtracts its amount
    negative   yes       nothing               adds its amount
    0          no        nothing               FAULT
    0          yes       FAULT                 nothing

A file's number is multiplied by the weight (with reverse by its negative). A product of -254 or less is FAULT, one
above 253 counts as 253. With weight 0 any number but 0 is FAULT, with reverse 0 is.

An object whose first result is not there yet counts as down if it has a weight, and is FAULT if it has none: an
instance must not become master on the strength of a check that was never made.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ..model.units import Instant
from .events import Influence
from .timers import HIGHEST_PRIORITY, OWNER_PRIORITY

FILE = "file"
"""The kind whose result is a number; that of all others (interface, script, process, bfd) is up or down."""

_FILE_FAULT = -254
_FILE_MOST = 253


@dataclass(frozen=True)
class Tracked:
    """One tracked object as an instance sees it: of its own, or of its sync group, which counts for each member."""

    kind: str
    """interface, script, file, process or bfd."""
    name: str
    weight: int
    reverse: bool
    result: t.Union[bool, int, None]
    """Up or down; a file's number; None: not known yet."""
    detail: str = ""
    """Why it is down, for people: "exit status 1"; why a file without a number counts as 0."""
    since: Instant = 0
    """When the result became what it is."""


@dataclass(frozen=True)
class Assessment:
    """What all tracked objects together ask of the router: PriorityChanged and FaultsChanged."""

    effective_priority: int
    faults: t.Tuple[str, ...]
    why: t.Tuple[Influence, ...]
    """Who moves the priority; in FAULT too, and for an owner nobody."""
    waits: bool = False
    """All `faults` are first results that are not there yet: no failure."""


def assess(base_priority: int, trackers: t.Sequence[Tracked]) -> Assessment:
    """The priority and the faults that follow from `trackers`. Owners keep 255 (OWN-02), others 1..254 (FSM-25)."""
    found = [(each, fault) for each in trackers for fault in (_fault(each),) if fault]
    faults, waits = tuple(fault for _each, fault in found), all(each.result is None for each, _fault in found)
    if base_priority == OWNER_PRIORITY:
        return Assessment(OWNER_PRIORITY, faults, (), waits)
    why = tuple(Influence(each.name, change, each.since) for each in trackers for change in (_change(each),) if change)
    moved = base_priority + sum(influence.change for influence in why)
    return Assessment(min(max(moved, 1), HIGHEST_PRIORITY), faults, why, waits)


def _change(tracked: Tracked) -> int:
    """What one object adds to the priority."""
    if tracked.kind == FILE:
        product = _product(tracked)
        return min(product, _FILE_MOST) if product > _FILE_FAULT else 0
    up = bool(tracked.result)
    counts = tracked.weight > 0 if up else tracked.weight < 0
    return _directed(tracked) if counts else 0


def _fault(tracked: Tracked) -> str:
    """Why this object alone is a FAULT; "" when it is none."""
    if tracked.kind == FILE and tracked.weight and _product(tracked) <= _FILE_FAULT:
        return f"file {tracked.name} holds {tracked.result}, which is {_product(tracked)} with weight {tracked.weight}"
    if tracked.weight:
        return ""
    if tracked.result is None:
        return f"{tracked.kind} {tracked.name} waits for its first result"
    return _fault_without_weight(tracked)


def _fault_without_weight(tracked: Tracked) -> str:
    if tracked.kind == FILE:
        bad = bool(tracked.result) is not tracked.reverse
        held = f"{tracked.detail}, which counts as 0" if tracked.detail else f"holds {tracked.result}"
        return f"file {tracked.name} {held}" if bad else ""
    if bool(tracked.result) is not tracked.reverse:
        return ""
    state = "up, which counts as down (reverse)" if tracked.result else "down"
    return f"{tracked.kind} {tracked.name} is {state}" + (f": {tracked.detail}" if tracked.detail else "")


def _product(tracked: Tracked) -> int:
    return int(tracked.result or 0) * _directed(tracked)


def _directed(tracked: Tracked) -> int:
    return -tracked.weight if tracked.reverse else tracked.weight
