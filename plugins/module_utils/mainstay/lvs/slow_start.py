# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server that comes back gets its weight step by step.

From a tenth of its weight (at least 1) to all of it over `slow_start`, evenly, in at most 20 steps: each step is an
edit of the kernel's table. A weight of 1 has no lower step, so such a server is back at once.
"""

from __future__ import annotations

import typing as t

from ..model.units import Duration, Instant

STEPS = 20
_FIRST_SHARE = 10
"""The ramp starts at one such part of the weight."""


def warming_weight(full: int, slow_start: Duration, begun: Instant, now: Instant) -> int:
    """The weight at `now` of a server that came back at `begun`."""
    first, steps = _ramp(full)
    if not steps or now - begun >= slow_start:
        return full
    return first + (full - first) * _step(steps, slow_start, begun, now) // steps


def begun_before(full: int, slow_start: Duration, weight: int, now: Instant) -> t.Optional[Instant]:
    """When a server began that has come to `weight` by `now`; None: it is not on a ramp to `full`.

    As late as it may be: the step that it stands on begins now.
    """
    first, steps = _ramp(full)
    if not slow_start or not steps or not first <= weight < full:
        return None
    step = next(one for one in range(steps, -1, -1) if first + (full - first) * one // steps <= weight)
    return now + -step * slow_start // steps


def next_step(full: int, slow_start: Duration, begun: Instant, now: Instant) -> t.Optional[Instant]:
    """When the weight changes next; None: it has arrived."""
    _first, steps = _ramp(full)
    if not steps or now - begun >= slow_start:
        return None
    step = _step(steps, slow_start, begun, now) + 1
    return begun - (-step * slow_start // steps)


def _ramp(full: int) -> t.Tuple[int, int]:
    """First weight, and number of steps from it to the full one."""
    first = min(full, max(1, full // _FIRST_SHARE))
    return first, min(STEPS, full - first)


def _step(steps: int, slow_start: Duration, begun: Instant, now: Instant) -> int:
    return max(0, now - begun) * steps // slow_start
