# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Routes and rules as iproute2 and keepalived spell them."""

from __future__ import annotations

import pytest

from mainstay.model.route_text import parse_route, parse_rule, route_text, rule_text
from mainstay.model.routing import NextHop, Route, Rule

ROUTES = {
    "203.0.113.0/24 via 192.0.2.254 dev eth1 src 192.0.2.10 table 100 metric 50": Route(
        4, "203.0.113.0/24", via="192.0.2.254", dev="eth1", src="192.0.2.10", table="100", metric=50
    ),
    "203.0.113.9/32 dev eth1 scope link": Route(4, "203.0.113.9/32", dev="eth1", scope="link"),
    "default via 192.0.2.254": Route(4, "0.0.0.0/0", via="192.0.2.254"),
    "default via fe80::1 dev eth0": Route(6, "::/0", via="fe80::1", dev="eth0"),
    "::/0 dev eth0": Route(6, "::/0", dev="eth0"),
    "default dev eth0": Route(4, "0.0.0.0/0", dev="eth0"),
    "10.0.0.0/8 via inet6 fe80::1 dev eth0": Route(4, "10.0.0.0/8", via="fe80::1", dev="eth0"),
    "0.0.0.0/0 via inet6 fe80::1 dev eth0": Route(4, "0.0.0.0/0", via="fe80::1", dev="eth0"),
    "2001:db8:1::/48 via 2001:db8::1 mtu 1400": Route(6, "2001:db8:1::/48", via="2001:db8::1", mtu=1400),
    "10.0.0.0/8 via 192.0.2.254 dev eth0 onlink mtu 1400 advmss 1360": Route(
        4, "10.0.0.0/8", via="192.0.2.254", dev="eth0", onlink=True, mtu=1400, advmss=1360
    ),
    "default nexthop via 192.0.2.1 dev eth0 weight 2 nexthop via 192.0.2.2 dev eth1 onlink": Route(
        4,
        "0.0.0.0/0",
        nexthops=(NextHop("192.0.2.1", "eth0", 2), NextHop("192.0.2.2", "eth1", onlink=True)),
    ),
    "blackhole 10.0.0.0/8": Route(4, "10.0.0.0/8", kind="blackhole"),
    "unreachable 2001:db8::/32 table local metric 7": Route(6, "2001:db8::/32", "unreachable", table="local", metric=7),
    "prohibit 10.0.0.0/8": Route(4, "10.0.0.0/8", kind="prohibit"),
    "throw 10.0.0.0/8 table 5": Route(4, "10.0.0.0/8", kind="throw", table="5"),
}


