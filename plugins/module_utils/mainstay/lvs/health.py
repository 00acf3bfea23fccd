# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the results of one check to its health.

A check starts as "waiting", and its server is in the pool on trust: a restart of the daemon must not empty a working
pool. With `alpha` it waits outside instead, until its first probe has passed.

    waiting  --passed-------------------------------> up
    waiting  --failed, and retry further ones too---> down
    up       --failed, and retry further ones too---> down
    down     --passed, rise of them in a row--------> up

Between two states (failing, rising) the pause to the next probe is `delay_before_retry`, else `delay_loop`. A check
that is down is probed every `delay_loop` until one passes.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace

from ..model.check_config import Check
from ..model.units import Duration, Instant

UP = "up"
DOWN = "down"
WAITING = "waiting"
UNCHECKED = "unchecked"

NOT_CHECKED_YET = "not checked yet"
ALPHA_WAITS = "not checked yet, and with alpha it stays out until its first check has passed"


class CheckResult(t.Protocol):
    """What one probe said; probes.verdict.Verdict is one."""

    @property
    def ok(self) -> bool:
        """Did the check pass?"""

    @property
    def reason(self) -> str:
        """One sentence."""

    @property
    def weight(self) -> t.Optional[int]:
        """What a dynamic check says of the weight; None: nothing."""

    @property
    def notes(self) -> t.Tuple[str, ...]:
        """What an operator should hear although it passed."""


@dataclass(frozen=True)
class Health:
    """Where one check stands."""

    state: str
    """up, down or waiting."""
    since: Instant
    """When it came into this state."""
    reason: str
    """Sentence of the latest result, or why there is none."""
    weight: t.Optional[int] = None
    """The latest word of a passed misc_dynamic (weight) or FILE_CHECK (added to the weight)."""
    notes: t.Tuple[str, ...] = ()
    trusted: bool = True
    """Of waiting: in the pool all the same; False with alpha."""

    @property
    def in_pool(self) -> bool:
        """Does it let its server take new connections?"""
        return self.state == UP or (self.state == WAITING and self.trusted)


@dataclass(frozen=True)
class CheckPolicy:
    """How patient the check is; durations in nanoseconds."""

    delay_loop: Duration
    retry: int
    """Further probes after a failed one before the check is down."""
    delay_before_retry: Duration
    rise: int = 1
    """Probes in a row that have to pass before a check that is down is up."""
    alpha: bool = False


@dataclass(frozen=True)
class CheckHistory:
    """What has to be remembered between two results of one check."""

    policy: CheckPolicy
    health: Health
    failures: int = 0
    """Failed results in a row."""
    passes: int = 0
    """Passed results in a row; at most `rise`, so that a steady check stays equal to itself."""
    checked: t.Optional[Instant] = None
    """When the latest result came; None before the first."""

    @property
    def between(self) -> bool:
        """Is it on the way from one state to another: failing but not yet down, or rising but not yet up?"""
        return self.passes > 0 if self.health.state == DOWN else self.failures > 0

    @property
    def pause(self) -> Duration:
        """Nanoseconds from the latest result to the start of the next probe."""
        return self.policy.delay_before_retry if self.between else self.policy.delay_loop


def check_policy(check: Check) -> CheckPolicy:
    """The policy of a running check (one that leaves nothing open, see model.lvs_defaults)."""
    return CheckPolicy(
        check.delay_loop or 0, check.retry or 0, check.delay_before_retry or 0, check.rise, bool(check.alpha)
    )


def told_policy(check: Check) -> CheckPolicy:
    """For a check that somebody else runs and has judged: every result counts at once."""
    return replace(check_policy(check), retry=0, rise=1)


def first_history(policy: CheckPolicy, now: Instant) -> CheckHistory:
    """A check that was never made: waiting, in the pool or with alpha outside."""
    reason = ALPHA_WAITS if policy.alpha else NOT_CHECKED_YET
    return CheckHistory(policy, Health(WAITING, now, reason, trusted=not policy.alpha))


def judge(history: CheckHistory, result: CheckResult, now: Instant) -> t.Tuple[CheckHistory, Health]:
    """Take one result in. A check that stays in its state keeps `since` and gets the new reason; where that is the old
    one, too, its health is the same value."""
    old, policy = history.health, history.policy
    failures = 0 if result.ok else min(history.failures, policy.retry) + 1
    passes = min(history.passes + 1, policy.rise) if result.ok else 0
    state = _state_after(history, failures, passes)
    weight, notes = _weight_after(old, result, state), tuple(result.notes)
    health = old
    if (state, result.reason, weight, notes) != (old.state, old.reason, old.weight, old.notes):
        since = old.since if state == old.state else now
        health = Health(state, since, result.reason, weight, notes, old.trusted)
    return CheckHistory(policy, health, failures, passes, now), health


def _state_after(history: CheckHistory, failures: int, passes: int) -> str:
    """One of the two counts is 0."""
    state, policy = history.health.state, history.policy
    if failures:
        return DOWN if failures > policy.retry else state
    return UP if state != DOWN or passes >= policy.rise else DOWN


def _weight_after(old: Health, result: CheckResult, state: str) -> t.Optional[int]:
    """A failed probe says nothing of the weight: while it is retried the last word holds."""
    if state == DOWN:
        return None
    return result.weight if result.ok else old.weight
