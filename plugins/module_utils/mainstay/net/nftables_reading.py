# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Our nftables table read back: what the rules do, and whether they are still the ones we wrote.

A rule is judged by what it does, not by its text (nftables_meaning). What is not as we would write it shows in the
table as `altered` in the place of the scheduler or the forwarding method, so that reconciliation sees a difference
and writes it anew.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace

from ..lvs.table import Destination, DestinationKey, Service, ServiceKey, Table
from .nftables_meaning import Meaning, protocol_name, rule_meaning
from .nftables_names import (
    LOOKUPS,
    MASQUERADING,
    Json,
    Lookup,
    lookup_of,
    packed,
    parse_chain,
    server_chain,
    service_chain,
)
from .nftables_rules import HOOKS, base_rules, masqueraded, masquerading_rules, server_rules, service_rules
from .nftables_words import parse_service, parse_weight

ALTERED = "altered"
"""Stands for an lb_algo or lb_kind whose rules somebody changed."""

_Pools = t.Dict[ServiceKey, t.Dict[DestinationKey, Destination]]


@dataclass(frozen=True)
class Held:
    """What the kernel holds of ours."""

    table: Table
    sound: bool
    """Do the maps and the base chains work? If not, no service does, and all is to be written anew."""
    mapped: t.FrozenSet[ServiceKey] = frozenset()
    """Services that a map leads to."""
    sets: t.FrozenSet[str] = frozenset()
    """Names of the sets of clients that are there."""


NOTHING = Held(table={}, sound=False)
"""There is no table of ours."""


class _Listing:
    """The objects of `nft --json list table`, sorted."""

    def __init__(self, objects: t.Sequence[Json]) -> None:
        self.chains: t.Dict[str, Json] = {}
        self.rules: t.Dict[str, t.List[Json]] = {}
        self.elements: t.Dict[str, t.List[t.Any]] = {}
        self.sets: t.Set[str] = set()
        self.flagged = False
        for entry in objects:
            self._sort_in(entry)

    def _sort_in(self, entry: Json) -> None:
        if "chain" in entry:
            self.chains[entry["chain"]["name"]] = entry["chain"]
        elif "rule" in entry:
            self.rules.setdefault(entry["rule"]["chain"], []).append(entry["rule"])
        elif "map" in entry:
            # A map comes twice, first without its elements.
            self.elements[entry["map"]["name"]] = entry["map"].get("elem", [])
        elif "set" in entry:
            self.sets.add(entry["set"]["name"])
        elif "table" in entry:
            self.flagged = bool(entry["table"].get("flags"))

    def does(self, chain: str, written: t.Sequence[Json]) -> bool:
        """Does the chain do what these rules do?"""
        return _meanings(self.rules.get(chain, [])) == _meanings(written)

    def comment(self, chain: str) -> str:
        """What its last rule says."""
        rules = self.rules.get(chain, [])
        return str(rules[-1].get("comment", "")) if rules else ""


def interpret(objects: t.Sequence[Json]) -> Held:
    """Read the objects of a listing of our table."""
    listing = _Listing(objects)
    elements = _elements(listing)
    mapped = frozenset(elements or ())
    table = {key: _service(listing, key, pool, key in mapped) for key, pool in _pools(listing).items()}
    sound = elements is not None and _hooks_sound(listing) and _masquerading_sound(listing, table)
    if not sound:
        table = {key: Service(key, ALTERED, 0, service.destinations) for key, service in table.items()}
    return Held(table, sound, mapped, frozenset(listing.sets))


def unlisted(chains: t.Sequence[str]) -> Held:
    """A table that cannot be listed, by the names of its chains: all of it stands altered and is written anew."""
    return interpret([{"chain": {"name": name}} for name in chains])


def _meanings(rules: t.Sequence[Json]) -> t.List[t.Tuple[Meaning, ...]]:
    return [rule_meaning(rule) for rule in rules]


# ---- the maps and the base chains


def _elements(listing: _Listing) -> t.Optional[t.List[ServiceKey]]:
    """Services in the maps; None when one of their elements leads somewhere we would not send it."""
    keys = []
    for lookup in LOOKUPS:
        for value, verdict in listing.elements.get(lookup.name, []):
            key = _led_to(verdict)
            if key is None or lookup_of(key) != lookup or _shown(lookup, value) != _wanted(lookup, key):
                return None
            keys.append(key)
    return keys


def _led_to(verdict: Json) -> t.Optional[ServiceKey]:
    target = str(verdict.get("goto", {}).get("target", ""))
    parsed = parse_chain(target)
    return parsed[0] if parsed is not None and target == service_chain(parsed[0]) else None


def _shown(lookup: Lookup, value: t.Any) -> t.Tuple[t.Any, ...]:
    if lookup.by == "mark":
        return (int(value),)
    address, protocol, *port = value["concat"]
    return (packed(address), protocol_name(protocol), *map(int, port))


def _wanted(lookup: Lookup, key: ServiceKey) -> t.Tuple[t.Any, ...]:
    if lookup.by == "mark":
        return (key.fwmark,)
    port = (key.port,) if lookup.by == "endpoint" else ()
    return (packed(key.address), key.protocol.lower(), *port)


def _hooks_sound(listing: _Listing) -> bool:
    # We set no flags; "dormant" would put the table to sleep. A listing has them only when somebody set them after the
    # kernel was asked for them, and what it says of them may be garbage: see nftables_kernel.
    return not listing.flagged and all(_hook_sound(listing, hook) for hook in HOOKS)


def _hook_sound(listing: _Listing, hook: str) -> bool:
    chain = listing.chains.get(hook, {})
    held = (chain.get("type"), chain.get("hook"), chain.get("policy"), chain.get("prio"))
    return held == ("nat", hook, "accept", HOOKS[hook]) and listing.does(hook, base_rules(hook))


def _masquerading_sound(listing: _Listing, table: Table) -> bool:
    return MASQUERADING in listing.chains and listing.does(MASQUERADING, masquerading_rules(masqueraded(table)))


# ---- services and servers


def _pools(listing: _Listing) -> _Pools:
    """Every service that has a chain, and what the comments say of its servers."""
    pools: _Pools = {}
    for name in listing.chains:
        parsed = parse_chain(name)
        if parsed is None:
            continue
        service, server = parsed
        pool = pools.setdefault(service, {})
        if server is not None:
            weight = parse_weight(listing.comment(name))
            kind = ALTERED if weight is None else "NAT"
            pool[server] = Destination(server, kind, weight or 0)
    return pools


def _service(
    listing: _Listing, key: ServiceKey, pool: t.Mapping[DestinationKey, Destination], reached: bool
) -> Service:
    """Altered servers are judged by what their chains should do for the service as its comment describes it."""
    chain = service_chain(key)
    described = parse_service(key, listing.comment(chain))
    if described is None or not reached:
        return Service(key, ALTERED, 0, pool)
    claimed = replace(described, destinations=pool)
    if not listing.does(chain, service_rules(claimed)):
        return Service(key, ALTERED, 0, pool)
    return replace(claimed, destinations={place: _server(listing, claimed, one) for place, one in pool.items()})


def _server(listing: _Listing, service: Service, claimed: Destination) -> Destination:
    if listing.does(server_chain(service.key, claimed.key), server_rules(service, claimed)):
        return claimed
    return replace(claimed, lb_kind=ALTERED, weight=0)