@pytest.mark.parametrize("text", ROUTES)
def test_a_route_is_read_and_written_back_as_it_was(text: str) -> None:
    assert parse_route(text) == ROUTES[text]
    assert route_text(ROUTES[text]) == text


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("to 10.0.0.0/8 gw 192.0.2.1 oif eth1 preference 5", "10.0.0.0/8 via 192.0.2.1 dev eth1 metric 5"),
        ("10.0.0.0/8 dev eth1 priority 5", "10.0.0.0/8 dev eth1 metric 5"),
        ("src 192.0.2.9 to 10.0.0.0/8 via inet 192.0.2.1", "10.0.0.0/8 via 192.0.2.1 src 192.0.2.9"),
        ("unicast 198.51.100.7 dev eth0 table main", "198.51.100.7/32 dev eth0"),
        ("to blackhole 2001:DB8:0::/32", "blackhole 2001:db8::/32"),
        ("10.0.0.0/8 dev eth0 table 254 scope 253", "10.0.0.0/8 dev eth0 scope link"),
        ("10.0.0.0/8 dev eth0 table 255", "10.0.0.0/8 dev eth0 table local"),
        ("inet6 default dev eth0", "::/0 dev eth0"),
        ("default via inet6 fe80::1 dev eth0", "default via fe80::1 dev eth0"),
        ("-4 default via inet6 fe80::1 dev eth0", "0.0.0.0/0 via inet6 fe80::1 dev eth0"),
    ],
)
def test_other_spellings_of_keepalived_and_iproute2_mean_the_same(text: str, canonical: str) -> None:
    assert route_text(parse_route(text)) == canonical


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "is empty"),
        ("via 192.0.2.1", "names no destination"),
        ("default", "needs via, dev or nexthop"),
        ("default via", "via needs a value"),
        ("default via 192.0.2.1 vai 7", "vai is not known here. Did you mean via?"),
        ("default via 192.0.2.1 via 192.0.2.2", "the gateway is given twice"),
        ("10.0.0.0/8 11.0.0.0/8 dev eth0", "the destination is given twice"),
        ("10.0.0.0/8 dev eth0 metric 1 priority 2", "the metric is given twice"),
        ("10.0.0.1/8 dev eth0", "the network is 10.0.0.0/8"),
        ("10.0.0.0/255.0.0.0 dev eth0", "as a number, 10.0.0.0/8"),
        ("10/8 dev eth0", "is no prefix"),
        ("10.0.0.0/8 via 2001:db8::1", "write via inet6 2001:db8::1"),
        ("2001:db8::/32 via 192.0.2.1", "use one family"),
        ("2001:db8::/32 dev eth0 src 192.0.2.1", "use one family"),
        ("inet6 10.0.0.0/8 dev eth0", "use one family"),
        ("default via inet6 192.0.2.1", "that is an IPv4 address"),
        ("10.0.0.0/8 via 224.0.0.1", "the address of no machine"),
        ("default via fe80::1", "say its interface with dev"),
        ("default via 192.0.2.1 onlink", "it needs via and dev"),
        ("2001:db8:1::/48 via 2001:db8::1 onlink", "it needs via and dev"),
        ("10.0.0.0/8 dev eth/0", "no name of an interface"),
        ("10.0.0.0/8 dev eth0 table office", "use the number that /etc/iproute2/rt_tables gives office"),
        ("10.0.0.0/8 dev eth0 table 0", "from 1 to 4294967295"),
        ("10.0.0.0/8 dev eth0 metric -1", "from 0 to 4294967295"),
        ("10.0.0.0/8 dev eth0 scope universe", "scope universe"),
        ("2001:db8::/32 dev eth0 scope link", "no meaning for an IPv6 route"),
        ("2001:db8::/32 dev eth0 mtu 1000", "too small for IPv6"),
        ("10.0.0.0/8 dev eth0 mtu lock 1400", "mtu lock is not supported"),
        ("10.0.0.0/8 dev eth0 mtu 60", "from 68 to 65520"),
        ("blackhole 10.0.0.0/8 dev eth0", "leads nowhere"),
        ("blackhole 10.0.0.0/8 src 192.0.2.1", "leads nowhere"),
        ("blackhole prohibit 10.0.0.0/8", "the type is given twice"),
        ("local 192.0.2.9 dev eth0", "make it a virtual address"),
        ("default nexthop via 192.0.2.1", "no multipath"),
        ("default nexthop via 192.0.2.1 nexthop via 192.0.2.1", "use weight"),
        ("default nexthop via 192.0.2.1 weight 257 nexthop via 192.0.2.2", "from 1 to 256"),
        ("default nexthop weight 2 nexthop via 192.0.2.2", "nexthop needs via or dev"),
        ("default nexthop via 192.0.2.1 via 192.0.2.3 nexthop via 192.0.2.2", "via is given twice"),
        ("2001:db8::/32 nexthop dev eth0 nexthop dev eth1", "Linux shares its load between gateways only"),
        ("default dev eth0 nexthop via 192.0.2.1 nexthop via 192.0.2.2", "stand in each nexthop"),
        ("10.0.0.0/8 dev eth0 protocol static", "always carry the protocol keepalived (18)"),
        ("10.0.0.0/8 dev eth0 vrf blue", "number of the VRF's table"),
        ("10.0.0.0/8 via 192.0.2.1 or 192.0.2.2", "write a multipath route"),
        ("10.0.0.0/8 dev eth0 tos 0x10", "use a rule"),
        ("10.0.0.0/8 dev eth0 initcwnd 10", "only mtu and advmss"),
        ("10.0.0.0/8 dev eth0 no_track", "always put back"),
        ("10.0.0.0/8 dev eth0\x00", "printable ASCII"),
    ],
)
def test_what_a_route_cannot_say_is_refused_with_a_sentence(text: str, sentence: str) -> None:
    with pytest.raises(ValueError) as refusal:
        parse_route(text)
    assert sentence in str(refusal.value)


