# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Health of a check: when its results make it up or down, and how soon the next probe comes."""

from __future__ import annotations

import typing as t
from collections.abc import Callable

import pytest
from hypothesis import given, strategies as st

from mainstay.lvs import health
from mainstay.lvs.health import CheckHistory, CheckPolicy, Health, check_policy, first_history, judge, told_policy
from mainstay.model.check_config import TcpCheck
from mainstay.model.units import seconds
from mainstay.probes.verdict import Verdict

PASSED = Verdict(True, "connected")
FAILED = Verdict(False, "connection refused")
POLICY = CheckPolicy(delay_loop=seconds(6), retry=2, delay_before_retry=seconds(1))


def after(*results: Verdict, policy: CheckPolicy = POLICY) -> CheckHistory:
    """The history of a check whose n-th result came at n seconds."""
    history = first_history(policy, 0)
    for number, result in enumerate(results, start=1):
        history, _ = judge(history, result, seconds(number))
    return history


def test_the_policy_is_the_checks_patience() -> None:
    check = TcpCheck(retry=4, delay_before_retry=seconds(0.5), delay_loop=seconds(2), rise=3, alpha=True)
    assert check_policy(check) == CheckPolicy(seconds(2), 4, seconds(0.5), rise=3, alpha=True)


def test_what_somebody_else_has_judged_counts_at_once() -> None:
    check = TcpCheck(retry=4, delay_before_retry=seconds(0.5), delay_loop=seconds(2), rise=3, alpha=True)
    policy = told_policy(check)
    assert after(PASSED, FAILED, policy=policy).health.state == "down"
    assert after(PASSED, FAILED, PASSED, policy=policy).health.state == "up"
    assert not after(policy=policy).health.in_pool, "alpha still holds"


def test_before_its_first_result_a_check_waits_and_lets_its_server_in() -> None:
    history = first_history(POLICY, 5)
    assert history.health == Health("waiting", 5, "not checked yet")
    assert history.health.in_pool
    assert history.checked is None


def test_with_alpha_it_waits_outside_until_the_first_probe_has_passed() -> None:
    policy = CheckPolicy(seconds(6), 1, seconds(1), rise=3, alpha=True)
    assert not after(policy=policy).health.in_pool
    assert not after(FAILED, policy=policy).health.in_pool
    assert "alpha" in after(policy=policy).health.reason
    assert after(PASSED, policy=policy).health == Health("up", seconds(1), "connected", trusted=False)
    assert after(PASSED, policy=policy).health.in_pool


def test_failed_probes_leave_it_in_the_pool_until_the_retries_are_used_up() -> None:
    suspected = after(PASSED, FAILED, FAILED)
    assert suspected.health == Health("up", seconds(1), "connection refused")
    assert suspected.between
    out = after(PASSED, FAILED, FAILED, FAILED)
    assert out.health == Health("down", seconds(4), "connection refused")
    assert not out.health.in_pool


def test_a_pass_between_failures_starts_the_count_again() -> None:
    assert after(PASSED, FAILED, FAILED, PASSED, FAILED, FAILED).health.state == "up"


def test_rise_passes_in_a_row_bring_it_back_and_a_failure_starts_the_count_again() -> None:
    policy = CheckPolicy(seconds(6), 0, seconds(1), rise=2)
    assert after(FAILED, PASSED, policy=policy).health.state == "down"
    assert after(FAILED, PASSED, FAILED, PASSED, policy=policy).health.state == "down"
    assert after(FAILED, PASSED, PASSED, policy=policy).health == Health("up", seconds(3), "connected")


def test_staying_down_keeps_the_instant_and_takes_the_new_reason() -> None:
    history = after(FAILED, FAILED, FAILED)
    history, health_now = judge(history, Verdict(False, "no route to host"), seconds(9))
    assert health_now == Health("down", seconds(3), "no route to host")
    assert history.checked == seconds(9)


