# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Routes as text, in the words of "ip route add" and of keepalived: text -> Route -> text.

Theory of operation. A text is keywords with values, in any order, and one destination. The family comes from the
addresses (or from "inet6"); a text that names two of them is a mistake, but for an IPv4 route through an IPv6
gateway, which is spelt as iproute2 spells it: "via inet6 fe80::1". What the kernel would ignore or refuse in any
case is refused here, by name. `route_text` gives the one canonical spelling; reading it back gives an equal Route.
"""

from __future__ import annotations

import ipaddress
import typing as t
from dataclasses import dataclass, field

from .routing import NextHop, Route
from .routing_words import (
    LARGEST,
    FamilyVotes,
    Words,
    read_device,
    read_host,
    read_network,
    read_number,
    read_table,
    unknown_word,
)
from .rule_text import parse_rule, rule_text

KINDS = ("unicast", "blackhole", "unreachable", "prohibit", "throw")
SCOPES: t.Mapping[str, int] = {"global": 0, "site": 200, "link": 253, "host": 254, "nowhere": 255}
_NOWHERE_TO = KINDS[1:]
_EVERYWHERE = {4: "0.0.0.0/0", 6: "::/0"}


@dataclass
class _Draft:
    """What has been read so far."""

    kind: str = "unicast"
    destination: str = ""
    default: bool = False
    family: FamilyVotes = field(default_factory=FamilyVotes)
    gateways: t.List[t.Tuple[int, str, bool]] = field(default_factory=list)
    """Family, address, and whether the text names the family: "via inet6"."""
    values: t.Dict[str, t.Any] = field(default_factory=dict)
    nexthops: t.List[NextHop] = field(default_factory=list)


def parse_route(text: str) -> Route:
    """Read one route. Raises ValueError with a sentence."""
    words, draft = Words(text), _Draft()
    if not words:
        raise ValueError("is empty; write a route such as 203.0.113.0/24 via 192.0.2.254.")
    while words:
        _read_word(words, draft)
    family = _family(draft)
    route = Route(
        family=family,
        destination=draft.destination or _EVERYWHERE[family],
        kind=draft.kind,
        nexthops=tuple(draft.nexthops),
        **draft.values,
    )
    for complaint in _COMPLAINTS:
        sentence = complaint(route)
        if sentence:
            raise ValueError(sentence)
    return route


def route_text(route: Route) -> str:
    """The canonical text of a route."""
    parts = [] if route.kind == "unicast" else [route.kind]
    parts.append(_destination_text(route))
    parts += _hop_text(route.family, route.via, route.dev)
    for keyword in ("src", "scope", "table", "metric"):
        value = getattr(route, keyword)
        parts += [] if value is None else [keyword, str(value)]
    parts += ["onlink"] if route.onlink else []
    for keyword in ("mtu", "advmss"):
        value = getattr(route, keyword)
        parts += [] if value is None else [keyword, str(value)]
    for hop in route.nexthops:
        parts += ["nexthop", *_hop_text(route.family, hop.via, hop.dev)]
        parts += ["weight", str(hop.weight)] if hop.weight != 1 else []
        parts += ["onlink"] if hop.onlink else []
    return " ".join(parts)


# ---- reading


def _read_word(words: Words, draft: _Draft) -> None:
    word = words.next()
    if word in _READERS:
        _READERS[word](words, draft, word)
    elif word in KINDS:
        words.once("the type", word)
        draft.kind = word
    elif word == "default" or word[0] in "0123456789:" or "/" in word:
        _read_destination(words, draft, "to", word)
    else:
        raise unknown_word(word, [*_READERS, *KINDS, "default"], _LEFT_OUT)


def _read_to(words: Words, draft: _Draft, keyword: str) -> None:
    if words.peek() in KINDS:  # iproute2 also takes the type after "to"
        return
    _read_destination(words, draft, keyword, words.value(keyword))


def _read_destination(words: Words, draft: _Draft, keyword: str, text: str) -> None:
    words.once("the destination", f"{keyword} {text}")
    if text == "default":
        draft.default = True
        return
    network = read_network(text, keyword)
    draft.family.add(network.version, f"{keyword} {text}")
    draft.destination = str(network)


def _read_family(words: Words, draft: _Draft, keyword: str) -> None:
    words.once("the family", keyword)
    draft.family.add({"inet": 4, "-4": 4}.get(keyword, 6), keyword)


def _read_via(words: Words, draft: _Draft, keyword: str) -> None:
    words.once("the gateway", keyword)
    draft.values["via"] = _gateway(words, draft, keyword)


def _gateway(words: Words, draft: _Draft, keyword: str) -> str:
    said = words.family()
    family, address = read_host(words.value(keyword), keyword)
    if said not in (None, family):
        raise ValueError(f"{keyword} inet{'6' if said == 6 else ''} {address}: that is an IPv{family} address.")
    draft.gateways.append((family, address, said is not None))
    return address


def _read_dev(words: Words, draft: _Draft, keyword: str) -> None:
    words.once("the interface", keyword)
    draft.values["dev"] = read_device(words.value(keyword), keyword)


def _read_src(words: Words, draft: _Draft, keyword: str) -> None:
    words.once("the source", keyword)
    family, address = read_host(words.value(keyword), keyword)
    draft.family.add(family, f"src {address}")
    draft.values["src"] = address


def _read_scope(words: Words, draft: _Draft, keyword: str) -> None:
    words.once("the scope", keyword)
    text = words.value(keyword)
    number = SCOPES[text] if text in SCOPES else read_number(text, keyword, 0, 255)
    draft.values["scope"] = next((name for name, known in SCOPES.items() if known == number), str(number))


def _read_table(words: Words, draft: _Draft, keyword: str) -> None:
    words.once("the table", keyword)
    table = read_table(words.value(keyword))
    draft.values["table"] = None if table == "main" else table


def _read_metric(words: Words, draft: _Draft, keyword: str) -> None:
    words.once("the metric", keyword)
    draft.values["metric"] = read_number(words.value(keyword), keyword, 0, LARGEST)


def _read_onlink(words: Words, draft: _Draft, keyword: str) -> None:
    words.once("onlink", keyword)
    draft.values["onlink"] = True


def _read_mtu(words: Words, draft: _Draft, keyword: str) -> None:
    words.once("the mtu", keyword)
    draft.values["mtu"] = read_number(_unlocked(words, keyword), keyword, 68, 65520)


def _read_advmss(words: Words, draft: _Draft, keyword: str) -> None:
    words.once("the advmss", keyword)
    draft.values["advmss"] = read_number(_unlocked(words, keyword), keyword, 1, 65495)


def _unlocked(words: Words, keyword: str) -> str:
    value = words.value(keyword)
    if value == "lock":
        raise ValueError(f"{keyword} lock is not supported: give the number alone.")
    return value


def _read_nexthop(words: Words, draft: _Draft, _keyword: str) -> None:
    """Everything after "nexthop" that belongs to it: via, dev, weight, onlink."""
    found: t.Dict[str, t.Any] = {}
    while words.peek() in _HOP_WORDS:
        word = words.next()
        meaning = _HOP_WORDS[word]
        if meaning in found:
            raise ValueError(f"nexthop: {word} is given twice.")
        found[meaning] = _HOP_READERS[meaning](words, draft, word)
    if not found.get("via") and not found.get("dev"):
        raise ValueError("nexthop needs via or dev right after it.")
    draft.nexthops.append(NextHop(**found))


_HOP_WORDS = {"via": "via", "gw": "via", "dev": "dev", "oif": "dev", "weight": "weight", "onlink": "onlink"}
_HOP_READERS: t.Mapping[str, t.Callable[[Words, _Draft, str], object]] = {
    "via": _gateway,
    "dev": lambda words, _draft, word: read_device(words.value(word), word),
    "weight": lambda words, _draft, word: read_number(words.value(word), word, 1, 256),
    "onlink": lambda _words, _draft, _word: True,
}

_READERS: t.Mapping[str, t.Callable[[Words, _Draft, str], None]] = {
    "to": _read_to,
    "inet": _read_family,
    "inet6": _read_family,
    "-4": _read_family,
    "-6": _read_family,
    "via": _read_via,
    "gw": _read_via,
    "dev": _read_dev,
    "oif": _read_dev,
    "src": _read_src,
    "scope": _read_scope,
    "table": _read_table,
    "metric": _read_metric,
    "priority": _read_metric,
    "preference": _read_metric,
    "onlink": _read_onlink,
    "mtu": _read_mtu,
    "advmss": _read_advmss,
    "nexthop": _read_nexthop,
}

_METRICS = "of the per-route TCP metrics only mtu and advmss are taken."
_TCP_METRICS = (
    *("rtt", "rttvar", "reordering", "window", "cwnd", "ssthresh", "rto_min", "initcwnd", "initrwnd", "hoplimit"),
    *("congctl", "quickack", "fastopen_no_cookie", "features"),
)
_LEFT_OUT: t.Mapping[str, str] = {
    "vrf": "name the number of the VRF's table: table 100.",
    "or": "write a multipath route: nexthop via A nexthop via B.",
    "protocol": "our routes always carry the protocol keepalived (18), so that everybody sees whose they are.",
    "proto": "our routes always carry the protocol keepalived (18), so that everybody sees whose they are.",
    "from": "use a rule: from PREFIX table N priority P.",
    "as": "routes for translation left Linux long ago.",
    "tos": "use a rule: tos 0x10 table N priority P.",
    "dsfield": "use a rule: dsfield 0x10 table N priority P.",
    "realms": "mark packets with nftables instead.",
    "encap": "make the tunnel an interface and name it with dev.",
    "nhid": "write the nexthops out.",
    "expires": "the route goes with mastership, not with time.",
    "no_track": "a route that somebody removes is always put back; it never demotes the instance.",
    "track_group": "a missing route never demotes an instance; it is put back.",
    "add": "a route is replaced if it is there and added if not.",
    "append": "give the second route another metric, or write one route with nexthops.",
    "prepend": "a route is replaced if it is there and added if not.",
    "local": "make it a virtual address.",
    "broadcast": "the kernel makes such routes for addresses with brd.",
    "multicast": "only unicast, blackhole, unreachable, prohibit and throw are types here.",
    "anycast": "only unicast, blackhole, unreachable, prohibit and throw are types here.",
    "weight": "it belongs to a nexthop: nexthop via A weight 2 nexthop via B.",
    **dict.fromkeys(_TCP_METRICS, _METRICS),
    "ttl-propagate": "nor is MPLS.",
    "pref": "give the routes metrics; for a metric itself the word is metric.",
}


# ---- judging


def _family(draft: _Draft) -> int:
    """The route's family; gateways vote last, as "via inet6" may differ from it."""
    if not draft.destination and not draft.default:
        raise ValueError("names no destination: a prefix or default.")
    votes = draft.family
    for family, address, said in draft.gateways:
        if said and votes.family == 4 and family == 6:
            continue
        if votes.family == 4 and family == 6:
            raise ValueError(
                f"via {address} is an IPv6 gateway of an IPv4 route; if that is meant, write via inet6 {address}."
            )
        votes.add(family, f"via {address}")
    return votes.family or 4


