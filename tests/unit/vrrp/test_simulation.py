# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Machines that break at random keep every invariant; routers with one wrong rule do not, and are caught.

A seed that fails is told in full by: PYTHONPATH=plugins/module_utils:tests python -m sim SEED
"""

from __future__ import annotations

from typing import ClassVar

import pytest
from sim.run import simulate
from sim.scenario import scenario

from mainstay.model.units import Duration, Instant
from mainstay.vrrp.actions import Action, ReleaseAddresses, SendAdvert, State, TakeAddresses
from mainstay.vrrp.advert import Advert
from mainstay.vrrp.events import AdvertReceived, Event, LinkChanged
from mainstay.vrrp.lease import lease_seconds
from mainstay.vrrp.router import Router

SEEDS = range(1, 301)


@pytest.mark.parametrize("hundred", range(3))
def test_i1_i2_i3_i4_hold_whatever_breaks(hundred: int) -> None:
    outcomes = (simulate(seed) for seed in SEEDS[100 * hundred : 100 * (hundred + 1)])
    breaches = [outcome.breach for outcome in outcomes if outcome.breach]
    assert not breaches, "\n".join(breaches)


def test_i12_the_same_seed_tells_the_same_story() -> None:
    digests = [simulate(seed).digest for seed in SEEDS[:20]]
    assert digests == [simulate(seed).digest for seed in SEEDS[:20]]
    assert len(set(digests)) == 20


def test_the_seeds_contain_what_they_are_for() -> None:
    """A simulation proves nothing about what never happens in it."""
    kinds = {fault.kind for seed in SEEDS for fault in scenario(seed).faults}
    assert kinds >= {"crash", "freeze", "thaw", "stop", "link_down", "link_up", "cut", "partition", "loss", "attack"}
    stories = "\n".join("\n".join(simulate(seed).story) for seed in SEEDS[:60])
    for happening in (
        "lease", "without an advert of ours", "alarm interval_capped", "discards", "SendAdvert(priority=0)",
        "MASTER -> FAULT", "FAULT -> BACKUP", "MASTER -> BACKUP", "MASTER -> INIT",
    ):  # fmt: skip
        assert happening in stories, f"nothing in 60 seeds shows {happening!r}"


# ---- one wrong rule each


class DeafMaster(Router):
    rules: ClassVar = {**Router.rules, (State.MASTER, AdvertReceived): Router._ignore}


class DeafBackup(Router):
    rules: ClassVar = {**Router.rules, (State.BACKUP, AdvertReceived): Router._ignore}


class MasterWithoutLink(Router):
    rules: ClassVar = {**Router.rules, (State.MASTER, LinkChanged): Router._ignore}


class IgnoresTheTieBreak(Router):
    def _advert_as_equal(self, event: AdvertReceived, now: Instant) -> list[Action]:
        equal = event.advert.priority == self.effective_priority
        return [] if equal else self._advert_as_master(event, now)

    rules: ClassVar = {**Router.rules, (State.MASTER, AdvertReceived): _advert_as_equal}


class NeverPreempts(Router):
    """Any advert restarts its timer (against FSM-09)."""

    def _follow_anyone(self, event: AdvertReceived, now: Instant) -> list[Action]:
        actions = self._advert_as_backup(event, now)
        self._deadline = now + self.down_interval
        return actions

    rules: ClassVar = {**Router.rules, (State.BACKUP, AdvertReceived): _follow_anyone}


class ChattyBackup(Router):
    def _answer(self, event: AdvertReceived, now: Instant) -> list[Action]:
        return [*self._advert_as_backup(event, now), SendAdvert(self.effective_priority)]

    rules: ClassVar = {**Router.rules, (State.BACKUP, AdvertReceived): _answer}


class BelievesStaleDeadlines(Router):
    def _is_due(self, _now: Instant) -> bool:
        return True


class BelievesAnyInterval(Router):
    def _learn_interval(self, advert: Advert) -> list[Action]:
        self._learnt_advert_int = advert.advert_int
        return []


class KeepsItsAddresses(Router):
    def handle(self, event: Event, now: Instant) -> list[Action]:
        return [action for action in super().handle(event, now) if not isinstance(action, ReleaseAddresses)]


class TakesNothing(Router):
    def handle(self, event: Event, now: Instant) -> list[Action]:
        return [action for action in super().handle(event, now) if not isinstance(action, TakeAddresses)]


@pytest.mark.parametrize(
    ("broken", "symptom"),
    [
        (DeafMaster, "I1 I2"),
        (DeafBackup, "I1 I2"),
        (MasterWithoutLink, "MASTER without a link"),
        (IgnoresTheTieBreak, "I1 I2"),
        (NeverPreempts, "preempts, and"),
        (ChattyBackup, "I4"),
        (BelievesStaleDeadlines, "I1 I2"),
        (BelievesAnyInterval, "nobody is master"),
        (KeepsItsAddresses, "I3"),
        (TakesNothing, "I3"),
    ],
)
def test_a_router_with_one_wrong_rule_is_caught(broken: type[Router], symptom: str) -> None:
    breaches = (simulate(seed, broken).breach for seed in SEEDS)
    assert any(breach and symptom in breach for breach in breaches)


def test_a_lease_one_second_too_long_is_caught() -> None:
    def too_long(advert_int: Duration) -> int:
        return lease_seconds(advert_int) + 1

    breaches = (simulate(seed, lease=too_long).breach for seed in SEEDS)
    assert any(breach and "two machines held the addresses" in breach for breach in breaches)
