# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Counting connections where it takes many turns of the loop: who is told what, and how old it may be."""

from __future__ import annotations

import typing as t

import pytest

from mainstay.daemon.health.connection_count import KEPT, UNDER_WAY, ConnectionCount
from mainstay.daemon.health.errand import PARTS, REST, TURN
from mainstay.lvs.operations import AddDestination, Operation, SetDestination
from mainstay.lvs.table import Destination, DestinationKey, ServiceKey
from mainstay.model.units import Duration, Instant
from mainstay.net.data_plane import Counters, CountersUnavailable, Counting, DestinationCounters

from ...scripted_poller import ScriptedPoller

WEB = ServiceKey("TCP", "192.0.2.10", 80)
ONE, TWO = DestinationKey("192.0.2.21", 80), DestinationKey("192.0.2.22", 80)
SMALL, LARGE = PARTS, 100
PART = TURN // 4
"""So long each part of a count takes: a turn has time for ten of them, because that is the least."""


class CountedPlane:
    """An engine that tells how many connections there are at the end of a count, and nothing else."""

    def __init__(self, poller: ScriptedPoller) -> None:
        self._poller = poller
        self.parts = LARGE
        self.connections = 3
        self.complaint = ""
        self.begun: list[Instant] = []
        self.under_way = 0

    def counters(self) -> Counting:
        self.begun.append(self._poller.now())
        self.under_way += 1
        try:
            for _part in range(self.parts - 1):
                self._poller.clock += PART
                yield None
            if self.complaint:
                raise CountersUnavailable(self.complaint)
            yield {(WEB, place): DestinationCounters(self.connections, 0) for place in (ONE, TWO)}
        finally:
            self.under_way -= 1


class Lab:
    """Somebody who asks, every now and then."""

    def __init__(self) -> None:
        self.poller = ScriptedPoller()
        self.plane: CountedPlane | None = CountedPlane(self.poller)
        self.count = ConnectionCount(self.poller, self._ask)

    def _ask(self, question: t.Callable[[t.Any], t.Any], otherwise: t.Any) -> t.Any:
        return otherwise if self.plane is None else question(self.plane)

    def told(self) -> dict[str, int]:
        """Who asks now is told this, by address."""
        counters: Counters = self.count.counters()
        return {place.address: one.active_connections for (_key, place), one in counters.items()}

    def run(self, duration: Duration) -> None:
        self.poller.run_for(duration)

    @property
    def kernel(self) -> CountedPlane:
        assert self.plane is not None
        return self.plane


BOTH = {ONE.address: 3, TWO.address: 3}
LONG_ENOUGH = 2 * LARGE * PART


@pytest.fixture
def lab() -> Lab:
    return Lab()


def drained(place: DestinationKey = ONE) -> list[Operation]:
    return [SetDestination(WEB, Destination(place, "NAT", 0))]


def test_what_one_turn_has_time_for_is_as_of_now_whenever_somebody_asks(lab: Lab) -> None:
    lab.kernel.parts = SMALL
    for connections in (3, 4):
        lab.kernel.connections = connections
        asked_at = lab.poller.now()
        assert lab.told() == {ONE.address: connections, TWO.address: connections}
        assert (lab.count.uncounted, lab.count.counted_at) == ("", asked_at)
    assert lab.poller.pending == []


def test_a_large_count_goes_on_in_turns_and_who_asks_again_is_told(lab: Lab) -> None:
    began = lab.poller.now()
    assert lab.told() == {}
    assert (lab.count.uncounted, lab.count.counted_at) == (UNDER_WAY, None)
    assert lab.poller.now() - began <= PARTS * PART, "the loop waits for a turn, not for the count"
    lab.run(LONG_ENOUGH)
    assert lab.told() == BOTH
    assert (lab.count.uncounted, lab.count.counted_at) == ("", began)


