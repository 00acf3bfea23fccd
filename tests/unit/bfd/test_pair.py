# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two sessions on a virtual clock and a wire that loses packets; sessions with one wrong rule are caught."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import ClassVar

import pytest

from mainstay.bfd.actions import Action
from mainstay.bfd.events import PacketReceived, Reconfigured
from mainstay.bfd.packet import State
from mainstay.bfd.session import Session
from mainstay.model.tracking import BfdInstance
from mainstay.model.units import Duration, Instant, seconds

from .sessions import DETECTION, SETTINGS, Pair

SEEDS = range(20)
COMES_UP = seconds(3.5)
"""Each side sends once a second until it is up, and three packets make a session."""
FAST = BfdInstance("gw", "192.0.2.2", multiplier=5)


def pair_up(seed: int = 1, settings: BfdInstance = SETTINGS, session_class: type[Session] = Session) -> Pair:
    pair = Pair(seed, settings, settings, session_class)
    pair.start()
    pair.run_for(COMES_UP)
    return pair


def gaps(pair: Pair, name: str, since: Instant) -> list[Duration]:
    """Between the packets of one side, from `since` on."""
    instants = [at for at, _said in pair.sent[name] if at >= since]
    return [later - earlier for earlier, later in zip(instants, instants[1:])]


@pytest.mark.parametrize("seed", SEEDS)
def test_a_pair_comes_up_and_stays_up(seed: int) -> None:
    pair = pair_up(seed)
    assert pair.both_up
    moved = len(pair.moved)
    pair.run_for(seconds(60))
    assert (pair.both_up, len(pair.moved)) == (True, moved)
    for name in ("a", "b"):
        steady = gaps(pair, name, pair.now - seconds(30))
        assert min(steady) >= seconds(0.075) and max(steady) <= seconds(0.1)
        assert not pair.sent[name][-1][1].poll, "the poll with which it came up has ended"


@pytest.mark.parametrize("seed", SEEDS)
def test_a_dead_neighbor_is_noticed_in_the_detection_time_and_its_return_too(seed: int) -> None:
    pair = pair_up(seed)
    pair.crash("b")
    pair.run_for(DETECTION + pair.delay)
    assert pair.state("a") is State.DOWN
    pair.start("b")
    pair.run_for(COMES_UP)
    assert pair.both_up


def test_a_crash_and_restart_within_the_detection_time_is_noticed_too() -> None:
    pair = pair_up()
    pair.crash("b")
    pair.start("b")
    moved = len(pair.moved)
    pair.run_for(pair.delay)
    assert [after for _at, name, after in pair.moved[moved - 1 :] if name == "a"][0] is State.DOWN
    pair.run_for(COMES_UP)
    assert pair.both_up


def test_an_orderly_stop_is_noticed_at_once_and_the_neighbor_stays_down() -> None:
    pair = pair_up()
    pair.stop("b")
    pair.run_for(pair.delay)
    assert pair.state("a") is State.DOWN
    pair.run_for(seconds(10))
    assert (pair.state("a"), pair.state("b")) == (State.DOWN, State.ADMIN_DOWN)
    pair.start("b")
    pair.run_for(COMES_UP)
    assert pair.both_up


@pytest.mark.parametrize("seed", SEEDS)
def test_a_wire_that_loses_one_packet_in_twenty_makes_no_difference_to_five_packets_of_patience(seed: int) -> None:
    pair = Pair(seed, FAST, FAST)
    pair.loss = 0.05
    pair.start()
    pair.run_for(seconds(8))
    assert pair.both_up
    downs = [name for _at, name, after in pair.moved if after is State.DOWN]
    assert len(downs) == 2, "the two starts"


@pytest.mark.parametrize("seed", SEEDS)
def test_a_dead_wire_is_down_on_both_sides_and_heals(seed: int) -> None:
    pair = pair_up(seed)
    pair.loss = 1.0
    pair.run_for(DETECTION + pair.delay)
    assert (pair.state("a"), pair.state("b")) == (State.DOWN, State.DOWN)
    pair.loss = 0.0
    pair.run_for(COMES_UP)
    assert pair.both_up


