# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The unit of a real server: what it sets, and that it takes back whatever an earlier one set."""

from __future__ import annotations

import typing as t

import pytest

from .rendering import rendered, settings

TAKE_BACK = [
    "-ip -4 address flush dev lo label lo:mainstay",
    "-ip -4 rule flush protocol 112",
    "-ip -4 route flush table all proto 112",
    "-ip link set group 112 down",
    "-ip -4 address flush dev tunl0 label tunl0:mainstay",
    "-ip -4 address flush dev gre0 label gre0:mainstay",
    "-sh -c 'if test -e /run/mainstay-real-server.fou; then while read port; do ip fou del port $$port; done "
    "</run/mainstay-real-server.fou; rm /run/mainstay-real-server.fou; fi'",
]


def unit(**variables: t.Any) -> dict[str, list[str]]:
    prefixed = {f"mainstay_real_server_{key}": value for key, value in variables.items()}
    return settings(rendered("real_server", "mainstay-real-server.service.j2", **prefixed))


def test_direct_routing_keeps_arp_quiet_before_the_address_comes() -> None:
    assert unit(virtual_ipaddress=["192.0.2.10", "192.0.2.11"])["ExecStart"] == [
        "sh -c 'echo 1 >/proc/sys/net/ipv4/conf/all/arp_ignore'",
        "sh -c 'echo 2 >/proc/sys/net/ipv4/conf/all/arp_announce'",
        "ip -4 address add 192.0.2.10/32 dev lo label lo:mainstay",
        "ip -4 address add 192.0.2.11/32 dev lo label lo:mainstay",
    ]


def test_nat_on_a_server_of_several_networks_returns_what_the_balanced_address_sends() -> None:
    assert unit(return_routes=[{"source": "10.0.0.21/24", "gateway": "10.0.0.1"}])["ExecStart"] == [
        "ip -4 route add default via 10.0.0.1 table 201 proto 112",
        "ip -4 rule add from 10.0.0.21 to 10.0.0.21/24 lookup main priority 10002 protocol 112",
        "ip -4 rule add from 10.0.0.21 lookup 201 priority 10003 protocol 112",
    ]


def test_nat_on_a_server_of_one_network_takes_the_place_of_the_default_route() -> None:
    # None is what Ansible's argument spec leaves for an option that nobody gave.
    assert unit(return_routes=[{"source": None, "gateway": "10.0.0.1", "table": 77}])["ExecStart"] == [
        "ip -4 route add default via 10.0.0.1 table 77 proto 112",
        "ip -4 rule add lookup main suppress_prefixlength 0 priority 10002 protocol 112",
        "ip -4 rule add lookup 77 priority 10003 protocol 112",
    ]


def test_several_ways_back_do_not_share_a_table_or_a_priority() -> None:
    ways = [{"source": f"10.0.{n}.21/24", "gateway": f"10.0.{n}.1"} for n in (1, 2)]
    commands = unit(return_routes=ways)["ExecStart"]
    assert len(set(commands)) == 6
    assert [command.split()[8] for command in commands[::3]] == ["201", "202"]
    priorities = [command.split(" priority ")[1].split()[0] for command in commands if " priority " in command]
    assert priorities == ["10002", "10003", "10004", "10005"]


def device(name: str, module: str) -> list[str]:
    return [
        f"-modprobe -q {module}",
        f"sh -c 'echo 2 >/proc/sys/net/ipv4/conf/{name}/rp_filter'",
        f"ip -4 address add 192.0.2.10/32 dev {name} label {name}:mainstay",
        f"ip link set dev {name} group 112 up",
    ]


def gue(port: int) -> str:
    return f"sh -c 'ip fou add port {port} gue && echo {port} >>/run/mainstay-real-server.fou'"


@pytest.mark.parametrize(("tunnels", "commands"), [
    ([], []),
    ([{"type": "ipip", "port": None}], device("tunl0", "ipip")),
    ([{"type": "gre"}], device("gre0", "ip_gre")),
    ([{"type": "gue", "port": 6080}], [*device("tunl0", "ipip"), "-modprobe -q fou", gue(6080)]),
    ([{"type": "gue", "port": 6080}, {"type": "ipip"}, {"type": "gre"}, {"type": "gue", "port": 6081}],
     [*device("tunl0", "ipip"), *device("gre0", "ip_gre"), "-modprobe -q fou", gue(6080), gue(6081)]),
], ids=str)  # fmt: skip
def test_a_tunnel_ends_at_the_kernels_own_device(tunnels: list[dict[str, t.Any]], commands: list[str]) -> None:
    """What comes out of GUE is IP in IP, so tunl0 takes it."""
    found = unit(virtual_ipaddress=["192.0.2.10"], tunnels=tunnels)["ExecStart"]
    assert found[3:] == commands


def test_starting_and_stopping_take_back_by_mark_whatever_was_set_before() -> None:
    found = unit()
    assert found["ExecStartPre"] == found["ExecStop"] == TAKE_BACK
    assert "ExecStart" not in found