def test_all_who_ask_meanwhile_share_one_count(lab: Lab) -> None:
    lab.told()
    for _question in range(5):
        lab.run(TURN)
        lab.told()
    lab.run(LONG_ENOUGH)
    assert len(lab.kernel.begun) == 1


def test_after_a_large_one_the_next_has_to_wait_and_the_old_figures_are_told_with_their_age(lab: Lab) -> None:
    lab.told()
    lab.run(LONG_ENOUGH)
    lab.kernel.connections = 7
    (began,) = lab.kernel.begun
    assert (lab.told(), len(lab.kernel.begun), lab.count.counted_at) == (BOTH, 1, began)
    lab.run((REST + 1) * LARGE * PART)
    assert lab.told() == BOTH, "the next count has just begun"
    lab.run(LONG_ENOUGH)
    assert lab.told() == {ONE.address: 7, TWO.address: 7}
    assert lab.kernel.begun[1] - began > REST * LARGE * PART
    assert lab.count.counted_at == lab.kernel.begun[1]


def test_old_figures_are_not_told_at_all(lab: Lab) -> None:
    lab.told()
    lab.run(KEPT + LONG_ENOUGH)
    assert (lab.told(), lab.count.uncounted) == ({}, UNDER_WAY)


@pytest.mark.parametrize("edit", [SetDestination, AddDestination])
def test_who_gets_weight_0_during_a_count_is_not_told_of_by_it(lab: Lab, edit: t.Any) -> None:
    """It had no connections when the count came by, and got one before the edit."""
    lab.told()
    lab.run(TURN)
    lab.count.edited([edit(WEB, Destination(ONE, "NAT", 0))])
    lab.run(LONG_ENOUGH)
    assert lab.count.counters() == {(WEB, TWO): DestinationCounters(3, 0)}
    lab.run(LONG_ENOUGH)
    assert lab.told() == BOTH, "the next one began after the edit, and without a rest"


def test_who_gets_weight_0_after_a_count_is_not_told_of_by_it_either(lab: Lab) -> None:
    lab.told()
    lab.run(LONG_ENOUGH)
    assert lab.told() == BOTH
    lab.count.edited(drained())
    assert lab.told() == {TWO.address: 3}
    lab.run(LONG_ENOUGH)
    assert lab.told() == BOTH


def test_another_weight_leaves_what_is_known(lab: Lab) -> None:
    lab.told()
    lab.run(LONG_ENOUGH)
    lab.count.edited([SetDestination(WEB, Destination(ONE, "NAT", 5))])
    assert lab.told() == BOTH


def test_an_engine_that_cannot_count_says_why_and_is_asked_again(lab: Lab) -> None:
    lab.kernel.complaint = "conntrack does not answer: Operation not permitted"
    lab.told()
    lab.run(LONG_ENOUGH)
    assert (lab.told(), lab.count.uncounted) == ({}, lab.kernel.complaint)
    lab.kernel.complaint = ""
    lab.run((REST + 1) * LARGE * PART)
    lab.told()
    lab.run(LONG_ENOUGH)
    assert (lab.told(), lab.count.uncounted) == (BOTH, "")


def test_without_the_engine_nothing_is_told_and_nothing_goes_on(lab: Lab) -> None:
    lab.told()
    lab.run(LONG_ENOUGH)
    lab.run((REST + 1) * LARGE * PART)
    lab.told()
    assert lab.kernel.under_way == 1
    lab.count.forget()
    assert (lab.kernel.under_way, lab.poller.pending) == (0, [])
    lab.plane = None
    assert (lab.told(), lab.count.uncounted, lab.count.counted_at) == ({}, "", None)


def test_an_engine_that_is_lost_with_a_part_of_the_count_ends_it(lab: Lab) -> None:
    lab.told()

    def lost(_question: t.Any, otherwise: t.Any) -> t.Any:
        lab.count.forget()
        return otherwise

    lab.count._ask = lost
    lab.run(LONG_ENOUGH)
    assert (lab.kernel.under_way, lab.poller.pending) == (0, [])
