# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pools that are read again and again: what is unchanged is not decoded, and what is changed is never missed."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given, strategies as st

from mainstay.lvs.table import Destination, DestinationKey, ServiceKey
from mainstay.net import ipvs_messages as messages
from mainstay.net.ipvs_pools import Pool, PoolMemory
from mainstay.net.netlink import decode, encode

WEB, DNS = ServiceKey("TCP", "192.0.2.10", 80), ServiceKey("UDP", "192.0.2.10", 53)

# A server as Linux 6.1 tells it, without its traffic; see test_ipvs_messages.
SERVER = (
    "05010000 78000200 14000100c0000215000000000000000000000000 060002001f900000 0800030003000000 0800040003000000"
    "05000d0000000000 06000e0000000000 06000f0000000000 0800050000000000 0800060000000000"
    "0800070002000000 0800080005000000 0800090000000000 06000b0002000000"
)
KEY = DestinationKey("192.0.2.21", 8080)

Count = tuple[ServiceKey, DestinationKey, int, int]


def told(weight: int = 3, active: int = 2, last_octet: int = 21, family: int = 2) -> bytes:
    """The server with other figures, in the kernel's order."""
    body = bytearray.fromhex(SERVER)
    struct.pack_into("=I", body, 48, weight)
    struct.pack_into("=I", body, 96, active)
    struct.pack_into("=H", body, 120, family)
    body[15] = last_octet
    return bytes(body)


@pytest.fixture
def memory() -> PoolMemory:
    return PoolMemory()


def counts(memory: PoolMemory) -> list[Count]:
    return list(memory.connections())


def test_an_unchanged_pool_is_the_very_same_object_and_its_connections_are_new(memory: PoolMemory) -> None:
    first = memory.pool(WEB, [told(), told(last_octet=22)])
    second = memory.pool(WEB, [told(active=9), told(last_octet=22)])
    assert second is first
    assert counts(memory) == [(WEB, KEY, 9, 5), (WEB, DestinationKey("192.0.2.22", 8080), 2, 5)]


def test_a_changed_server_is_seen(memory: PoolMemory) -> None:
    first = memory.pool(WEB, [told()])
    second = memory.pool(WEB, [told(weight=7)])
    assert (first[KEY].weight, second[KEY].weight) == (3, 7)


def test_a_server_that_is_gone_and_one_that_is_new_are_seen(memory: PoolMemory) -> None:
    memory.pool(WEB, [told(), told(last_octet=22)])
    assert [key.address for key in memory.pool(WEB, [told(), told(last_octet=23)])] == ["192.0.2.21", "192.0.2.23"]
    assert memory.pool(WEB, []) == {}


def test_equal_addresses_of_both_families_are_told_apart(memory: PoolMemory) -> None:
    memory.pool(WEB, [told()])
    (key,) = memory.pool(WEB, [told(family=10)])
    assert key.address == "c000:215::"


def test_services_do_not_share_their_memory_and_can_be_forgotten(memory: PoolMemory) -> None:
    memory.pool(WEB, [told()])
    memory.pool(DNS, [told(active=8)])
    assert [count[2] for count in counts(memory)] == [2, 8]
    memory.keep([DNS])
    assert (len(memory), [count[0] for count in counts(memory)]) == (1, [DNS])


def test_services_with_a_server_at_weight_0_are_known(memory: PoolMemory) -> None:
    memory.pool(WEB, [told(), told(last_octet=22, weight=0)])
    memory.pool(DNS, [told()])
    assert memory.with_weight_0() == {WEB}
    memory.pool(WEB, [told(), told(last_octet=22)])
    assert memory.with_weight_0() == set()


def test_a_kernel_that_tells_less_is_understood_and_never_mistaken(memory: PoolMemory) -> None:
    """Before 5.2 without the tunnel, so that the counts stand elsewhere."""
    attributes = decode(decode(told(), messages.HEADER_SIZE)[2])
    old = [(kind, field) for kind, field in attributes.items() if kind not in (13, 14, 15)]
    body = told()[: messages.HEADER_SIZE] + encode([(2, old)])
    for _reading in range(2):
        assert memory.pool(WEB, [body]) == {KEY: Destination(KEY, "DR", 3)}
        assert counts(memory) == [(WEB, KEY, 2, 5)]


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=6))
def test_every_reading_says_what_a_fresh_one_would(readings: list[tuple[int, int]]) -> None:
    memory = PoolMemory()
    for weight, active in readings:
        bodies = [told(weight, active), told(active, weight, 22)]
        fresh: Pool = PoolMemory().pool(WEB, bodies)
        assert memory.pool(WEB, bodies) == fresh
        assert [count[2] for count in counts(memory)] == [active, weight]