def test_the_next_probe_comes_soon_only_between_two_states() -> None:
    assert after(PASSED).pause == POLICY.delay_loop
    assert after(PASSED, FAILED).pause == POLICY.delay_before_retry
    assert after(PASSED, FAILED, FAILED, FAILED).pause == POLICY.delay_loop, "down: no retries"
    rising = CheckPolicy(seconds(6), 0, seconds(1), rise=2)
    assert after(FAILED, PASSED, policy=rising).pause == seconds(1)
    assert after(FAILED, PASSED, PASSED, policy=rising).pause == seconds(6)


def test_a_failed_probe_leaves_the_dynamic_weight_until_the_check_is_down() -> None:
    heavy = Verdict(True, "exit status 7", weight=5)
    assert after(heavy, FAILED).health.weight == 5
    assert after(heavy, FAILED, FAILED, FAILED).health.weight is None
    assert after(heavy, PASSED).health.weight is None, "exit status 0 gives the configured weight back"


def test_notes_are_those_of_the_latest_result() -> None:
    noted = Verdict(True, "HTTP 200", notes=("certificate ends in 5 days",))
    assert after(noted).health.notes == ("certificate ends in 5 days",)
    assert after(noted, PASSED).health.notes == ()


# ---- properties: any policy, any results

policies = st.builds(
    CheckPolicy, st.just(seconds(6)), st.integers(0, 4), st.just(seconds(1)), st.integers(1, 4), st.booleans()
)
results = st.lists(st.booleans(), max_size=25)


def state_by_the_book(policy: CheckPolicy, passed: list[bool]) -> str:
    """From all results at once, without remembering anything in between."""
    state, begin = "waiting", 0
    for end in range(1, len(passed) + 1):
        run = passed[begin:end]
        if state == "down" and run[-policy.rise :] == [True] * policy.rise:
            state, begin = "up", end
        elif state != "down" and run[-policy.retry - 1 :] == [False] * (policy.retry + 1):
            state, begin = "down", end
        elif state == "waiting" and passed[end - 1]:
            state, begin = "up", end
    return state


def disagreements(policy: CheckPolicy, passed: list[bool]) -> list[str]:
    """Against what is said of judge."""
    history = first_history(policy, 0)
    wrong = []
    for place, ok in enumerate(passed, start=1):
        before, (history, told) = history.health, judge(history, PASSED if ok else FAILED, seconds(place))
        expected = state_by_the_book(policy, passed[:place])
        wrong += [f"{place}: {told.state}, not {expected}"] if told.state != expected else []
        wrong += ["says something else than it remembers"] if told != history.health else []
        wrong += ["since moved"] if (told.since != before.since) != (told.state != before.state) else []
        in_pool = expected == "up" or (expected == "waiting" and not policy.alpha)
        wrong += ["in the pool or not?"] if told.in_pool != in_pool else []
        steady = ok == (told.state == "up") and (ok or told.state == "down")
        wrong += ["wrong pause"] if (history.pause == policy.delay_loop) != steady else []
        wrong += ["counts without end"] if history.failures > policy.retry + 1 or history.passes > policy.rise else []
    return wrong


@given(policies, results)
def test_any_results_give_the_state_that_the_book_says(policy: CheckPolicy, passed: list[bool]) -> None:
    assert not disagreements(policy, passed)


_state_after = health._state_after


def _impatient(history: CheckHistory, failures: int, passes: int) -> str:
    return "down" if failures else _state_after(history, failures, passes)


def _too_patient(history: CheckHistory, failures: int, passes: int) -> str:
    return _state_after(history, max(0, failures - 1), passes)


def _rises_at_once(history: CheckHistory, failures: int, passes: int) -> str:
    return "up" if passes else _state_after(history, failures, passes)


def _never_rises(history: CheckHistory, failures: int, passes: int) -> str:
    return history.health.state if history.health.state == "down" else _state_after(history, failures, passes)


@pytest.mark.parametrize("wrong", [_impatient, _too_patient, _rises_at_once, _never_rises])
def test_a_wrong_judge_is_caught(monkeypatch: pytest.MonkeyPatch, wrong: Callable[..., str]) -> None:
    monkeypatch.setattr(health, "_state_after", wrong)
    policy = CheckPolicy(seconds(6), 1, seconds(1), rise=2)
    rows: list[t.Any] = [[True, False, False, True, True], [True, False, True], [False, False, True]]
    assert any(disagreements(policy, row) for row in rows)
