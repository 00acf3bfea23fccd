# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds for every router in every state, whatever happens to it."""

from __future__ import annotations

import typing as t
from dataclasses import replace

import pytest
from hypothesis import given, strategies as st

from mainstay.model.units import Instant, seconds
from mainstay.vrrp import events
from mainstay.vrrp.actions import Action, Announce, ReleaseAddresses, SendAdvert, State, TakeAddresses, Transition
from mainstay.vrrp.events import (
    AdvertReceived,
    DeadlineReached,
    DemotionChanged,
    Event,
    FaultsChanged,
    GroupFaultChanged,
    GroupPromotes,
    GroupReasserts,
    GroupYields,
    LinkChanged,
    PriorityChanged,
    Reconfigured,
    Started,
    Stopped,
)
from mainstay.vrrp.router import Router
from mainstay.vrrp.settings import RouterSettings

from .reference_model import ReferenceModel
from .routers import HIGHER, LOCAL, LOWER, SETTINGS, advert, router_in

PRIORITIES = st.sampled_from([1, 50, 99, 100, 101, 200, 254])
INTERVALS = st.sampled_from([seconds(0.01), seconds(1), seconds(2), seconds(40.95)])
SETTINGS_ST = st.builds(
    RouterSettings,
    name=st.just("VI_1"),
    virtual_router_id=st.just(51),
    priority=PRIORITIES | st.just(255),
    advert_int=INTERVALS,
    local_address=st.just(LOCAL),
    version=st.sampled_from([2, 3]),
    nopreempt=st.booleans(),
    state=st.sampled_from(["BACKUP", "MASTER"]),
    preempt_delay=st.sampled_from([0, 0, seconds(4), seconds(60)]),
    down_timer_adverts=st.sampled_from([1, 3, 10]),
    lower_prio_no_advert=st.booleans(),
    higher_prio_send_advert=st.booleans(),
    learn_interval_max=st.sampled_from([seconds(1), seconds(10)]),
)
ANY_SETTINGS = st.builds(replace, SETTINGS_ST, strict=st.booleans(), in_group=st.booleans())
ADVERTS = st.builds(advert, PRIORITIES | st.sampled_from([0, 255]), st.sampled_from([LOWER, LOCAL, HIGHER]), INTERVALS)
PLAIN_EVENTS: st.SearchStrategy[Event] = st.one_of(
    st.builds(Started, st.booleans()),
    st.just(Stopped()),
    ADVERTS,
    st.just(DeadlineReached()),
    st.builds(PriorityChanged, PRIORITIES),
    st.builds(DemotionChanged, st.booleans()),
    st.builds(LinkChanged, st.booleans(), st.just("carrier lost on eth0")),
    st.builds(FaultsChanged, st.sampled_from([(), ("script chk_web failed",), ("a", "b")])),
)
ALL_EVENTS = PLAIN_EVENTS | st.one_of(
    st.builds(Reconfigured, ANY_SETTINGS),
    st.builds(Started, st.booleans(), st.integers(1, seconds(50))),
    st.just(GroupPromotes()),
    st.just(GroupYields("vrrp_instance VI_2 is BACKUP")),
    st.builds(GroupFaultChanged, st.sampled_from(["", "vrrp_instance VI_2 is in FAULT"])),
    st.just(GroupReasserts()),
)
PAUSES = st.integers(1, seconds(5)) | st.integers(1, seconds(100))


def stories(events_of_a_story: st.SearchStrategy[Event]) -> st.SearchStrategy[list[tuple[int, Event]]]:
    """(pause, event) pairs; most stories begin with a start, the others show what comes before one."""
    told_events = st.lists(st.tuples(PAUSES, events_of_a_story), max_size=40)
    return told_events | told_events.map(lambda story: [(1, Started()), *story])


STORIES = stories(ALL_EVENTS)


def told(router: Router, story: t.Iterable[tuple[int, Event]]) -> t.Iterator[tuple[State, list[Action], Instant]]:
    """Live through a story: the state before, and the actions, of each event."""
    now = 0
    for pause, event in story:
        now += pause
        before = router.state
        yield before, router.handle(event, now), now


# ---- the table


def test_the_table_has_a_rule_for_every_state_and_event() -> None:
    kinds = t.get_args(events.Event)
    assert set(Router.rules) == {(state, kind) for state in State for kind in kinds}