def _complain_ways(route: Route) -> str:
    leads = route.via or route.dev or route.nexthops
    if route.kind in _NOWHERE_TO:
        given = leads or route.src or route.onlink or route.scope
        return f"a {route.kind} route leads nowhere: it takes no via, dev, src, scope or nexthop." if given else ""
    if route.nexthops and (route.via or route.dev or route.onlink):
        return "via, dev and onlink stand in each nexthop, not beside them."
    return "" if leads else "a route needs via, dev or nexthop."


def _complain_nexthops(route: Route) -> str:
    hops = [(hop.via, hop.dev) for hop in route.nexthops]
    if len(hops) == 1:
        return "one nexthop alone is no multipath: write via and dev without nexthop."
    if route.family == 6 and any(via is None for via, _dev in hops):
        return "every nexthop of an IPv6 route needs via: Linux shares its load between gateways only."
    return "a nexthop is given twice: use weight." if len(set(hops)) != len(hops) else ""


def _complain_onlink(route: Route) -> str:
    ways = [(route.onlink, route.via, route.dev), *((hop.onlink, hop.via, hop.dev) for hop in route.nexthops)]
    bad = any(onlink and not (via and dev) for onlink, via, dev in ways)
    return "onlink says that the gateway is reached directly: it needs via and dev." if bad else ""


