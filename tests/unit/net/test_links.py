# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The mirror of links and addresses, fed by a scripted kernel."""

from __future__ import annotations

import dataclasses
import errno
import typing as t

import pytest

from mainstay.model.units import seconds
from mainstay.net import rtnl
from mainstay.net.links import LinkMirror
from mainstay.net.rtnl_socket import ListenerOverrun

from ..scripted_poller import ScriptedPoller

ETH0 = rtnl.Link(2, "eth0", True, True, b"\x02\0\0\0\0\1")
ETH1 = rtnl.Link(3, "eth1", True, True, b"\x02\0\0\0\0\2")
OWN = rtnl.HeldAddress(rtnl.AddressKey(2, "192.0.2.1", 24), False, 0, None)
VIP = rtnl.HeldAddress(rtnl.AddressKey(2, "192.0.2.10", 24), True, 0, 2)


class ScriptedKernel:
    """Both sockets: dumps what `links` and `addresses` hold, reports what `queue` holds."""

    def __init__(self) -> None:
        self.links: list[rtnl.Notice] = [ETH0, ETH1]
        self.addresses: list[rtnl.Notice] = [OWN]
        self.queue: list[list[rtnl.Notice] | Exception] = []
        self.churns = False
        self.dumps = 0
        self.reads = 0
        self.takes_time: t.Callable[[], None] = lambda: None

    def dump(self, message_type: int) -> list[rtnl.Notice]:
        self.dumps += 1
        if self.churns:
            raise OSError(errno.EBUSY, "the kernel's table changed during every attempt to read it")
        return list(self.links if message_type == rtnl.RTM_GETLINK else self.addresses)

    def fileno(self) -> int:
        return 7

    def receive(self) -> list[rtnl.Notice] | None:
        if not self.queue:
            return None
        self.reads += 1
        self.takes_time()
        said = self.queue.pop(0)
        if isinstance(said, Exception):
            raise said
        return said


class Story:
    """A mirror, its kernel, and the names it told of."""

    def __init__(self, churns: bool = False) -> None:
        self.kernel = ScriptedKernel()
        self.kernel.churns = churns
        self.told: list[set[str]] = []
        self.poller = ScriptedPoller()
        kernel = t.cast(t.Any, self.kernel)
        self.mirror = LinkMirror(self.poller, kernel, kernel, lambda names, _now: self.told.append(set(names)))
        self.mirror.open(self.poller.now())

    def hears(self, *datagrams: list[rtnl.Notice] | Exception) -> None:
        self.kernel.queue = list(datagrams)
        self.wakes_up()

    def reading_takes(self, span: float) -> None:
        """For each notification, in seconds."""

        def passes() -> None:
            self.poller.clock += seconds(span)

        self.kernel.takes_time = passes

    def wakes_up(self) -> None:
        _interest, ready = self.poller.watched[7]
        ready(1, self.poller.now())


def test_it_starts_with_what_the_kernel_holds_and_tells_nobody() -> None:
    story = Story()
    assert story.mirror.named("eth0") == ETH0
    assert story.mirror.addresses(2) == [OWN]
    assert story.told == []


def test_a_new_address_is_told_once_and_its_refreshes_are_not() -> None:
    story = Story()
    story.hears([VIP])
    story.hears([dataclasses.replace(VIP, valid_seconds=3)])
    assert story.mirror.held(VIP.key) is not None
    assert story.told == [{"eth0"}]


def test_everything_that_waits_is_applied_before_anybody_is_told() -> None:
    story = Story()
    story.hears([VIP], [rtnl.AddressGone(VIP.key)], [VIP])
    assert story.told == [{"eth0"}] and story.mirror.held(VIP.key) == VIP


def test_a_deleted_link_takes_its_addresses_along() -> None:
    story = Story()
    story.hears([rtnl.LinkGone(2)])
    assert story.mirror.named("eth0") is None and story.mirror.addresses(2) == []
    assert story.told == [{"eth0"}]