def test_a_pair_that_is_missing_is_an_error_not_a_default() -> None:
    class Incomplete(Router):
        rules: t.ClassVar = {pair: rule for pair, rule in Router.rules.items() if pair != (State.INIT, Stopped)}

    with pytest.raises(KeyError):
        Incomplete(SETTINGS).handle(Stopped(), 0)


# ---- what every story keeps to


@given(ANY_SETTINGS, STORIES)
def test_addresses_are_held_exactly_by_a_master(settings: RouterSettings, story: list[tuple[int, Event]]) -> None:
    router, held = Router(settings), False
    for _, actions, _ in told(router, story):
        for action in actions:
            if isinstance(action, TakeAddresses):
                assert router.state is State.MASTER
                held = True
            if isinstance(action, ReleaseAddresses):
                assert router.state is not State.MASTER
                held = False
        assert held is (router.state is State.MASTER)


@pytest.mark.conformance_negative("FSM-14", "FSM-16")
@given(ANY_SETTINGS, STORIES)
def test_i4_only_a_master_advertises_and_only_a_leaving_master_says_0(
    settings: RouterSettings, story: list[tuple[int, Event]]
) -> None:
    router = Router(settings)
    for before, actions, _ in told(router, story):
        for action in actions:
            if isinstance(action, SendAdvert) and action.priority:
                assert State.MASTER in (before, router.state), "a last advert before yielding is a master's"
                assert action.priority == router.effective_priority
            elif isinstance(action, SendAdvert):
                assert before is State.MASTER
                assert router.state is not State.MASTER
            elif isinstance(action, Announce):
                assert router.state is State.MASTER


@given(ANY_SETTINGS, STORIES)
def test_i9_every_change_of_state_is_one_transition_and_it_comes_last(
    settings: RouterSettings, story: list[tuple[int, Event]]
) -> None:
    router = Router(settings)
    for before, actions, _ in told(router, story):
        transitions = [action for action in actions if isinstance(action, Transition)]
        if router.state is before:
            assert transitions == []
        else:
            assert transitions == actions[-1:] == [Transition(before, router.state, router.reason)]


@given(ANY_SETTINGS, STORIES)
def test_a_deadline_runs_exactly_in_backup_and_master_unless_a_group_is_waited_for(
    settings: RouterSettings, story: list[tuple[int, Event]]
) -> None:
    router = Router(settings)
    for _ in told(router, story):
        runs = router.state is State.MASTER or (router.state is State.BACKUP and not router.wants_master)
        assert (router.deadline() is not None) is runs
        explanation = router.explain(0)
        assert explanation.state is router.state
        assert explanation.why
        assert explanation.outlook


# ---- against the reference model


@given(SETTINGS_ST, stories(PLAIN_EVENTS))
def test_the_router_does_what_the_reference_model_does(
    settings: RouterSettings, story: list[tuple[int, Event]]
) -> None:
    """A punctual shell: each deadline is fed at its instant, so no stall hides a difference."""
    router, model, now = Router(settings), ReferenceModel(settings), 0
    for pause, event in story:
        if settings.priority == 255 and isinstance(event, AdvertReceived) and event.advert.priority == 255:
            continue  # second owners have stories of their own
        until = now + pause
        while model.deadline is not None and model.deadline < until:
            now = model.deadline
            assert_same(router, model, DeadlineReached(), now)
        now = until
        assert_same(router, model, event, now)


def assert_same(router: Router, model: ReferenceModel, event: Event, now: Instant) -> None:
    did = [
        action
        for action in router.handle(event, now)
        if isinstance(action, (SendAdvert, TakeAddresses, ReleaseAddresses))
    ]
    expected = model.handle(event, now)
    assert did == expected, (event, now)
    assert (router.state.value, router.deadline()) == (model.state, model.deadline), (event, now)


@pytest.mark.conformance("RX-24")
@pytest.mark.conformance_negative("RX-24")
@pytest.mark.parametrize("state", State)
def test_rx_24_an_advert_is_never_an_exception(state: State) -> None:
    for priority in range(256):
        for source in (LOWER, LOCAL, HIGHER):
            for nopreempt in (False, True):
                router = router_in(state, replace(SETTINGS, nopreempt=nopreempt))
                router.handle(advert(priority, source), 1)
