# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sockets that strangers write to: together they get half of the time, and each its turn."""

from __future__ import annotations

import pytest

from mainstay.daemon.vrrp.strangers import Strangers
from mainstay.model.units import Instant, seconds
from mainstay.net.polling import READABLE

from ...scripted_poller import ScriptedPoller

ONE, OTHER, THIRD = 100_001, 100_002, 100_003
BATCH = seconds(0.003)


class Story:
    """Sockets of which some are flooded."""

    def __init__(self, *flooded: int) -> None:
        self.poller = ScriptedPoller()
        self.strangers = Strangers(self.poller)
        self.flooded = set(flooded)
        self.quiet: set[int] = set()
        self.read: list[int] = []
        self.busy = 0
        for one in (ONE, OTHER, THIRD):
            self.strangers.watch(one, lambda now, one=one: self.reads(one, now))

    def reads(self, one: int, _now: Instant) -> bool:
        self.read.append(one)
        self.quiet.discard(one)
        if one not in self.flooded:
            return False
        self.poller.clock += BATCH
        self.busy += BATCH
        return True

    def turn(self) -> None:
        """One turn of the loop: whatever is watched and has something to say, then what is due."""
        for one in (ONE, OTHER, THIRD):
            if one in (*self.flooded, *self.quiet) and one in self.poller.watched:
                self.poller.watched[one][1](READABLE, self.poller.now())
        self.poller.run_for(seconds(0.0001))


@pytest.mark.parametrize("flooded", [(ONE,), (ONE, OTHER), (ONE, OTHER, THIRD)])
def test_all_floods_together_get_half_of_the_time_and_equal_shares(flooded: tuple[int, ...]) -> None:
    story = Story(*flooded)
    began = story.poller.now()
    while story.poller.now() < began + seconds(1):
        story.turn()
    assert 0.45 <= story.busy / seconds(1) <= 0.51
    shares = [story.read.count(one) for one in flooded]
    assert max(shares) - min(shares) <= 2, shares


def test_a_quiet_socket_has_its_turn_beside_floods() -> None:
    story = Story(ONE, OTHER)
    for _turn in range(50):
        story.turn()
    story.quiet.add(THIRD)
    before = story.poller.now()
    while story.quiet:
        story.turn()
    assert story.poller.now() - before <= 6 * BATCH


def test_without_a_flood_nothing_waits() -> None:
    story = Story()
    story.quiet |= {ONE, OTHER}
    story.turn()
    assert story.read == [ONE, OTHER] and story.poller.pending == []


def test_a_socket_that_is_closed_in_its_own_turn_is_left_alone() -> None:
    story = Story(ONE)
    story.strangers.watch(ONE, lambda _now: bool(story.strangers.unwatch(ONE)) or True)
    story.turn()
    assert ONE not in story.poller.watched and story.poller.pending == []


def test_the_last_one_takes_the_pause_along() -> None:
    story = Story(ONE)
    story.turn()
    for one in (ONE, OTHER, THIRD):
        story.strangers.unwatch(one)
    assert story.poller.watched == {} and story.poller.pending == []


def test_whoever_leaves_the_line_keeps_nobody_waiting() -> None:
    story = Story(ONE, OTHER)
    for _turn in range(3):
        story.turn()
    story.strangers.unwatch(OTHER)
    story.flooded.discard(OTHER)
    del story.read[:]
    for _turn in range(200):
        story.turn()
    assert len(story.read) > 2 and set(story.read) == {ONE}
