# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What edits leave to be done takes turns of its own, and nothing of it is lost."""

from __future__ import annotations

import typing as t

import pytest

from mainstay.daemon.health.errand import PARTS, TURN
from mainstay.daemon.health.loose_ends import LooseEnds
from mainstay.lvs.table import ServiceKey
from mainstay.net.data_plane import Unfinished

from ...scripted_poller import ScriptedPoller

WEB, DNS = ServiceKey("TCP", "192.0.2.10", 80), ServiceKey("UDP", "192.0.2.10", 53)


class EditedPlane:
    """An engine that has been edited; finishing it takes so many parts of a fifth of a turn."""

    def __init__(self, poller: ScriptedPoller) -> None:
        self._poller = poller
        self.left = 30
        self.done = 0
        self.complaint = ""

    def finish(self) -> t.Generator[None, None, None]:
        while self.left:
            self._poller.clock += TURN // 5
            if self.complaint:
                raise Unfinished(self.complaint, [WEB, DNS])
            self.left -= 1
            self.done += 1
            yield


class Lab:
    def __init__(self) -> None:
        self.poller = ScriptedPoller()
        self.plane: t.Any = EditedPlane(self.poller)
        self.complaints: list[t.Tuple[ServiceKey, str]] = []
        self.ends = LooseEnds(self.poller, lambda key, why: self.complaints.append((key, why)))


@pytest.fixture
def lab() -> Lab:
    return Lab()


def test_it_is_done_in_later_turns_some_parts_at_a_time(lab: Lab) -> None:
    lab.ends.begin(lab.plane)
    assert lab.plane.done == 0, "the edit does not wait for it"
    lab.poller.run_for(0)
    assert lab.plane.done == PARTS, "a turn has its end"
    lab.poller.run_for(10 * TURN)
    assert (lab.plane.left, lab.complaints) == (0, [])


def test_another_edit_meanwhile_begins_nothing_beside_it(lab: Lab) -> None:
    lab.ends.begin(lab.plane)
    lab.ends.begin(lab.plane)
    assert len(lab.poller.pending) == 1


def test_why_it_cannot_be_done_is_said_once_and_shown_until_it_can(lab: Lab) -> None:
    lab.plane.complaint = "no nf_conntrack_netlink"
    for _edit in range(3):
        lab.ends.begin(lab.plane)
        lab.poller.run_for(100 * TURN)
    assert sorted(lab.complaints, key=str) == [(WEB, "no nf_conntrack_netlink"), (DNS, "no nf_conntrack_netlink")]
    assert lab.ends.why(WEB) == "no nf_conntrack_netlink"
    lab.plane.complaint = ""
    lab.ends.begin(lab.plane)
    lab.poller.run_for(100 * TURN)
    assert (lab.ends.why(WEB), lab.plane.left) == ("", 0)


def test_before_the_engine_is_closed_all_of_it_is_done(lab: Lab) -> None:
    lab.ends.begin(lab.plane)
    lab.poller.run_for(0)
    lab.ends.complete(lab.plane)
    assert (lab.plane.left, lab.poller.pending) == (0, [])


def test_what_is_known_not_to_work_is_not_said_again_at_the_end(lab: Lab) -> None:
    lab.plane.complaint = "no nf_conntrack_netlink"
    lab.ends.begin(lab.plane)
    lab.poller.run_for(TURN)
    lab.ends.complete(lab.plane)
    assert len(lab.complaints) == 2
    assert lab.ends.why(WEB) == "", "of the next engine nothing is known"