RULES = {
    "from 192.0.2.0/24 to 10.0.0.0/8 iif eth0 fwmark 0x1/0xff table 100 priority 1000": Rule(
        4, "192.0.2.0/24", "10.0.0.0/8", iif="eth0", fwmark=1, fwmask=0xFF, table="100", priority=1000
    ),
    "not from 192.0.2.0/24 oif eth1 tos 0x10 table main priority 5": Rule(
        4, "192.0.2.0/24", inverted=True, oif="eth1", tos=0x10, table="main", priority=5
    ),
    "from ::/0 fwmark 0x7 prohibit priority 5": Rule(6, fwmark=7, kind="prohibit", priority=5),
    "table 100 priority 5": Rule(4, table="100", priority=5),
    "to 2001:db8::/32 blackhole priority 9": Rule(6, to="2001:db8::/32", kind="blackhole", priority=9),
    "from 10.0.0.9/32 unreachable priority 9": Rule(4, "10.0.0.9/32", kind="unreachable", priority=9),
}


@pytest.mark.parametrize("text", RULES)
def test_a_rule_is_read_and_written_back_as_it_was(text: str) -> None:
    assert parse_rule(text) == RULES[text]
    assert rule_text(RULES[text]) == text


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("from 10.0.0.9 dev eth0 lookup 100 preference 7", "from 10.0.0.9/32 iif eth0 table 100 priority 7"),
        ("order 7 from all to all dsfield 0x10 lookup 254", "tos 0x10 table main priority 7"),
        ("inet6 fwmark 16 type blackhole pref 7", "from ::/0 fwmark 0x10 blackhole priority 7"),
        ("fwmark 1/0xffffffff table 9 priority 7", "fwmark 0x1 table 9 priority 7"),
    ],
)
def test_other_spellings_of_rules_mean_the_same(text: str, canonical: str) -> None:
    assert rule_text(parse_rule(text)) == canonical


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "is empty"),
        ("from 10.0.0.0/8 priority 5", "says not what to do"),
        ("from 10.0.0.0/8 table 5", "names no priority"),
        ("from 10.0.0.0/8 table 5 priority 0", "from 1 to 4294967295"),
        ("from 10.0.0.0/8 to 2001:db8::/32 table 5 priority 5", "use one family"),
        ("from 10.0.0.1/8 table 5 priority 5", "the network is 10.0.0.0/8"),
        ("from 10.0.0.0/8 table 5 blackhole priority 5", "the action is given twice"),
        ("from 10.0.0.0/8 table office priority 5", "use the number"),
        ("tos 10 table 5 priority 5", "write it as 0x10"),
        ("tos 0x11 table 5 priority 5", "from 0x4 to 0xfc"),
        ("fwmark 0x100/0xff table 5 priority 5", "never matches"),
        ("fwmark 0x1ffffffff table 5 priority 5", "from 0 to 0xffffffff"),
        ("type local table 5 priority 5", "must be blackhole, unreachable or prohibit"),
        ("uidrange 0-9 table 5 priority 5", "uidrange is not supported"),
        ("from 10.0.0.0/8 goto 9 priority 5", "goto is not supported"),
        ("form 10.0.0.0/8 table 5 priority 5", "Did you mean from?"),
    ],
)
def test_what_a_rule_cannot_say_is_refused_with_a_sentence(text: str, sentence: str) -> None:
    with pytest.raises(ValueError) as refusal:
        parse_rule(text)
    assert sentence in str(refusal.value)
