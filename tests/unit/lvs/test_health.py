# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Health of a real server: when a check's results take it out of the pool and back."""

from __future__ import annotations

from mainstay.lvs.health import (
    CheckHistory,
    CheckPolicy,
    Health,
    check_policy,
    first_history,
    judge,
    unchecked,
)
from mainstay.model.config import RealServer, TcpCheck, VirtualServer
from mainstay.model.units import seconds
from mainstay.probes.verdict import Verdict

PASSED = Verdict(True, "connected")
FAILED = Verdict(False, "connection refused")
POLICY = CheckPolicy(delay_loop=seconds(6), retry=2, delay_before_retry=seconds(1))


def after(*results: Verdict, policy: CheckPolicy = POLICY) -> CheckHistory:
    """The history of a server whose n-th result came at n seconds."""
    history = first_history(policy, 0)
    for number, result in enumerate(results, start=1):
        history, _ = judge(history, result, seconds(number))
    return history


def test_a_server_without_a_check_is_always_in_the_pool() -> None:
    service = VirtualServer("web", "192.0.2.10", 80, "TCP")
    assert check_policy(service, RealServer("192.0.2.21", 80)) is None
    assert unchecked(7) == Health("unchecked", 7, "no check configured")
    assert unchecked(7).in_pool


def test_the_policy_is_the_services_period_and_the_checks_patience() -> None:
    service = VirtualServer("web", "192.0.2.10", 80, "TCP", delay_loop=seconds(2))
    check = TcpCheck(retry=4, delay_before_retry=seconds(0.5))
    policy = check_policy(service, RealServer("192.0.2.21", 80, check=check))
    assert policy == CheckPolicy(seconds(2), 4, seconds(0.5))


def test_before_its_first_result_a_server_waits_in_the_pool() -> None:
    history = first_history(POLICY, 5)
    assert history.health == Health("waiting", 5, "not checked yet")
    assert history.health.in_pool
    assert history.checked is None


def test_the_first_passed_check_makes_it_up() -> None:
    assert after(PASSED).health == Health("up", seconds(1), "connected")


def test_failed_checks_leave_it_in_the_pool_until_the_retries_are_used_up() -> None:
    suspected = after(PASSED, FAILED, FAILED)
    assert suspected.health == Health("up", seconds(1), "connection refused")
    assert suspected.retrying
    out = after(PASSED, FAILED, FAILED, FAILED)
    assert out.health == Health("down", seconds(4), "connection refused")
    assert not out.health.in_pool


def test_a_server_that_never_passed_has_the_same_retries() -> None:
    assert after(FAILED, FAILED).health.state == "waiting"
    assert after(FAILED, FAILED, FAILED).health.state == "down"


def test_a_pass_between_failures_starts_the_count_again() -> None:
    assert after(PASSED, FAILED, FAILED, PASSED, FAILED, FAILED).health.state == "up"


def test_without_retries_the_first_failure_takes_it_out() -> None:
    assert after(PASSED, FAILED, policy=CheckPolicy(seconds(6), 0, seconds(1))).health.state == "down"


def test_one_pass_brings_it_back_at_once() -> None:
    assert after(FAILED, FAILED, FAILED, PASSED).health == Health("up", seconds(4), "connected")


def test_staying_down_keeps_the_instant_and_takes_the_new_reason() -> None:
    history = after(FAILED, FAILED, FAILED)
    history, health = judge(history, Verdict(False, "no route to host"), seconds(9))
    assert health == Health("down", seconds(3), "no route to host")
    assert history.checked == seconds(9)


def test_the_next_probe_comes_soon_only_while_the_server_is_under_suspicion() -> None:
    assert after(PASSED).pause == POLICY.delay_loop
    assert after(PASSED, FAILED).pause == POLICY.delay_before_retry
    assert after(PASSED, FAILED, FAILED).pause == POLICY.delay_before_retry
    assert after(PASSED, FAILED, FAILED, FAILED).pause == POLICY.delay_loop, "down: no retries"
    assert after(PASSED, FAILED, FAILED, FAILED, FAILED).pause == POLICY.delay_loop
