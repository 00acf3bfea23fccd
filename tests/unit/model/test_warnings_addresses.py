# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses that are hardly meant: no host's, leased for too long, in one subnet with those of another group."""

from __future__ import annotations

import typing as t

import pytest

from mainstay.model.load import load_config
from mainstay.model.warnings import warnings


def warned(*instances: t.Mapping[str, t.Any], **sections: t.Any) -> t.List[t.Tuple[str, str]]:
    usual = {"interface": "eth0", "priority": 100}
    document = {
        "vrrp_instances": {
            f"VI_{number}": {**usual, "virtual_router_id": number, "virtual_ipaddress": ["192.0.2.10/24"], **one}
            for number, one in enumerate(instances, 1)
        },
        **sections,
    }
    return [(warning.path, warning.message) for warning in warnings(load_config(document))]


@pytest.mark.parametrize(
    ("options", "late"),
    [
        ({"vip_lease": 3}, "3 s: after a crash both machines hold the addresses for up to 0.3 s"),
        ({"vip_lease": 10, "advert_int": 2}, "6 s: after a crash both machines hold the addresses for up to 4.3 s"),
        ({"vip_lease": 2, "down_timer_adverts": 2}, "2 s: after a crash both machines hold the addresses for up to"),
    ],
)
def test_a_lease_that_outlives_the_patience_of_a_backup(options: t.Dict[str, t.Any], late: str) -> None:
    ((path, message),) = warned(options)
    assert path == "vrrp_instances.VI_1.vip_lease"
    assert f"ends after a backup may take over, {late}" in message


@pytest.mark.parametrize(
    "options",
    [
        {"vip_lease": 2},
        {"vip_lease": 5, "advert_int": 2},
        {"vip_lease": 3, "down_timer_adverts": 4},
        {"vip_lease": 0},
        {"vip_lease": 10, "priority": 255},
        {"advert_int": 0.1},
    ],
)
def test_a_lease_that_ends_in_time_or_was_not_asked_for(options: t.Dict[str, t.Any]) -> None:
    assert warned(options) == []


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("127.0.0.10/8", "is a loopback address"),
        ("192.0.2.0/24", "is the network address of 192.0.2.0/24"),
        ("192.0.2.64/26", "is the network address of 192.0.2.64/26"),
        ("192.0.2.255/24", "is the broadcast address of 192.0.2.0/24"),
        ("2001:db8::/64", "is the subnet-router anycast address of 2001:db8::/64"),
        ("::1/128", "is a loopback address"),
    ],
)
@pytest.mark.parametrize("key", ["virtual_ipaddress", "virtual_ipaddress_excluded"])
def test_an_address_that_is_no_hosts(key: str, address: str, said: str) -> None:
    before = ["fe80::1/64"] if ":" in address and key == "virtual_ipaddress" else []
    ((path, message),) = warned({key: [*before, address]})
    assert path == f"vrrp_instances.VI_1.{key}[{len(before)}]"
    assert said in message


@pytest.mark.parametrize("address", ["192.0.2.0/31", "192.0.2.1/31", "192.0.2.0", "192.0.2.255/23", "192.0.2.64/24"])
def test_an_address_that_only_looks_like_it(address: str) -> None:
    assert warned({"virtual_ipaddress": [address]}) == []


GROUPS = {"G1": {"group": ["VI_1", "VI_2"]}, "G2": {"group": ["VI_3", "VI_4"]}}


def members(third: str, **options: t.Any) -> t.List[t.Dict[str, t.Any]]:
    """Four instances of two groups; the third one's address is said."""
    addresses = ["192.0.2.10/24", "192.0.2.11/24", third, "203.0.113.10/24"]
    made = [{"virtual_ipaddress": [address]} for address in addresses]
    return [*made[:2], {**made[2], **options}, made[3]]


def test_two_groups_in_one_subnet_take_each_others_addresses_away() -> None:
    """What an operator meets with keepalived's sample of sync groups: VI_3 is in the subnet of VI_5 to VI_9."""
    ((path, message),) = warned(*members("192.0.2.12/24"), vrrp_sync_groups=GROUPS)
    assert path == "vrrp_instances.VI_3.virtual_ipaddress[0]"
    assert "(192.0.2.0/24 on eth0) with vrrp_instances.VI_1.virtual_ipaddress[0] of group G1" in message
    assert "Set promote_secondaries" in message


@pytest.mark.parametrize(
    ("third", "options"),
    [
        ("192.0.2.12/24", {"promote_secondaries": True}),
        ("192.0.2.12/24", {"interface": "eth1"}),
        ("192.0.2.12/25", {}),
        ("192.0.2.12/32", {}),
        ("192.0.2.12/24 dev eth1", {}),
    ],
    ids=["promoted", "another interface", "another subnet", "alone in its subnet", "another device"],
)
def test_two_groups_that_leave_each_other_alone(third: str, options: t.Dict[str, t.Any]) -> None:
    assert warned(*members(third, **options), vrrp_sync_groups=GROUPS) == []
