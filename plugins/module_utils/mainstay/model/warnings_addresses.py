# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses that are allowed and hardly meant: no host's, kept for too long, or taken away with another group's."""

from __future__ import annotations

import ipaddress
import typing as t

from .config import Config, VirtualAddress, VrrpInstance
from .defaults import running
from .leasing import withdrawn_late_by
from .problems import Problem
from .units import NANOSECONDS_PER_SECOND, as_seconds
from .vrrp_config import OWNER

_Subnet = t.Tuple[str, ipaddress.IPv4Network]
"""Device and network: of those addresses the kernel has one as the primary."""


def address_warnings(config: Config) -> t.Iterator[Problem]:
    """Every one, at its path."""
    for instance in config.vrrp_instances.values():
        path = f"vrrp_instances.{instance.name}"
        yield from _lease(config, instance, path)
        for place, address in _places(instance, path):
            yield from _no_host(place, address)
    yield from _shared_subnets(config)


def _places(instance: VrrpInstance, path: str) -> t.Iterator[t.Tuple[str, VirtualAddress]]:
    for key in ("virtual_ipaddress", "virtual_ipaddress_excluded"):
        for index, address in enumerate(getattr(instance, key)):
            yield f"{path}.{key}[{index}]", address


def _lease(config: Config, instance: VrrpInstance, path: str) -> t.Iterator[Problem]:
    """Only of a lease that the file gives: without one the largest safe one is chosen, where there is one."""
    lease = instance.vip_lease
    if not lease or instance.priority == OWNER:
        return
    adverts = running(instance, config.global_defs).down_timer_adverts
    late = withdrawn_late_by(lease, instance.advert_int, adverts)
    if late > 0:
        message = (
            f"ends after a backup may take over, {as_seconds(adverts * instance.advert_int):g} s: after a crash both "
            f"machines hold the addresses for up to {as_seconds(late):g} s. Leave it out for the largest safe lease."
        )
        yield Problem(f"{path}.vip_lease", lease // NANOSECONDS_PER_SECOND, message)


def _no_host(place: str, virtual: VirtualAddress) -> t.Iterator[Problem]:
    address = ipaddress.ip_address(virtual.address)
    network = ipaddress.ip_network(f"{virtual.address}/{virtual.prefix_length}", strict=False)
    if address.is_loopback:
        yield Problem(place, virtual.address, "is a loopback address; nobody else can reach it.")
    elif network.num_addresses <= 2:
        return  # RFC 3021, RFC 6164: both are hosts'
    elif address == network.network_address:
        what = "network" if address.version == 4 else "subnet-router anycast"
        yield Problem(place, virtual.address, f"is the {what} address of {network}, not a host's.")
    elif address.version == 4 and address == network.broadcast_address:
        yield Problem(place, virtual.address, f"is the broadcast address of {network}, not a host's.")


def _shared_subnets(config: Config) -> t.Iterator[Problem]:
    """IPv4 only: in IPv6 no address goes with another."""
    promoted = {one.interface for one in config.vrrp_instances.values() if one.promote_secondaries}
    seen: t.Dict[_Subnet, t.Tuple[str, str]] = {}
    told: t.Set[_Subnet] = set()
    for group in config.vrrp_sync_groups.values():
        for place, subnet in _subnets(config, group.group):
            other, first = seen.setdefault(subnet, (group.name, place))
            if other == group.name or subnet[0] in promoted or subnet in told:
                continue
            told.add(subnet)
            message = (
                f"is of one subnet ({subnet[1]} on {subnet[0]}) with {first} of group {other}: when one group leaves, "
                f"the kernel may take the other's addresses with it, until they are put back. Set promote_secondaries."
            )
            yield Problem(place, None, message)


def _subnets(config: Config, names: t.Sequence[str]) -> t.Iterator[t.Tuple[str, _Subnet]]:
    for name in names:
        instance = config.vrrp_instances[name]
        for place, virtual in _places(instance, f"vrrp_instances.{name}"):
            network = ipaddress.ip_network(f"{virtual.address}/{virtual.prefix_length}", strict=False)
            if isinstance(network, ipaddress.IPv4Network) and network.prefixlen < 32:
                yield place, (instance.device_of(virtual), network)
