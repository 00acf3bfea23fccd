# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The session, row by row of its two tables; then its timers, its polls and what it never does."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

import pytest

from mainstay.bfd.actions import SendControl
from mainstay.bfd.events import DeadlineReached, PacketReceived, Reconfigured, Started, Stopped
from mainstay.bfd.packet import Diagnostic, State
from mainstay.bfd.session import HEARD, Session
from mainstay.model.units import seconds

from .sessions import DETECTION, SETTINGS, confirmed, hear, moves, packet, sent, session_in

ADMIN_DOWN, DOWN, INIT, UP = State.ADMIN_DOWN, State.DOWN, State.INIT, State.UP


# ---- the tables


def test_every_pair_of_state_and_event_has_its_row() -> None:
    events = (Started, Stopped, PacketReceived, DeadlineReached, Reconfigured)
    assert set(Session.rules) == {(state, event) for state in State for event in events}
    assert set(HEARD) == {(ours, theirs) for ours in (DOWN, INIT, UP) for theirs in State}


@pytest.mark.parametrize(
    ("ours", "theirs", "after"),
    [
        (DOWN, ADMIN_DOWN, DOWN),
        (DOWN, DOWN, INIT),
        (DOWN, INIT, UP),
        (DOWN, UP, DOWN),
        (INIT, ADMIN_DOWN, DOWN),
        (INIT, DOWN, INIT),
        (INIT, INIT, UP),
        (INIT, UP, UP),
        (UP, ADMIN_DOWN, DOWN),
        (UP, DOWN, DOWN),
        (UP, INIT, UP),
        (UP, UP, UP),
    ],
)
def test_what_a_packet_does_to_the_state(ours: State, theirs: State, after: State) -> None:
    session = session_in(ours)
    actions = hear(session, theirs, 1)
    assert (session.state, moves(actions)) == (after, [] if after is ours else [(ours, after)])
    if after is not ours:
        (told,) = sent(actions)
        assert (told.state, told.your_discriminator) == (after, 0x22222222), "a new state leaves at once"


@pytest.mark.parametrize("theirs", list(State))
def test_a_session_that_does_not_run_hears_nothing(theirs: State) -> None:
    session = session_in(ADMIN_DOWN)
    for event in (PacketReceived(packet(theirs)), DeadlineReached(), Stopped(), Reconfigured(SETTINGS)):
        assert session.handle(event, 5) == []
    assert (session.state, session.deadline()) == (ADMIN_DOWN, None)


def test_a_start_says_down_at_once_and_a_second_one_nothing() -> None:
    session = session_in(ADMIN_DOWN)
    actions = session.handle(Started(), 7)
    (said,) = sent(actions)
    assert moves(actions) == [(ADMIN_DOWN, DOWN)]
    assert (said.state, said.diagnostic, said.your_discriminator, said.poll) == (DOWN, 0, 0, False)
    for state in (DOWN, INIT, UP):
        running = session_in(state)
        assert (running.handle(Started(), 1), running.state) == ([], state)


@pytest.mark.parametrize("state", [DOWN, INIT, UP])
def test_a_stop_says_admin_down_three_times_and_then_nothing(state: State) -> None:
    session = session_in(state)
    actions = session.handle(Stopped(), 1)
    assert moves(actions) == [(state, ADMIN_DOWN)]
    assert [said.state for said in sent(actions)] == [ADMIN_DOWN] * 3
    assert sent(actions)[0].diagnostic == Diagnostic.ADMINISTRATIVELY_DOWN
    assert session.deadline() is None
    assert hear(session, UP, 2) == []


# ---- detection


def test_silence_for_the_detection_time_is_down() -> None:
    session = confirmed(session_in(UP))
    assert session.detection_time == DETECTION
    assert moves(session.handle(DeadlineReached(), DETECTION - 1)) == []
    actions = session.handle(DeadlineReached(), DETECTION)
    assert moves(actions) == [(UP, DOWN)]
    assert session.diagnostic is Diagnostic.DETECTION_TIME_EXPIRED
    assert session.reason == "no packet from 192.0.2.2 for 0.300 s"
    told = sent(actions)[0]
    assert (told.state, told.diagnostic, told.your_discriminator) == (DOWN, 1, 0), "the neighbor is forgotten"


def test_silence_in_init_is_down_too() -> None:
    session = session_in(INIT)
    assert moves(session.handle(DeadlineReached(), DETECTION)) == [(INIT, DOWN)]


def test_a_silent_neighbor_is_forgotten_in_down_without_a_transition() -> None:
    session = session_in(DOWN)
    hear(session, ADMIN_DOWN)
    actions = session.handle(DeadlineReached(), DETECTION)
    assert (moves(actions), session.heard) == ([], None)