def _complain_link_local(route: Route) -> str:
    ways = [(route.via, route.dev), *((hop.via, hop.dev) for hop in route.nexthops)]
    bare = [via for via, dev in ways if via and not dev and ipaddress.ip_address(via).is_link_local and ":" in via]
    return f"via {bare[0]} is a link-local address: say its interface with dev." if bare else ""


def _complain_family(route: Route) -> str:
    if route.family == 6 and route.scope is not None:
        return "scope has no meaning for an IPv6 route; leave it out."
    if route.family == 6 and route.mtu is not None and route.mtu < 1280:
        return f"mtu {route.mtu} is too small for IPv6: 1280 to 65520."
    return ""


_COMPLAINTS = (_complain_ways, _complain_nexthops, _complain_onlink, _complain_link_local, _complain_family)


# ---- writing


def _destination_text(route: Route) -> str:
    """default where reading it back gives the same family."""
    if route.destination != _EVERYWHERE[route.family]:
        return route.destination
    gateways = [route.via, *(hop.via for hop in route.nexthops)]
    found = FamilyVotes()
    for address in (route.src, *gateways):
        if address is not None and found.family is None:
            found.add(6 if ":" in address else 4, address)
    return "default" if (found.family or 4) == route.family else route.destination


def _hop_text(family: int, via: t.Optional[str], dev: t.Optional[str]) -> t.List[str]:
    parts: t.List[str] = []
    if via is not None:
        parts += ["via", "inet6", via] if family == 4 and ":" in via else ["via", via]
    return parts + (["dev", dev] if dev is not None else [])


__all__ = ["KINDS", "SCOPES", "parse_route", "parse_rule", "route_text", "rule_text"]
