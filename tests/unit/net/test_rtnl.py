# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Route netlink as bytes: what we encode is what the kernel expects, and any bytes decode without a fault."""

from __future__ import annotations

import contextlib
import dataclasses
import struct

import pytest
from hypothesis import given, strategies as st
from pyroute2.netlink.rtnl.ifaddrmsg import ifaddrmsg
from pyroute2.netlink.rtnl.ifinfmsg import ifinfmsg

from mainstay.net import rtnl

KEY = rtnl.AddressKey(3, "192.0.2.10", 24)

# The same from pyroute2 0.5.14, 0.7.2, 0.8.1 and 0.9.7.
NEW_ADDRESS = (
    "48000000140001050700000000000000021800000300000008000200c000020a08000100c000020a"
    "14000600030000000300000000000000000000000b000300657468303a310000"
)
DELETE_ADDRESS = "28000000150001000800000000000000021800000300000008000200c000020a08000100c000020a"


def encoded(message: object, kind: int, **fields: object) -> bytes:
    """A notification as the kernel would send it, encoded by pyroute2."""
    for name, value in fields.items():
        message[name] = value  # type: ignore[index]
    message["header"]["type"] = kind  # type: ignore[index]
    message.encode()  # type: ignore[attr-defined]
    return bytes(message.data)  # type: ignore[attr-defined]


def address_notification(kind: int = rtnl.RTM_NEWADDR, valid: int = 7, **fields: object) -> bytes:
    life = {"ifa_preferred": valid, "ifa_valid": valid, "cstamp": 1, "tstamp": 1}
    attributes = [["IFA_ADDRESS", "192.0.2.10"], ["IFA_LOCAL", "192.0.2.10"], ["IFA_CACHEINFO", life]]
    usual = {"family": 2, "prefixlen": 24, "index": 3, "attrs": attributes}
    return encoded(ifaddrmsg(), kind, **{**usual, **fields})


def link_notification(kind: int = rtnl.RTM_NEWLINK, **fields: object) -> bytes:
    attributes = [["IFLA_IFNAME", "eth0"], ["IFLA_MTU", 1500], ["IFLA_ADDRESS", "02:00:00:00:00:01"]]
    usual = {"family": 0, "ifi_type": 1, "index": 3, "flags": 0x41, "attrs": attributes}
    return encoded(ifinfmsg(), kind, **{**usual, **fields})


def test_taking_an_address_is_the_message_every_pyroute2_makes() -> None:
    assert rtnl.address_request(rtnl.RTM_NEWADDR, KEY, 7, rtnl.AddressForm("eth0:1"), 3).hex() == NEW_ADDRESS


def test_releasing_an_address_carries_no_lifetime() -> None:
    assert rtnl.address_request(rtnl.RTM_DELADDR, KEY, 8).hex() == DELETE_ADDRESS


@given(
    key=st.builds(
        rtnl.AddressKey, st.integers(1, 2**31 - 1), st.ip_addresses(v=4).map(str), st.integers(0, 32)
    ),
    label=st.none() | st.text("abcdefgh0123456789:", min_size=1, max_size=15),
    lifetime=st.integers(1, rtnl.FOREVER),
)
def test_any_request_is_what_pyroute2_makes_of_it(key: rtnl.AddressKey, label: str | None, lifetime: int) -> None:
    life = {"ifa_preferred": lifetime, "ifa_valid": lifetime}
    attributes = [["IFA_LOCAL", key.address], ["IFA_ADDRESS", key.address], ["IFA_CACHEINFO", life]]
    attributes += [["IFA_LABEL", label]] if label else []
    header = {"type": rtnl.RTM_NEWADDR, "flags": 0x501, "sequence_number": 7}
    message = ifaddrmsg()
    fields = {"family": 2, "prefixlen": key.prefix_length, "index": key.index, "attrs": attributes}
    for name, value in fields.items():
        message[name] = value
    for name, value in header.items():
        message["header"][name] = value
    message.encode()

    form = rtnl.AddressForm(label)
    assert rtnl.address_request(rtnl.RTM_NEWADDR, key, 7, form, lifetime) == bytes(message.data)


def test_an_address_notification_becomes_a_value() -> None:
    assert list(rtnl.notices(address_notification())) == [rtnl.HeldAddress(KEY, False, 0, 7)]


def test_an_address_for_ever_has_no_seconds_left_to_count() -> None:
    (held,) = rtnl.notices(address_notification(valid=rtnl.FOREVER))
    assert isinstance(held, rtnl.HeldAddress) and held.valid_seconds is None


def test_a_removed_address_is_known_by_its_key() -> None:
    assert list(rtnl.notices(address_notification(rtnl.RTM_DELADDR))) == [rtnl.AddressGone(KEY)]


def test_addresses_of_other_families_are_skipped() -> None:
    assert list(rtnl.notices(address_notification(family=28, attrs=[["IFA_ADDRESS", "2001:db8::1"]]))) == []


def as_pyroute2_makes_it(key: rtnl.AddressKey, attributes: list[list[object]], scope: int = 0) -> bytes:
    message = ifaddrmsg()
    family = 10 if key.family == 6 else 2
    fields = {"family": family, "prefixlen": key.prefix_length, "index": key.index, "scope": scope, "attrs": attributes}
    for name, value in fields.items():
        message[name] = value
    for name, value in {"type": rtnl.RTM_NEWADDR, "flags": 0x501, "sequence_number": 7}.items():
        message["header"][name] = value
    message.encode()
    return bytes(message.data)


