# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What no single option can see: contradictions between sections."""

from __future__ import annotations

import typing as t

from .config import Config, VirtualServer, VrrpInstance
from .leasing import outlives_refresh, refresh_period
from .problems import Problem
from .units import NANOSECONDS_PER_SECOND, as_seconds

NFTABLES_ALGORITHMS = ("rr", "wrr", "sh")

_First = t.Dict[t.Any, str]
"""What was seen -> the path that said it first."""


def contradictions(config: Config) -> t.Iterator[Problem]:
    """Every one, at the path of the later of the two places."""
    yield from _instances(config.vrrp_instances.values())
    yield from _services(config.virtual_servers.values())
    for service in config.virtual_servers.values():
        yield from _pool(service)
        yield from _forwarding(service)
        if config.global_defs.data_plane == "nftables":
            yield from _beyond_nftables(service)


def _instances(instances: t.Iterable[VrrpInstance]) -> t.Iterator[Problem]:
    routers: _First = {}
    addresses: _First = {}
    for instance in instances:
        path = f"vrrp_instances.{instance.name}"
        number = instance.virtual_router_id
        first = routers.setdefault((instance.interface, number), path)
        if first != path:
            message = f"is already used on {instance.interface} by {first}; give each virtual router its own."
            yield Problem(f"{path}.virtual_router_id", number, message)
        for index, address in enumerate(instance.virtual_ipaddress):
            place = f"{path}.virtual_ipaddress[{index}]"
            first = addresses.setdefault(address.address, place)
            if first != place:
                message = f"is already given at {first}; an address has one master."
                yield Problem(place, address.address, message)
        yield from _lease(path, instance)


def _lease(path: str, instance: VrrpInstance) -> t.Iterator[Problem]:
    lease, advert_int = instance.vip_lease, instance.advert_int
    if lease is None or outlives_refresh(lease, advert_int):
        return
    period = f"{as_seconds(refresh_period(advert_int)):g} s with advert_int {as_seconds(advert_int):g} s"
    message = (
        f"must be longer than the refresh period, {period}, or a living master loses its addresses; "
        "leave it out for the largest safe lease, 0 is no lease."
    )
    yield Problem(f"{path}.vip_lease", lease // NANOSECONDS_PER_SECOND, message)


def _services(services: t.Iterable[VirtualServer]) -> t.Iterator[Problem]:
    seen: _First = {}
    for service in services:
        path = f"virtual_servers.{service.name}"
        first = seen.setdefault((service.address, service.port, service.protocol), path)
        if first != path:
            what = f"{service.protocol} {service.address}:{service.port}"
            yield Problem(f"{path}.address", what, f"is already served by {first}; merge the two pools.")


def _pool(service: VirtualServer) -> t.Iterator[Problem]:
    seen: _First = {}
    for index, server in enumerate(service.real_servers):
        place = f"virtual_servers.{service.name}.real_servers[{index}]"
        first = seen.setdefault((server.address, server.port), place)
        if first != place:
            message = f"is already given at {first}; use weight for a larger share."
            yield Problem(place, f"{server.address}:{server.port}", message)


def _forwarding(service: VirtualServer) -> t.Iterator[Problem]:
    if service.lb_kind != "DR":
        return
    for index, server in enumerate(service.real_servers):
        if server.port != service.port:
            place = f"virtual_servers.{service.name}.real_servers[{index}].port"
            message = f"must be {service.port} like the service's: DR cannot change the port, NAT can."
            yield Problem(place, server.port, message)


def _beyond_nftables(service: VirtualServer) -> t.Iterator[Problem]:
    path = f"virtual_servers.{service.name}"
    remedy = "or set global_defs.data_plane to ipvs."
    if service.lb_kind != "NAT":
        message = f"data_plane nftables forwards by NAT only; set lb_kind to NAT {remedy}"
        yield Problem(f"{path}.lb_kind", service.lb_kind, message)
    if service.lb_algo not in NFTABLES_ALGORITHMS:
        message = f"data_plane nftables knows {', '.join(NFTABLES_ALGORITHMS)}; choose one {remedy}"
        yield Problem(f"{path}.lb_algo", service.lb_algo, message)
    if service.persistence_timeout:
        message = f"data_plane nftables has no persistence in this version; leave it out {remedy}"
        yield Problem(f"{path}.persistence_timeout", service.persistence_timeout // NANOSECONDS_PER_SECOND, message)