def test_a_wire_that_is_cut_in_one_direction_is_down_on_both_sides() -> None:
    pair = pair_up()
    pair.deaf.add("a")
    pair.run_for(2 * DETECTION)
    assert State.UP not in (pair.state("a"), pair.state("b"))


def test_unequal_timers_meet_at_the_slower_side() -> None:
    slow = replace(SETTINGS, min_rx=seconds(0.5), min_tx=seconds(0.3), multiplier=4)
    pair = Pair(1, SETTINGS, slow)
    pair.start()
    pair.run_for(seconds(10))
    a, b = pair.sessions["a"], pair.sessions["b"]
    assert (a.transmit_interval, b.transmit_interval) == (seconds(0.5), seconds(0.3))
    assert (a.detection_time, b.detection_time) == (seconds(1.2), seconds(1.5))
    assert max(gaps(pair, "a", pair.now - seconds(5))) > seconds(0.4)


@pytest.mark.parametrize("wanted", [seconds(0.02), seconds(0.8)])
def test_a_reload_with_other_timers_keeps_both_up(wanted: Duration) -> None:
    for loss in (0.0, 0.05):
        pair = Pair(1, replace(SETTINGS, multiplier=6), replace(SETTINGS, multiplier=6))
        pair.start()
        pair.run_for(COMES_UP)
        moved = len(pair.moved)
        pair.loss = loss
        pair.feed("a", Reconfigured(replace(SETTINGS, min_tx=wanted, min_rx=wanted, multiplier=6)))
        pair.run_for(seconds(10))
        assert (pair.both_up, len(pair.moved)) == (True, moved)
        assert pair.sessions["a"].transmit_interval == max(wanted, seconds(0.1))


def test_ten_milliseconds_are_noticed_in_fifty() -> None:
    pair = pair_up(settings=FAST)
    pair.crash("b")
    pair.run_for(seconds(0.05) + pair.delay)
    assert pair.state("a") is State.DOWN


def test_two_passive_sides_never_speak_one_is_enough() -> None:
    passive = replace(SETTINGS, passive=True)
    pair = Pair(1, passive, passive)
    pair.start()
    pair.run_for(seconds(10))
    assert pair.sent == {"a": [], "b": []}
    pair = Pair(1, passive, SETTINGS)
    pair.start()
    pair.run_for(COMES_UP)
    assert pair.both_up


# ---- one wrong rule each


class NeverDetects(Session):
    def _await_next(self, heard_at: Instant) -> None:
        super()._await_next(heard_at + seconds(1000))


def _hear_without_polls(session: Session, event: PacketReceived, now: Instant) -> list[Action]:
    return session._hear(PacketReceived(replace(event.packet, poll=False)), now)


class NeverFinal(Session):
    rules: ClassVar = {
        **Session.rules,
        **{(state, PacketReceived): _hear_without_polls for state in (State.DOWN, State.INIT, State.UP)},
    }


class SlowAtOnce(Session):
    """Lets a slower pace begin before the neighbor has confirmed it."""

    def _ask(self) -> None:
        super()._ask()
        self.pace.transmit_floor = self.pace.desired_min_tx


def detects(session_class: type[Session]) -> bool:
    pair = pair_up(session_class=session_class)
    pair.crash("b")
    pair.run_for(2 * DETECTION)
    return pair.state("a") is State.DOWN


def ends_its_polls(session_class: type[Session]) -> bool:
    pair = pair_up(session_class=session_class)
    pair.run_for(seconds(1))
    return not pair.sent["b"][-1][1].poll


def survives_slowing_down(session_class: type[Session]) -> bool:
    pair = pair_up(session_class=session_class)
    moved = len(pair.moved)
    pair.feed("a", Reconfigured(replace(SETTINGS, min_tx=seconds(2))))
    pair.run_for(seconds(10))
    return len(pair.moved) == moved


@pytest.mark.parametrize(
    ("broken", "story"),
    [(NeverDetects, detects), (NeverFinal, ends_its_polls), (SlowAtOnce, survives_slowing_down)],
)
def test_a_broken_session_fails_the_story(broken: type[Session], story: Callable[[type[Session]], bool]) -> None:
    assert story(Session)
    assert not story(broken)
