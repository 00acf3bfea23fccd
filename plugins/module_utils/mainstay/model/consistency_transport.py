# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Contradictions about how adverts travel: multicast or unicast, from where, to whom."""

from __future__ import annotations

import ipaddress
import typing as t

from .config import Config, VrrpInstance
from .problems import Problem

LINK_LOCAL = ipaddress.IPv6Network("fe80::/10")


def transport_contradictions(config: Config) -> t.Iterator[Problem]:
    """Every one of config.vrrp_instances."""
    for instance in config.vrrp_instances.values():
        path = f"vrrp_instances.{instance.name}"
        yield from _families(path, instance)
        yield from _sources(path, instance)
        yield from _peers(path, instance) if instance.unicast_peer else _no_peers(path, instance)


def is_link_local(address: str) -> bool:
    """An IPv6 address that is valid on one link only."""
    return ":" in address and ipaddress.IPv6Address(address) in LINK_LOCAL


def _families(path: str, instance: VrrpInstance) -> t.Iterator[Problem]:
    named = [(key, getattr(instance, key)) for key in ("mcast_src_ip", "mcast_dst_ip", "unicast_src_ip")]
    named += [(f"unicast_peer[{index}]", peer.address) for index, peer in enumerate(instance.unicast_peer)]
    for key, address in named:
        if address is not None and _family(address) != instance.family:
            message = f"must be an IPv{instance.family} address as those of virtual_ipaddress are."
            yield Problem(f"{path}.{key}", address, message)


def _sources(path: str, instance: VrrpInstance) -> t.Iterator[Problem]:
    virtual = {address.address for address in (*instance.virtual_ipaddress, *instance.virtual_ipaddress_excluded)}
    for key in ("mcast_src_ip", "unicast_src_ip"):
        source = getattr(instance, key)
        if source in virtual and instance.priority != 255:
            message = "is a virtual address: it comes and goes. Only the owner (priority 255) has it for good (OWN-01)."
            yield Problem(f"{path}.{key}", source, message)
    source = instance.mcast_src_ip
    if source is not None and ":" in source and not is_link_local(source):
        message = "must be a link-local address (fe80::/10): peers discard adverts from any other."
        yield Problem(f"{path}.mcast_src_ip", source, message)


def _peers(path: str, instance: VrrpInstance) -> t.Iterator[Problem]:
    virtual = {address.address for address in (*instance.virtual_ipaddress, *instance.virtual_ipaddress_excluded)}
    seen: t.Set[str] = set()
    for index, peer in enumerate(instance.unicast_peer):
        place = f"{path}.unicast_peer[{index}]"
        if peer.address in seen:
            yield Problem(place, peer.address, "is given twice; once is enough.")
        seen.add(peer.address)
        if peer.address == instance.unicast_src_ip:
            yield Problem(place, peer.address, "is our own unicast_src_ip; list the other routers only.")
        if peer.address in virtual:
            yield Problem(place, peer.address, "is a virtual address; name the other router's own.")
        if peer.min_ttl is not None and peer.max_ttl is not None and peer.min_ttl > peer.max_ttl:
            yield Problem(f"{place}.min_ttl", peer.min_ttl, f"must not be above max_ttl, {peer.max_ttl}.")
    for key in ("mcast_src_ip", "mcast_dst_ip"):
        value = getattr(instance, key)
        if value is not None:
            yield Problem(f"{path}.{key}", value, "is for multicast, and unicast_peer is set; keep one of the two.")


def _no_peers(path: str, instance: VrrpInstance) -> t.Iterator[Problem]:
    given = (
        ("unicast_src_ip", instance.unicast_src_ip, instance.unicast_src_ip is not None),
        ("unicast_ttl", instance.unicast_ttl, instance.unicast_ttl != 255),
        ("check_unicast_src", instance.check_unicast_src, not instance.check_unicast_src),
    )
    for key, value, is_given in given:
        if is_given:
            yield Problem(f"{path}.{key}", value, "does nothing without unicast_peer; add the peers, or leave it out.")


def _family(address: str) -> int:
    return 6 if ":" in address else 4
