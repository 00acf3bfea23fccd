# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Routes and rules as bytes: pyroute2, which nobody here wrote, reads in them what the text said."""

from __future__ import annotations

import typing as t

import pytest
from pyroute2.netlink.rtnl.fibmsg import fibmsg
from pyroute2.netlink.rtnl.rtmsg import rtmsg

from mainstay.model.route_text import parse_route, parse_rule
from mainstay.net.routes import route_bodies
from mainstay.net.routing_socket import route_entry, rule_entry
from mainstay.net.rules import rule_body

INDEXES = {"eth0": 2, "eth1": 3}
HEADER = 16


def decoded(message: bytes, kind: t.Type[t.Any]) -> tuple[dict[str, t.Any], dict[str, t.Any]]:
    """Fields and attributes of one message."""
    found = kind(message)
    found.decode()
    fields = {name: found[name] for name, _format in kind.fields}
    return fields, dict(found["attrs"])


def route(text: str) -> list[tuple[dict[str, t.Any], dict[str, t.Any]]]:
    entry = route_entry(parse_route(text), INDEXES.__getitem__)
    return [decoded(message, rtmsg) for message in entry.add]


def test_every_property_of_a_route_arrives() -> None:
    ((fields, attributes),) = route(
        "203.0.113.0/24 via 192.0.2.254 dev eth1 src 192.0.2.10 scope site table 100 metric 50"
        " onlink mtu 1400 advmss 1360"
    )
    assert fields == {
        "family": 2,
        "dst_len": 24,
        "src_len": 0,
        "tos": 0,
        "table": 100,
        "proto": 18,
        "scope": 200,
        "type": 1,
        "flags": 4,
    }
    metrics = dict(attributes.pop("RTA_METRICS")["attrs"])
    assert attributes == {
        "RTA_DST": "203.0.113.0",
        "RTA_GATEWAY": "192.0.2.254",
        "RTA_OIF": 3,
        "RTA_PRIORITY": 50,
        "RTA_PREFSRC": "192.0.2.10",
    }
    assert metrics == {"RTAX_MTU": 1400, "RTAX_ADVMSS": 1360}


@pytest.mark.parametrize(("text", "kind"), [("blackhole", 6), ("unreachable", 7), ("prohibit", 8), ("throw", 9)])
def test_a_route_that_leads_nowhere_has_its_type_and_no_way(text: str, kind: int) -> None:
    ((fields, attributes),) = route(f"{text} 10.0.0.0/8 table 1000")
    assert (fields["type"], fields["scope"], fields["table"]) == (kind, 0, 0)
    assert attributes == {"RTA_DST": "10.0.0.0", "RTA_TABLE": 1000}


@pytest.mark.parametrize(
    ("text", "scope"),
    [("10.0.0.0/8 dev eth0", 253), ("10.0.0.0/8 via 192.0.2.1", 0), ("2001:db8::/32 dev eth0", 0)],
)
def test_the_scope_is_chosen_as_iproute2_chooses_it(text: str, scope: int) -> None:
    ((fields, _attributes),) = route(text)
    assert fields["scope"] == scope


def test_the_ways_of_an_ipv4_route_are_one_message() -> None:
    ((fields, attributes),) = route(
        "default nexthop via 192.0.2.1 dev eth0 weight 5 nexthop dev eth1 onlink via 10.0.0.1"
    )
    assert fields["dst_len"] == 0 and "RTA_DST" not in attributes
    first, second = attributes["RTA_MULTIPATH"]
    assert (first["oif"], first["hops"], first["flags"]) == (2, 4, 0)
    assert (second["oif"], second["hops"], second["flags"]) == (3, 0, 4)
    assert dict(first["attrs"]) == {"RTA_GATEWAY": "192.0.2.1"}


def test_the_ways_of_an_ipv6_route_are_messages_of_their_own_with_a_metric() -> None:
    """One way that is there already must not undo the others; without its metric a removal could meet another route."""
    messages = route("2001:db8:1::/48 nexthop via 2001:db8::1 weight 3 nexthop via fe80::2 dev eth1")
    assert [fields["family"] for fields, _attributes in messages] == [10, 10]
    assert [attributes["RTA_PRIORITY"] for _fields, attributes in messages] == [1024, 1024]
    hops = [attributes["RTA_MULTIPATH"] for _fields, attributes in messages]
    assert [[(hop["oif"], hop["hops"]) for hop in way] for way in hops] == [[(0, 2)], [(3, 0)]]


def test_an_ipv4_route_may_go_through_an_ipv6_gateway() -> None:
    ((fields, attributes),) = route("10.0.0.0/8 via inet6 fe80::1 dev eth0")
    assert fields["family"] == 2
    assert attributes["RTA_VIA"] == {"family": 10, "addr": "fe80::1"}


def test_taking_and_removing_differ_in_the_order_alone() -> None:
    entry = route_entry(parse_route("10.0.0.0/8 dev eth0"), INDEXES.__getitem__)
    assert entry.text == "route 10.0.0.0/8 dev eth0"
    add, remove = entry.add[0], entry.remove[0]
    assert (int.from_bytes(add[4:6], "little"), int.from_bytes(remove[4:6], "little")) == (24, 25)
    assert add[HEADER:] == remove[HEADER:] == route_bodies(parse_route("10.0.0.0/8 dev eth0"), INDEXES.__getitem__)[0]


def test_every_property_of_a_rule_arrives() -> None:
    text = "not from 192.0.2.0/24 to 10.0.0.0/8 iif eth0 oif eth1 fwmark 0x1/0xff tos 0x10 table 1000 priority 77"
    fields, attributes = decoded(rule_entry(parse_rule(text)).add[0], fibmsg)
    assert (fields["family"], fields["src_len"], fields["dst_len"], fields["tos"]) == (2, 24, 8, 0x10)
    assert (fields["action"], fields["flags"], fields["table"]) == (1, 2, 0)
    assert attributes == {
        "FRA_DST": "10.0.0.0",
        "FRA_SRC": "192.0.2.0",
        "FRA_IIFNAME": "eth0",
        "FRA_OIFNAME": "eth1",
        "FRA_PRIORITY": 77,
        "FRA_FWMARK": 1,
        "FRA_FWMASK": 0xFF,
        "FRA_TABLE": 1000,
        "FRA_PROTOCOL": 18,
    }


@pytest.mark.parametrize(("text", "action"), [("blackhole", 6), ("unreachable", 7), ("prohibit", 8)])
def test_a_rule_that_refuses_names_no_table(text: str, action: int) -> None:
    fields, attributes = decoded(rule_entry(parse_rule(f"inet6 fwmark 7 {text} priority 9")).add[0], fibmsg)
    assert (fields["family"], fields["action"], fields["table"]) == (10, action, 0)
    assert attributes["FRA_FWMASK"] == 0xFFFFFFFF, "a mark without a mask is compared as a whole"


def test_a_rule_is_one_body_for_adding_and_removing() -> None:
    rule = parse_rule("from 10.0.0.0/8 table 100 priority 9")
    entry = rule_entry(rule)
    assert entry.add[0][HEADER:] == entry.remove[0][HEADER:] == rule_body(rule)
