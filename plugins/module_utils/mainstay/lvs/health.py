# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From check results to the health of one real server.

A server without a check is "unchecked" and always in the pool. One with a check starts as "waiting" and is in
the pool too, as in keepalived without `alpha`: a restart of the daemon must not empty a working pool. A
passed check makes it "up" at once. A failed one is followed by `retry` further ones, `delay_before_retry`
apart, and only when all of them failed is the server "down". A server that is down is probed every
`delay_loop`, without retries.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace

from ..model.config import RealServer, VirtualServer
from ..model.units import Duration, Instant

UP = "up"
DOWN = "down"
WAITING = "waiting"
UNCHECKED = "unchecked"


class CheckResult(t.Protocol):
    """What one probe said; probes.verdict.Verdict is one."""

    @property
    def ok(self) -> bool:
        """Did the check pass?"""

    @property
    def reason(self) -> str:
        """One sentence."""


@dataclass(frozen=True)
class Health:
    """Where one real server stands."""

    state: str
    """up, down, waiting or unchecked."""
    since: Instant
    """When it came into this state."""
    reason: str
    """Sentence of the latest result, or why there is none."""

    @property
    def in_pool(self) -> bool:
        """Does it take new connections?"""
        return self.state != DOWN


@dataclass(frozen=True)
class CheckPolicy:
    """How patient the check is; durations in nanoseconds."""

    delay_loop: Duration
    retry: int
    """Further probes after a failed one before the server is down."""
    delay_before_retry: Duration


@dataclass(frozen=True)
class CheckHistory:
    """What has to be remembered between two results of one server."""

    policy: CheckPolicy
    health: Health
    failures: int = 0
    """Failed results in a row."""
    checked: t.Optional[Instant] = None
    """When the latest result came; None before the first."""

    @property
    def retrying(self) -> bool:
        """Is the server under suspicion: failed, but not yet out?"""
        return self.failures > 0 and self.health.in_pool

    @property
    def pause(self) -> Duration:
        """Nanoseconds from the latest result to the start of the next probe."""
        return self.policy.delay_before_retry if self.retrying else self.policy.delay_loop


def check_policy(service: VirtualServer, server: RealServer) -> t.Optional[CheckPolicy]:
    """The policy that the configuration asks for; None when the server has no check."""
    check = server.check
    if check is None:
        return None
    return CheckPolicy(service.delay_loop, check.retry, check.delay_before_retry)


def first_history(policy: CheckPolicy, now: Instant) -> CheckHistory:
    """A server that was never checked: waiting, and in the pool."""
    return CheckHistory(policy, Health(WAITING, now, "not checked yet"))


def unchecked(now: Instant) -> Health:
    """The health of a server without a check."""
    return Health(UNCHECKED, now, "no check configured")


def judge(history: CheckHistory, result: CheckResult, now: Instant) -> t.Tuple[CheckHistory, Health]:
    """Take one result in. A server that stays in its state keeps `since` and gets the new reason."""
    failures = 0 if result.ok else history.failures + 1
    state = _state_after(history, result.ok, failures)
    since = history.health.since if state == history.health.state else now
    health = Health(state, since, result.reason)
    return replace(history, health=health, failures=failures, checked=now), health


def _state_after(history: CheckHistory, passed: bool, failures: int) -> str:
    if passed:
        return UP
    return DOWN if failures > history.policy.retry else history.health.state