def test_each_packet_moves_the_detection_the_same_object_too() -> None:
    session = confirmed(session_in(UP))
    again = PacketReceived(packet(UP))
    for now in range(0, 10 * DETECTION, DETECTION - 1):
        assert moves(session.handle(DeadlineReached(), now)) == []
        assert session.handle(again, now) == []
    assert session.state is UP


def test_the_slower_of_both_and_the_neighbors_multiplier_make_the_detection_time() -> None:
    session = confirmed(session_in(UP))
    hear(session, UP, desired_min_tx=seconds(0.5), detect_multiplier=4)
    assert session.detection_time == seconds(2)
    hear(session, UP, desired_min_tx=seconds(0.01), detect_multiplier=7)
    assert session.detection_time == seconds(0.7), "we said that we take no more than one in 0.1 s"


def test_the_shell_is_told_when_a_deadline_would_be_a_verdict() -> None:
    session = confirmed(session_in(UP))
    assert not session.presumed_dead(DETECTION - 1)
    assert session.presumed_dead(DETECTION)


# ---- sending


@pytest.mark.parametrize(
    ("multiplier", "chance", "percent"), [(3, 0.0, 75), (3, 1.0, 100), (1, 0.0, 75), (1, 1.0, 90)]
)
def test_periodic_packets_are_jittered(multiplier: int, chance: float, percent: int) -> None:
    session = confirmed(session_in(UP, multiplier=multiplier, chance=chance))
    due = seconds(0.1) * percent // 100
    assert session.deadline() == due
    assert session.handle(DeadlineReached(), due - 1) == []
    (said,) = sent(session.handle(DeadlineReached(), due))
    assert said.state is UP
    assert session.deadline() == 2 * due


@pytest.mark.parametrize(("idle", "min_tx", "expected"), [(1, 0.01, 1), (4, 0.01, 4), (1, 2, 2)])
def test_a_session_that_is_not_up_is_slow(idle: float, min_tx: float, expected: float) -> None:
    session = session_in(DOWN, idle_tx=seconds(idle), min_tx=seconds(min_tx), chance=1.0)
    assert session.deadline() == seconds(expected)
    (said,) = sent(session.handle(DeadlineReached(), seconds(expected)))
    assert said.desired_min_tx == seconds(expected)


def test_the_neighbor_may_want_fewer_packets() -> None:
    session = confirmed(session_in(UP, chance=1.0))
    hear(session, UP, required_min_rx=seconds(3))
    assert session.transmit_interval == seconds(3)


def test_a_shorter_interval_is_honored_at_once() -> None:
    session = confirmed(session_in(UP, chance=1.0))
    hear(session, UP, required_min_rx=seconds(3), desired_min_tx=seconds(1))
    hear(session, UP, seconds(0.2), desired_min_tx=seconds(1))
    assert session.deadline() == seconds(0.2), "0.1 s after the last packet has passed already"


def test_a_neighbor_that_wants_no_packets_gets_none_but_answers() -> None:
    session = confirmed(session_in(UP))
    hear(session, UP, required_min_rx=0)
    assert session.transmit_interval is None
    assert session.deadline() == DETECTION
    assert [said.final for said in sent(hear(session, UP, 1, required_min_rx=0, poll=True))] == [True]


def test_a_passive_session_is_silent_until_it_is_spoken_to() -> None:
    session = session_in(DOWN, passive=True)
    assert session.deadline() is None
    assert session.handle(DeadlineReached(), seconds(99)) == []
    assert [said.state for said in sent(hear(session, DOWN, seconds(100)))] == [INIT]
    assert session.deadline() is not None
    session.handle(DeadlineReached(), seconds(200))
    assert (session.state, session.deadline()) == (DOWN, None), "and again when the neighbor is gone"


# ---- poll, final, demand


def test_going_up_polls_for_the_faster_pace_until_final() -> None:
    session = session_in(UP)
    first = session.deadline() or 0
    assert [said.poll for said in sent(session.handle(DeadlineReached(), first))] == [True]
    assert hear(session, UP, first, final=True) == []
    second = session.deadline() or 0
    assert [said.poll for said in sent(session.handle(DeadlineReached(), second))] == [False]


@pytest.mark.parametrize("state", [DOWN, INIT, UP])
def test_a_poll_is_answered_with_final_at_once(state: State) -> None:
    session = session_in(state)
    answers = sent(hear(session, UP, 1, poll=True))
    assert [(said.poll, said.final) for said in answers][-1] == (False, True)
    assert [said.final for said in answers].count(True) == 1


def test_nobody_is_answered_with_final_who_did_not_poll() -> None:
    session = confirmed(session_in(UP))
    assert hear(session, UP, 1) == []
    assert hear(session, UP, 2, final=True) == []


