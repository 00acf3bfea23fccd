# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The mirror of links and addresses, fed by a scripted kernel."""

from __future__ import annotations

import dataclasses
import typing as t

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

    def dump(self, message_type: int) -> list[rtnl.Notice]:
        return list(self.links if message_type == rtnl.RTM_GETLINK else self.addresses)

    def fileno(self) -> int:
        return 7

    def receive(self) -> list[rtnl.Notice] | None:
        if not self.queue:
            return None
        said = self.queue.pop(0)
        if isinstance(said, Exception):
            raise said
        return said


class Story:
    """A mirror, its kernel, and the names it told of."""

    def __init__(self) -> None:
        self.kernel = ScriptedKernel()
        self.told: list[set[str]] = []
        self.poller = ScriptedPoller()
        kernel = t.cast(t.Any, self.kernel)
        self.mirror = LinkMirror(self.poller, kernel, kernel, lambda names, _now: self.told.append(set(names)))
        self.mirror.open()

    def hears(self, *datagrams: list[rtnl.Notice] | Exception) -> None:
        self.kernel.queue = list(datagrams)
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
