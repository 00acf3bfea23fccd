# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prepared address orders, and what a refusal says."""

from __future__ import annotations

import errno
import typing as t

import pytest
from pyroute2.netlink.rtnl.ifaddrmsg import ifaddrmsg

from mainstay.model.config import VirtualAddress
from mainstay.model.units import seconds
from mainstay.net import rtnl
from mainstay.net.addresses import AddressProgram, LeasedAddress, kernel_form

ONE = LeasedAddress(rtnl.AddressKey(2, "192.0.2.10", 24), "eth0")
TWO = LeasedAddress(rtnl.AddressKey(2, "192.0.2.11", 24), "eth0", rtnl.AddressForm("eth0:vip"))


class Orders:
    """Records batches; refuses the messages of the sequence numbers in `refuse`."""

    def __init__(self) -> None:
        self.batches: list[bytes] = []
        self.refuse: dict[int, int] = {}
        self.broken = False
        self._sequence = 0

    def next_sequence(self) -> int:
        self._sequence += 1
        return self._sequence

    def send(self, batch: bytes) -> list[rtnl.Refused]:
        if self.broken:
            raise OSError(errno.ENOBUFS, "no")
        self.batches.append(batch)
        return [rtnl.Refused(sequence, number) for sequence, number in self.refuse.items()]


def program(orders: Orders, *addresses: LeasedAddress, lease: int = 2) -> AddressProgram:
    return AddressProgram(t.cast(t.Any, orders), addresses, lease)


def test_taking_is_one_send_for_all_addresses_with_the_lease() -> None:
    orders = Orders()
    assert program(orders, ONE, TWO).take() == []
    (batch,) = orders.batches
    held = list(rtnl.notices(batch))
    assert held == [rtnl.HeldAddress(ONE.key, False, 0, 2), rtnl.HeldAddress(TWO.key, False, 0, 2, label="eth0:vip")]


def test_without_a_lease_addresses_stay_for_ever() -> None:
    orders = Orders()
    program(orders, ONE, lease=0).take()
    assert list(rtnl.notices(orders.batches[0])) == [rtnl.HeldAddress(ONE.key, False, 0, None)]


def test_nothing_is_encoded_when_it_counts() -> None:
    orders = Orders()
    prepared = program(orders, ONE)
    prepared.take()
    prepared.take()
    assert orders.batches[0] is orders.batches[1]


def test_an_address_that_is_gone_already_is_no_complaint() -> None:
    orders = Orders()
    prepared = program(orders, ONE)
    orders.refuse = {2: errno.EADDRNOTAVAIL}
    assert prepared.release() == []


@pytest.mark.fault("F53")
def test_a_refusal_names_address_interface_and_remedy() -> None:
    orders = Orders()
    prepared = program(orders, ONE, TWO)
    orders.refuse = {2: errno.EPERM}
    assert prepared.take() == [
        "192.0.2.11/24 cannot be put on eth0: Operation not permitted; the daemon needs CAP_NET_ADMIN"
    ]


def test_a_kernel_that_takes_nothing_is_one_sentence() -> None:
    orders = Orders()
    prepared = program(orders, ONE)
    orders.broken = True
    (sentence,) = prepared.take()
    assert "No buffer space" in sentence


def test_no_addresses_is_no_order() -> None:
    orders = Orders()
    program(orders).take()
    assert orders.batches == []


@pytest.mark.parametrize(
    ("virtual", "form", "preferred"),
    [
        (VirtualAddress("192.0.2.10", 24), rtnl.PLAIN, None),
        (VirtualAddress("192.0.2.10", 24, label="eth0:v"), rtnl.AddressForm("eth0:v"), None),
        (VirtualAddress("192.0.2.10", 24, brd="+"), rtnl.AddressForm(None, "192.0.2.255"), None),
        (VirtualAddress("192.0.2.10", 24, brd="-"), rtnl.AddressForm(None, "192.0.2.0"), None),
        (VirtualAddress("192.0.2.10", 31, brd="+"), rtnl.PLAIN, None),
        (VirtualAddress("192.0.2.10", 24, brd="192.0.2.127"), rtnl.AddressForm(None, "192.0.2.127"), None),
        (VirtualAddress("192.0.2.10", 24, scope="link"), rtnl.AddressForm(scope=253), None),
        (VirtualAddress("192.0.2.10", 24, scope="7"), rtnl.AddressForm(scope=7), None),
        (VirtualAddress("192.0.2.10", 24, preferred_lft=0), rtnl.PLAIN, 0),
        (VirtualAddress("2001:db8::10", 64), rtnl.PLAIN, None),
        (VirtualAddress("2001:db8::10", 128), rtnl.PLAIN, 0),
        (VirtualAddress("2001:db8::10", 128, preferred_lft=seconds(60)), rtnl.PLAIN, 60),
    ],
    ids=str,
)
def test_the_words_of_the_configuration_become_the_kernel_s(
    virtual: VirtualAddress, form: rtnl.AddressForm, preferred: int | None
) -> None:
    assert kernel_form(virtual) == (form, preferred)


def preferred_seconds(batch: bytes) -> int:
    """Of one IPv4 address, as pyroute2 reads the order."""
    message = ifaddrmsg(batch)
    message.decode()
    return int(message.get_attr("IFA_CACHEINFO")["ifa_preferred"])


def test_the_time_as_a_source_runs_on_while_the_lease_is_renewed() -> None:
    orders = Orders()
    prepared = program(orders, LeasedAddress(ONE.key, "eth0", rtnl.PLAIN, preferred=10), lease=60)
    for age in (0, 4, 10, 500):
        prepared.take(age)
    assert [preferred_seconds(batch) for batch in orders.batches] == [10, 6, 0, 0]


def test_for_a_life_long_source_age_changes_nothing() -> None:
    orders = Orders()
    prepared = program(orders, ONE)
    prepared.take(0)
    prepared.take(500)
    assert orders.batches[0] is orders.batches[1]
