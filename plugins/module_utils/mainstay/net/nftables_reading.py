# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Our nftables table read back: what the rules do, and whether they are still the ones we wrote.

A rule is judged by what it does, not by its text, because versions of nft spell the same rule differently. What is
not as we would write it shows in the table as `altered` in the place of the scheduler or the forwarding method, so
that reconciliation sees a difference and writes it anew.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ..lvs.slots import slots
from ..lvs.table import Destination, DestinationKey, Service, ServiceKey, Table
from .nftables_rules import HOOKS, MAP, Json, parse_chain, server_chain, service_chain

ALTERED = "altered"
"""Stands for an lb_algo or lb_kind whose rules somebody changed."""

_PROTOCOLS: t.Mapping[t.Union[str, int, None], str] = {6: "TCP", 17: "UDP"}


@dataclass(frozen=True)
class Held:
    """What the kernel holds of ours."""

    table: Table
    sound: bool
    """Do the map and the two hooks work? If not, no service does, and all is to be written anew."""
    mapped: t.FrozenSet[ServiceKey] = frozenset()
    """Services that the map leads to."""


NOTHING = Held(table={}, sound=False)
"""There is no table of ours."""


class _Listing:
    """The objects of `nft --json list table`, sorted."""

    def __init__(self, objects: t.Sequence[Json]) -> None:
        self.chains: t.Dict[str, Json] = {}
        self.rules: t.Dict[str, t.List[Json]] = {}
        self.elements: t.List[t.Any] = []
        self.flagged = False
        for entry in objects:
            self._sort_in(entry)

    def _sort_in(self, entry: Json) -> None:
        if "chain" in entry:
            self.chains[entry["chain"]["name"]] = entry["chain"]
        elif "rule" in entry:
            self.rules.setdefault(entry["rule"]["chain"], []).append(entry["rule"])
        elif "map" in entry and entry["map"]["name"] == MAP:
            self.elements = entry["map"].get("elem", [])
        elif "table" in entry:
            self.flagged = bool(entry["table"].get("flags"))

    def only_rule(self, chain: str) -> Json:
        """The chain's rule when it is the only one, else an empty one that equals nothing."""
        rules = self.rules.get(chain, [])
        return rules[0] if len(rules) == 1 else {"expr": []}


def interpret(objects: t.Sequence[Json]) -> Held:
    """Read the objects of a listing of our table."""
    listing = _Listing(objects)
    elements = _elements(listing)
    sound = _hooks_sound(listing) and elements is not None
    mapped = frozenset(elements or ())
    return Held(
        table={
            key: _service(listing, key, pool, reached=sound and key in mapped) for key, pool in _pools(listing).items()
        },
        sound=sound,
        mapped=mapped,
    )


def unlisted(chains: t.Sequence[str]) -> Held:
    """A table that cannot be listed, by the names of its chains: all of it stands altered and is written anew."""
    return interpret([{"chain": {"name": name}} for name in chains])


def _elements(listing: _Listing) -> t.Optional[t.List[ServiceKey]]:
    """Services in the map; None when one of its elements leads somewhere we would not send it."""
    keys = []
    for key, verdict in listing.elements:
        address, protocol, port = key["concat"]
        service = ServiceKey(_protocol(protocol), address, int(port))
        if _target(verdict) != service_chain(service):
            return None
        keys.append(service)
    return keys


def _protocol(shown: t.Union[str, int, None]) -> str:
    """nft takes the names from /etc/protocols, and shows numbers on a minimal system that has no such file."""
    return _PROTOCOLS.get(shown, str(shown).upper())


def _hooks_sound(listing: _Listing) -> bool:
    # We set no flags; "dormant" would put the table to sleep. A listing has them only when somebody set them after the
    # kernel was asked for them, and what it says of them may be garbage: see nftables_kernel.
    return not listing.flagged and all(_hook_sound(listing, hook) for hook in HOOKS)


def _hook_sound(listing: _Listing, hook: str) -> bool:
    chain = listing.chains.get(hook, {})
    expressions = listing.only_rule(hook)["expr"]
    return (
        chain.get("type") == "nat"
        and chain.get("hook") == hook
        and chain.get("policy") == "accept"
        and len(expressions) == 1
        and expressions[0].get("vmap", {}).get("data") == f"@{MAP}"
    )


def _pools(listing: _Listing) -> t.Dict[ServiceKey, t.Dict[DestinationKey, Destination]]:
    pools: t.Dict[ServiceKey, t.Dict[DestinationKey, Destination]] = {}
    for name in listing.chains:
        parsed = parse_chain(name)
        if parsed is None:
            continue
        service, server = parsed
        pool = pools.setdefault(service, {})
        if server is not None:
            pool[server] = _destination(listing.only_rule(name), service, server)
    return pools


def _destination(rule: Json, service: ServiceKey, key: DestinationKey) -> Destination:
    protocol, rewrite = _pair(rule["expr"])
    word, _space, weight = str(rule.get("comment", "")).partition(" ")
    as_written = (
        _protocol(protocol.get("match", {}).get("right")) == service.protocol
        and rewrite.get("dnat", {}).get("addr") == key.address
        and rewrite.get("dnat", {}).get("port") == key.port
        and word == "weight"
        and weight.isdigit()
    )
    return Destination(key, "NAT", int(weight)) if as_written else Destination(key, ALTERED, 0)


def _service(
    listing: _Listing, key: ServiceKey, pool: t.Mapping[DestinationKey, Destination], reached: bool
) -> Service:
    rule = listing.only_rule(service_chain(key))
    claimed = Service(key, str(rule.get("comment", "")), 0, pool)
    wanted = [server_chain(key, server) for server in slots(claimed)]
    if reached and _row(rule, claimed.lb_algo) == wanted:
        return claimed
    return Service(key, ALTERED, 0, pool)


def _row(rule: Json, lb_algo: str) -> t.Optional[t.List[str]]:
    """Chains in the order of their slots; empty for a service that refuses; None when it is no rule of ours."""
    if len(rule["expr"]) != 1:
        return None
    (expression,) = rule["expr"]
    if "reject" in expression:
        return []
    vmap = expression.get("vmap", {})
    choice = vmap.get("key", {}).get("jhash" if lb_algo == "sh" else "numgen")
    numbered = vmap.get("data", {}).get("set", []) if isinstance(vmap.get("data"), dict) else []
    row = [_target(verdict) for _number, verdict in sorted(numbered, key=_first)]
    numbers = [number for number, _verdict in sorted(numbered, key=_first)]
    whole = choice is not None and choice.get("mod") == len(row) and numbers == list(range(len(row)))
    return row if whole else None


def _first(entry: t.Sequence[t.Any]) -> int:
    return int(entry[0])


def _target(verdict: Json) -> str:
    return str(verdict.get("goto", {}).get("target", ""))


def _pair(expressions: t.Sequence[Json]) -> t.Tuple[Json, Json]:
    return (expressions[0], expressions[1]) if len(expressions) == 2 else ({}, {})