def test_a_renamed_link_is_told_under_both_names() -> None:
    story = Story()
    story.hears([rtnl.Link(2, "wan0", True, True, ETH0.hardware_address)])
    assert story.told == [{"eth0", "wan0"}]
    assert story.mirror.named("eth0") is None


def test_a_change_that_does_not_matter_is_not_told() -> None:
    story = Story()
    story.hears([ETH1])
    assert story.told == []


def test_after_an_overrun_everything_is_read_anew() -> None:
    """F52."""
    story = Story()
    story.kernel.links, story.kernel.addresses = [ETH0], [OWN, VIP]
    story.hears(ListenerOverrun())
    assert story.mirror.held(VIP.key) == VIP and story.mirror.named("eth1") is None
    assert story.told == [{"eth0", "eth1"}] and story.mirror.overruns == 1


def test_what_was_queued_before_the_loss_does_not_undo_what_was_read_after_it() -> None:
    """The removal waits still, the notification that the address is back is the lost one."""
    story = Story()
    story.hears([VIP])
    story.kernel.addresses = [OWN, VIP]
    story.reading_takes(0.001)
    story.hears(ListenerOverrun(), *[[ETH1]] * 20, [rtnl.AddressGone(VIP.key)])
    for _turn in range(10):
        story.wakes_up()
    assert story.mirror.held(VIP.key) == VIP


def test_a_table_that_never_holds_still_leaves_the_old_picture_and_is_read_again_soon() -> None:
    story = Story()
    story.kernel.churns = True
    story.hears(ListenerOverrun())
    assert story.mirror.named("eth0") == ETH0 and story.mirror.addresses(2) == [OWN]
    assert "changed during every attempt" in story.mirror.problem and story.told == [set()]

    story.hears([VIP])
    assert story.mirror.held(VIP.key) == VIP, "what still comes is applied"
    assert story.kernel.dumps == 3, "and nothing more is asked for before 100 ms have passed"

    story.kernel.churns, story.kernel.links = False, [ETH0]
    story.poller.run_for(seconds(0.1))
    assert story.mirror.problem == "" and story.mirror.named("eth1") is None
    assert story.told[-1] == {"eth0", "eth1"} and story.poller.pending == []


def test_nothing_is_known_until_the_first_reading_succeeds_and_then_it_is_told() -> None:
    story = Story(churns=True)
    story.poller.run_for(seconds(1))
    assert not story.mirror.known and story.poller.pending, "it goes on trying"
    story.kernel.churns = False
    story.poller.run_for(seconds(0.1))
    assert story.mirror.known and story.told[-1] == {"eth0", "eth1"}


def test_a_flood_does_not_keep_the_loop_and_is_told_again_at_its_end() -> None:
    """A thousand notifications of 1 ms each: adverts are due in between."""
    story = Story()
    story.reading_takes(0.001)
    story.hears([VIP], *[[ETH1]] * 1000)
    assert story.kernel.reads <= 10 and story.told == [{"eth0"}]
    caught_up = story.mirror.caught_up
    for _turn in range(300):
        story.wakes_up()
    assert story.kernel.queue == [] and story.mirror.caught_up > caught_up
    assert story.told == [{"eth0"}, {"eth0"}], "who could not judge half a picture looks again at the whole one"


def test_a_closed_mirror_tries_nothing_again() -> None:
    story = Story(churns=True)
    story.kernel.close = lambda: None  # type: ignore[attr-defined]
    story.mirror.close()
    assert story.poller.pending == [] and story.poller.watched == {}


@pytest.mark.conformance("NDP-08")
def test_an_ipv6_address_is_told_again_when_it_becomes_usable_or_fails_to() -> None:
    new = rtnl.HeldAddress(rtnl.AddressKey(2, "fe80::1", 64), False, 253, None, tentative=True)
    story = Story()
    story.hears([new])
    story.hears([dataclasses.replace(new, tentative=False)])
    story.hears([dataclasses.replace(new, tentative=False)])
    story.hears([dataclasses.replace(new, dad_failed=True)])
    assert story.told == [{"eth0"}] * 3
