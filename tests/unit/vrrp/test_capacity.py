# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many addresses an advert carries (PKT-12)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mainstay.model.config import GlobalDefs, VirtualAddress, VrrpInstance
from mainstay.model.defaults import RunningInstance, running
from mainstay.model.units import seconds
from mainstay.model.vrrp_config import Authentication, HmacAuthentication, HmacKey
from mainstay.vrrp.advert import Advert
from mainstay.vrrp.authentication import auth_data
from mainstay.vrrp.capacity import advertised, capacity
from mainstay.vrrp.hmac_trailer import TRAILER_SIZE
from mainstay.vrrp.packet import encode_advert

IPV4 = tuple(VirtualAddress(f"198.51.{number // 250}.{number % 250}") for number in range(400))
IPV6 = (VirtualAddress("fe80::1", 64), *(VirtualAddress(f"2001:db8::{number:x}", 128) for number in range(1, 400)))
HMAC = HmacAuthentication((HmacKey(1, b"k" * 32),), 1)


def instance(addresses: tuple[VirtualAddress, ...], **options: object) -> RunningInstance:
    return running(replace(VrrpInstance("VI_1", "eth0", 51, addresses), **options), GlobalDefs())  # type: ignore[arg-type]


@pytest.mark.conformance("PKT-12")
@pytest.mark.parametrize(
    ("configured", "mtu", "count"),
    [
        (instance(IPV4), 1500, 255),
        (instance(IPV4), 576, 137),
        (instance(IPV4, auth_hmac=HMAC), 576, 130),
        (instance(IPV4, version=2), 576, 135),
        (instance(IPV6), 1500, 90),
        (instance(IPV6), 1280, 77),
        (instance(IPV6, auth_hmac=HMAC), 1280, 75),
        (instance(IPV4), 68, 10),
    ],
    ids=["the count's own limit", "576", "576 signed", "version 2", "IPv6", "IPv6 1280", "IPv6 signed", "68"],
)
@pytest.mark.fault("F46")
def test_as_many_as_make_a_packet_that_the_link_takes(configured: RunningInstance, mtu: int, count: int) -> None:
    assert capacity(configured, mtu) == count
    assert packet_size(configured, count) <= mtu
    assert count == 255 or packet_size(configured, count + 1) > mtu


def packet_size(configured: RunningInstance, count: int) -> int:
    """Of the whole IP packet, from the codec."""
    ipv6, version = configured.family == 6, configured.version
    source, group = ("fe80::2", "ff02::12") if ipv6 else ("192.0.2.1", "224.0.0.18")
    listed = tuple(virtual.address for virtual in configured.virtual_ipaddress[:count])
    message = encode_advert(Advert(version, 51, 100, seconds(1), listed), source, group)
    return (40 if ipv6 else 20) + len(message) + (TRAILER_SIZE if configured.auth_hmac else 0)


@pytest.mark.conformance_negative("PKT-12")
def test_the_excess_is_cut_from_the_end_of_the_list() -> None:
    configured = instance(IPV6)
    assert advertised(configured, 1500) == IPV6[:90]
    assert advertised(instance(IPV6[:3]), 1500) == IPV6[:3]


def test_a_password_does_not_change_the_size_of_version_2() -> None:
    """The authentication data is always there (PKT-08)."""
    secured = instance(IPV4, version=2, authentication=Authentication("PASS", "1111"))
    assert capacity(secured, 576) == capacity(instance(IPV4, version=2), 576)
    assert len(auth_data("1111")) == 8