def test_slower_sending_waits_for_the_neighbors_confirmation() -> None:
    session = confirmed(session_in(UP))
    session.handle(Reconfigured(replace(SETTINGS, min_tx=seconds(0.4))), 1)
    assert session.transmit_interval == seconds(0.1)
    (said,) = sent(session.handle(DeadlineReached(), seconds(0.1)))
    assert (said.poll, said.desired_min_tx, session.state) == (True, seconds(0.4), UP)
    hear(session, UP, seconds(0.11), final=True)
    assert session.transmit_interval == seconds(0.4)


def test_faster_detection_waits_for_the_neighbors_confirmation() -> None:
    session = confirmed(session_in(UP))
    session.handle(Reconfigured(replace(SETTINGS, min_rx=seconds(0.01))), 1)
    hear(session, UP, 2, desired_min_tx=seconds(0.01), final=True)
    assert session.detection_time == DETECTION, "a late answer to an earlier question"
    session.handle(DeadlineReached(), seconds(0.1))
    hear(session, UP, seconds(0.1), desired_min_tx=seconds(0.01), final=True)
    assert session.detection_time == seconds(0.03)


def test_more_patience_counts_at_once() -> None:
    session = confirmed(session_in(UP))
    session.handle(Reconfigured(replace(SETTINGS, min_rx=seconds(1))), seconds(0.2))
    assert session.detection_time == seconds(3)
    assert not session.presumed_dead(seconds(2.9))
    assert session.presumed_dead(seconds(3)), "counted from the last packet, not from the reload"


def test_a_second_change_polls_again_after_one_packet_without_p() -> None:
    session = confirmed(session_in(UP))
    session.handle(Reconfigured(replace(SETTINGS, min_tx=seconds(0.4))), 1)
    session.handle(Reconfigured(replace(SETTINGS, min_tx=seconds(0.8))), 2)
    polls = []
    for _turn in range(3):
        now = session.deadline() or 0
        polls.append(sent(session.handle(DeadlineReached(), now))[0].poll)
        hear(session, UP, now, final=True)
    assert polls == [True, False, True]
    assert session.transmit_interval == seconds(0.8)


def test_settings_that_announce_nothing_new_do_not_poll() -> None:
    session = confirmed(session_in(UP))
    session.handle(Reconfigured(replace(SETTINGS, multiplier=9)), 1)
    (said,) = sent(session.handle(DeadlineReached(), seconds(0.1)))
    assert (said.poll, said.detect_multiplier) == (False, 9)


def test_a_neighbor_in_demand_mode_hears_nothing_while_both_are_up() -> None:
    session = confirmed(session_in(UP))
    hear(session, UP, demand=True)
    assert session.transmit_interval is None
    assert [said.final for said in sent(hear(session, UP, 1, demand=True, poll=True))] == [True]
    session.handle(Reconfigured(replace(SETTINGS, min_tx=seconds(0.4))), 2)
    assert session.transmit_interval is not None, "our own poll needs packets"
    assert moves(session.handle(DeadlineReached(), seconds(9)))[0] == (UP, DOWN), "it has to go on itself"


def test_a_neighbor_in_demand_mode_that_is_not_up_is_spoken_to() -> None:
    session = session_in(INIT)
    hear(session, DOWN, demand=True)
    assert session.transmit_interval is not None


# ---- words


def test_it_says_who_took_it_down() -> None:
    session = session_in(UP)
    hear(session, ADMIN_DOWN, 1, diagnostic=7)
    assert session.diagnostic is Diagnostic.NEIGHBOR_SIGNALED_DOWN
    assert session.reason == "192.0.2.2 says ADMIN_DOWN (administratively down)"
    assert session.explain().outlook == "192.0.2.2 is administratively down: somebody has to enable the session there"


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (ADMIN_DOWN, "starts with the daemon"),
        (DOWN, "comes up with the first packet of 192.0.2.2"),
        (INIT, "becomes UP when 192.0.2.2 says that it hears us"),
        (UP, "goes DOWN after 0.300 s without a packet of 192.0.2.2"),
    ],
)
def test_every_state_says_what_would_change_it(state: State, words: str) -> None:
    assert session_in(state).explain().outlook.startswith(words)


# ---- a wrong table is seen


class Credulous(Session):
    """Believes itself up with the first packet."""

    rules: ClassVar = {
        **Session.rules,
        (DOWN, PacketReceived): lambda self, event, now: self._move(UP, Diagnostic.NONE, "heard", now),
    }


def test_these_stories_tell_a_broken_session_from_a_good_one() -> None:
    broken = Credulous(SETTINGS, 1, lambda: 0.5)
    broken.handle(Started(), 0)
    assert moves(hear(broken, DOWN)) == [(DOWN, UP)] != moves(hear(session_in(DOWN), DOWN))


def test_prepared_bytes_are_the_same_object_until_something_changes() -> None:
    session = confirmed(session_in(UP))
    first, second = (session.handle(DeadlineReached(), seconds(0.1 * turn))[0] for turn in (1, 2))
    assert isinstance(first, SendControl) and isinstance(second, SendControl)
    assert first.octets is second.octets
