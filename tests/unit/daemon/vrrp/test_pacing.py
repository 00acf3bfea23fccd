# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which announcements wait for which: per interface, per kind, per garp_group."""

from __future__ import annotations

import pytest

from mainstay.daemon.vrrp.pacing import Announcement, AnnouncementPacing
from mainstay.model.config import Config, GarpGroup, GlobalDefs
from mainstay.model.units import Duration, Instant, seconds

from ...scripted_poller import ScriptedPoller


class Story:
    """A pacing and what it sent: (second since the start, device, frame)."""

    def __init__(self, garp: Duration = 0, gna: Duration = 0, *groups: GarpGroup) -> None:
        self.poller = ScriptedPoller()
        self.began = self.poller.now()
        self.sent: list[tuple[float, str, bytes]] = []
        self.pacing = AnnouncementPacing(self.poller)
        self.follows(garp, gna, *groups)

    def follows(self, garp: Duration, gna: Duration, *groups: GarpGroup) -> None:
        defs = GlobalDefs(vrrp_garp_interval=garp, vrrp_gna_interval=gna)
        self.pacing.follow(Config(global_defs=defs, garp_groups={group.name: group for group in groups}))

    def note(self, announcement: Announcement, now: Instant) -> None:
        self.sent.append(((now - self.began) / seconds(1), announcement.device, announcement.frame))

    def of(self, device: str, frame: bytes, family: int = 4) -> Announcement:
        return Announcement(device, family, frame, self.note)

    def sends(self, *announcements: Announcement, rounds: int = 1) -> Story:
        self.pacing.send(announcements, rounds, self.poller.now())
        return self

    def after(self, span: float) -> list[tuple[float, str, bytes]]:
        self.poller.run_for(seconds(span))
        return self.sent


def test_without_a_gap_all_leave_within_the_call() -> None:
    story = Story()
    story.sends(story.of("eth0", b"a"), story.of("eth0", b"b"), rounds=2)
    assert story.sent == [(0, "eth0", b"a"), (0, "eth0", b"b")] * 2 and story.poller.pending == []


@pytest.mark.conformance("NDP-04")
def test_each_interface_and_each_kind_has_its_own_line() -> None:
    story = Story(garp=seconds(1), gna=seconds(2))
    story.sends(*(story.of(device, frame) for device in ("eth0", "eth1") for frame in (b"a", b"b")))
    story.sends(story.of("eth0", b"n", family=6), story.of("eth0", b"m", family=6))
    assert sorted(story.after(10)) == [
        (0, "eth0", b"a"), (0, "eth0", b"n"), (0, "eth1", b"a"),
        (1, "eth0", b"b"), (1, "eth1", b"b"), (2, "eth0", b"m"),
    ]  # fmt: skip


def test_interfaces_of_a_group_share_one_line() -> None:
    story = Story(0, 0, GarpGroup("switch", ("eth0", "eth1"), garp_interval=seconds(1)))
    story.sends(story.of("eth0", b"a"), story.of("eth1", b"b"), story.of("eth2", b"c"), story.of("eth2", b"d"))
    assert sorted(story.after(10)) == [(0, "eth0", b"a"), (0, "eth2", b"c"), (0, "eth2", b"d"), (1, "eth1", b"b")]


def test_neighbour_advertisements_of_a_group_have_a_line_of_their_own() -> None:
    story = Story(0, 0, GarpGroup("switch", ("eth0", "eth1"), gna_interval=seconds(2)))
    story.sends(story.of("eth0", b"a"), story.of("eth1", b"b"))
    story.sends(story.of("eth0", b"n", family=6), story.of("eth1", b"m", family=6))
    assert sorted(story.after(10)) == [(0, "eth0", b"a"), (0, "eth0", b"n"), (0, "eth1", b"b"), (2, "eth1", b"m")]


@pytest.mark.conformance_negative("NDP-04")
def test_what_is_dropped_does_not_leave_any_more() -> None:
    story = Story(garp=seconds(1))
    first, second = story.of("eth0", b"a"), story.of("eth0", b"b")
    story.sends(first, second, rounds=3)
    story.pacing.drop([second])
    assert {frame for _at, _device, frame in story.after(10)} == {b"a"}
    assert story.poller.pending == []


def test_a_reload_changes_the_gap_of_who_waits() -> None:
    story = Story(garp=seconds(5))
    story.sends(*(story.of("eth0", frame) for frame in (b"a", b"b", b"c", b"d")))
    story.follows(seconds(1), 0)
    assert [at for at, _device, _frame in story.after(10)] == [0, 5, 6, 7]
