# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which interface can carry VRRP, from which address, and the sentence when it cannot."""

from __future__ import annotations

import typing as t
from dataclasses import replace

import pytest

from mainstay.net import rtnl
from mainstay.net.standing import Wanted, primary_address, standing_of

UP = rtnl.Link(2, "eth0", True, True, b"\x02\0\0\0\0\1")


def held(address: str, secondary: bool = False, scope: int = 0) -> rtnl.HeldAddress:
    return rtnl.HeldAddress(rtnl.AddressKey(2, address, 24), secondary, scope, None)


class Mirror:
    def __init__(self, link: rtnl.Link | None, *addresses: rtnl.HeldAddress) -> None:
        self._link, self._addresses = link, addresses

    def named(self, _name: str) -> rtnl.Link | None:
        return self._link

    def addresses(self, _index: int) -> t.Sequence[rtnl.HeldAddress]:
        return self._addresses


def test_the_first_primary_address_is_the_source() -> None:
    addresses = [held("192.0.2.9", secondary=True), held("192.0.2.1"), held("198.51.100.1")]
    assert primary_address(addresses, ()) == "192.0.2.1"


def test_a_virtual_address_is_never_the_source() -> None:
    """F30: not even when it is the only one left."""
    assert primary_address([held("192.0.2.10"), held("192.0.2.1")], {"192.0.2.10"}) == "192.0.2.1"
    assert primary_address([held("192.0.2.10")], {"192.0.2.10"}) is None


def test_the_present_source_stays_as_long_as_it_is_there() -> None:
    addresses = [held("192.0.2.1"), held("192.0.2.2", secondary=True)]
    assert primary_address(addresses, (), present="192.0.2.2") == "192.0.2.2"
    assert primary_address(addresses, (), present="192.0.2.3") == "192.0.2.1"


def test_link_local_is_better_than_nothing_and_loopback_is_nothing() -> None:
    assert primary_address([held("169.254.0.1", scope=253), held("192.0.2.1")], ()) == "192.0.2.1"
    assert primary_address([held("169.254.0.1", scope=253)], ()) == "169.254.0.1"
    assert primary_address([held("127.0.0.2", scope=254)], ()) is None


@pytest.mark.parametrize(
    ("link", "addresses", "cause"),
    [
        (None, [], "interface eth0 does not exist"),
        (rtnl.Link(2, "eth0", False, False, b""), [held("192.0.2.1")], "is down"),
        (rtnl.Link(2, "eth0", True, False, b""), [held("192.0.2.1")], "no carrier on eth0"),
        (UP, [], "no IPv4 address on eth0"),
        (UP, [held("192.0.2.10")], "no IPv4 address on eth0"),
    ],
)
def test_what_is_wrong_is_said(link: rtnl.Link | None, addresses: list[rtnl.HeldAddress], cause: str) -> None:
    standing = standing_of(t.cast(t.Any, Mirror(link, *addresses)), "eth0", {"192.0.2.10"})
    assert not standing.usable and cause in standing.cause


def test_a_good_interface_is_usable() -> None:
    standing = standing_of(t.cast(t.Any, Mirror(UP, held("192.0.2.1"))), "eth0", ())
    assert standing.usable and (standing.link, standing.source) == (UP, "192.0.2.1")


# ---- IPv6

LINK_LOCAL = rtnl.HeldAddress(rtnl.AddressKey(2, "fe80::1", 64), False, 253, None)
GLOBAL = rtnl.HeldAddress(rtnl.AddressKey(2, "2001:db8::1", 64), False, 0, None)
IPV6 = Wanted(6)


def ipv6_standing(*addresses: rtnl.HeldAddress, wanted: Wanted = IPV6, present: str | None = None) -> t.Any:
    mirror = t.cast(t.Any, Mirror(UP, held("192.0.2.1"), *addresses))
    return standing_of(mirror, "eth0", {"fe80::10", "2001:db8::10"}, present, wanted)


@pytest.mark.conformance("PKT-14")
def test_ipv6_is_sent_from_the_link_local_address() -> None:
    standing = ipv6_standing(GLOBAL, LINK_LOCAL)
    assert standing.usable and standing.source == "fe80::1"


@pytest.mark.conformance_negative("PKT-14")
@pytest.mark.parametrize(
    ("addresses", "cause"),
    [
        ([GLOBAL], "no link-local IPv6 address on eth0"),
        ([replace(LINK_LOCAL, key=rtnl.AddressKey(2, "fe80::10", 64))], "no link-local IPv6 address on eth0"),
        ([replace(LINK_LOCAL, tentative=True)], "still tentative"),
        ([replace(LINK_LOCAL, tentative=True, dad_failed=True)], "failed for fe80::1 on eth0: another machine has it"),
    ],
    ids=["global only", "virtual", "tentative", "failed"],
)
def test_without_a_usable_link_local_address_it_says_why(addresses: list[rtnl.HeldAddress], cause: str) -> None:
    standing = ipv6_standing(*addresses)
    assert standing.source is None and cause in standing.cause


def test_to_peers_beyond_the_link_it_is_a_global_address() -> None:
    standing = ipv6_standing(LINK_LOCAL, GLOBAL, wanted=Wanted(6, routed=True))
    assert standing.source == "2001:db8::1"
    assert "no global IPv6 address" in ipv6_standing(LINK_LOCAL, wanted=Wanted(6, routed=True)).cause


@pytest.mark.conformance("PKT-14")
def test_a_source_that_is_told_is_used_as_soon_as_it_is_there() -> None:
    wanted = Wanted(4, "192.0.2.9")
    there = standing_of(t.cast(t.Any, Mirror(UP, held("192.0.2.1"), held("192.0.2.9"))), "eth0", (), None, wanted)
    assert there.usable and there.source == "192.0.2.9"
    missing = standing_of(t.cast(t.Any, Mirror(UP, held("192.0.2.1"))), "eth0", (), "192.0.2.1", wanted)
    assert missing.cause == "192.0.2.9, which adverts are to be sent from, is not on eth0"