@pytest.mark.conformance("NDP-08")
def test_an_ipv6_address_is_taken_without_duplicate_address_detection() -> None:
    key = rtnl.AddressKey(3, "2001:db8::10", 128)
    life = {"ifa_preferred": 0, "ifa_valid": 3}
    attributes = [["IFA_LOCAL", key.address], ["IFA_ADDRESS", key.address], ["IFA_CACHEINFO", life]]
    attributes += [["IFA_FLAGS", 0x02]]
    request = rtnl.address_request(rtnl.RTM_NEWADDR, key, 7, rtnl.PLAIN, 3, preferred=0)
    assert request == as_pyroute2_makes_it(key, attributes)


def test_scope_and_broadcast_of_an_ipv4_address_travel_with_it() -> None:
    life = {"ifa_preferred": 2, "ifa_valid": 3}
    attributes = [["IFA_LOCAL", KEY.address], ["IFA_ADDRESS", KEY.address], ["IFA_CACHEINFO", life]]
    attributes += [["IFA_BROADCAST", "192.0.2.255"], ["IFA_LABEL", "eth0:1"]]
    form = rtnl.AddressForm("eth0:1", "192.0.2.255", 253)
    request = rtnl.address_request(rtnl.RTM_NEWADDR, KEY, 7, form, 3, preferred=2)
    assert request == as_pyroute2_makes_it(KEY, attributes, scope=253)


def test_an_address_is_preferred_no_longer_than_it_lives() -> None:
    longer = rtnl.address_request(rtnl.RTM_NEWADDR, KEY, 7, rtnl.PLAIN, 3, preferred=60)
    assert longer == rtnl.address_request(rtnl.RTM_NEWADDR, KEY, 7, rtnl.PLAIN, 3)


@pytest.mark.parametrize(
    ("flags", "tentative", "dad_failed"),
    [(0x80, False, False), (0x40, True, False), (0x48, True, True), (0x44, False, False)],
    ids=["usable", "tentative", "failed", "optimistic"],
)
@pytest.mark.conformance("NDP-08")
def test_an_ipv6_notification_says_whether_the_address_can_be_used(
    flags: int, tentative: bool, dad_failed: bool
) -> None:
    attributes = [["IFA_ADDRESS", "fe80::1"], ["IFA_FLAGS", flags]]
    fields = {"family": 10, "prefixlen": 64, "scope": 253, "attrs": attributes}
    (held,) = rtnl.notices(address_notification(**fields))
    key = rtnl.AddressKey(3, "fe80::1", 64)
    assert held == rtnl.HeldAddress(key, False, 253, None, tentative=tentative, dad_failed=dad_failed)


def test_an_ipv4_notification_tells_the_form() -> None:
    attributes = [["IFA_LOCAL", KEY.address], ["IFA_BROADCAST", "192.0.2.255"], ["IFA_LABEL", "eth0:1"]]
    (held,) = rtnl.notices(address_notification(scope=253, attrs=attributes))
    assert isinstance(held, rtnl.HeldAddress)
    assert held.form == rtnl.AddressForm("eth0:1", "192.0.2.255", 253)


def test_a_link_notification_becomes_a_value() -> None:
    expected = rtnl.Link(3, "eth0", enabled=True, running=True, hardware_address=bytes([2, 0, 0, 0, 0, 1]), mtu=1500)
    assert list(rtnl.notices(link_notification())) == [expected]
    attributes = [["IFLA_IFNAME", "eth0"], ["IFLA_MTU", 576], ["IFLA_ADDRESS", "02:00:00:00:00:01"]]
    assert list(rtnl.notices(link_notification(attrs=attributes))) == [dataclasses.replace(expected, mtu=576)]


def test_a_link_without_carrier_is_enabled_and_does_not_run() -> None:
    (link,) = rtnl.notices(link_notification(flags=0x1))
    assert isinstance(link, rtnl.Link) and link.enabled and not link.running


def test_a_port_that_leaves_its_bridge_is_not_a_link_that_is_gone() -> None:
    assert list(rtnl.notices(link_notification(rtnl.RTM_DELLINK, family=7))) == []
    assert list(rtnl.notices(link_notification(rtnl.RTM_DELLINK))) == [rtnl.LinkGone(3)]


def test_several_messages_come_in_one_datagram() -> None:
    together = link_notification() + address_notification()
    assert [type(notice) for notice in rtnl.notices(together)] == [rtnl.Link, rtnl.HeldAddress]


def test_a_refusal_carries_sequence_and_errno_and_an_acknowledgement_is_nothing() -> None:
    refused = struct.pack("=IHHIIi", 20, 2, 0, 41, 0, -19)
    assert list(rtnl.notices(refused)) == [rtnl.Refused(41, 19)]
    assert list(rtnl.notices(struct.pack("=IHHIIi", 20, 2, 0, 41, 0, 0))) == []


def test_a_dump_that_changed_under_the_reader_says_so() -> None:
    flagged = bytearray(address_notification())
    struct.pack_into("=H", flagged, 6, 0x10)
    with pytest.raises(rtnl.DumpInterrupted):
        list(rtnl.notices(bytes(flagged)))


@given(st.binary(max_size=200), st.integers(0, 200))
def test_any_bytes_decode_without_a_fault(junk: bytes, cut: int) -> None:
    whole = link_notification() + address_notification()
    for datagram in (junk, whole[:cut], whole[:cut] + junk):
        with contextlib.suppress(rtnl.DumpInterrupted):
            list(rtnl.notices(datagram))
