# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which routes, rules and static addresses are ours to remove. Removing them is proven in tests/netns."""

from __future__ import annotations

from mainstay.daemon.release import holdings, removable
from mainstay.daemon.vrrp.static_network import STATIC_LIFETIME
from mainstay.model.config import Config
from mainstay.model.load import load_config
from mainstay.model.route_text import parse_route, parse_rule
from mainstay.net import rtnl

from .daemon_process import INSTANCE

DEFAULT, BLACKHOLE, RULE = "default via 192.0.2.254", "blackhole 10.0.0.0/8", "from 10.0.0.0/8 table 100 priority 9"


def config(static: list[str], virtual: list[str]) -> Config:
    return load_config(
        {
            "global_defs": {"default_interface": "eth0"},
            "static_ipaddress": ["192.0.2.9/24"],
            "static_routes": static,
            "static_rules": [RULE],
            "vrrp_instances": {"VI_1": {**INSTANCE, "virtual_ipaddress": ["192.0.2.10/24"], "virtual_routes": virtual}},
        }
    )


def test_virtual_and_static_routes_and_rules_are_ours() -> None:
    ours = holdings([config([DEFAULT], [BLACKHOLE])])
    assert ours.routes == {parse_route(DEFAULT), parse_route(BLACKHOLE)}
    assert ours.rules == {parse_rule(RULE)}


def test_a_route_that_another_part_of_the_configuration_keeps_is_not_stale() -> None:
    """It was static and is virtual now."""
    stale = holdings([config([DEFAULT, BLACKHOLE], [])]) - holdings([config([], [DEFAULT])])
    assert stale.routes == {parse_route(BLACKHOLE)}
    assert not stale.rules and bool(stale)


def test_a_static_address_is_ours_by_its_end_and_the_hosts_own_is_not() -> None:
    key = rtnl.AddressKey(2, "192.0.2.9", 24)
    ours = rtnl.HeldAddress(key, False, 0, STATIC_LIFETIME - 10)
    the_hosts = rtnl.HeldAddress(key, False, 0, None)
    known = holdings([config([], [])])
    assert removable([ours], {2: "eth0"}, known) == [ours]
    assert removable([the_hosts], {2: "eth0"}, known) == []
