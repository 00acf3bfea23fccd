# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From configuration and health to the table that the kernel should hold."""

from __future__ import annotations

import typing as t

from ..model.config import RealServer, VirtualServer
from ..model.units import NANOSECONDS_PER_SECOND
from .health import Health
from .table import Destination, DestinationKey, Service, ServiceKey, Table

HealthBook = t.Mapping[t.Tuple[ServiceKey, DestinationKey], Health]
"""Health per real server. A server that is not in it has not been judged and is in the pool."""

DRAINED = 0
"""The weight at which a server keeps its connections and gets no new ones."""


def service_key(service: VirtualServer) -> ServiceKey:
    """What identifies the service in the kernel."""
    return ServiceKey(service.protocol, service.address, service.port)


def destination_key(server: RealServer) -> DestinationKey:
    """What identifies the real server inside its service."""
    return DestinationKey(server.address, server.port)


def desired_table(services: t.Mapping[str, VirtualServer], health: HealthBook) -> Table:
    """The whole table: every configured service, each with the pool that its servers' health allows."""
    desired = (desired_service(service, health) for service in services.values())
    return {service.key: service for service in desired}


def desired_service(service: VirtualServer, health: HealthBook) -> Service:
    """One service. With every server down the pool is empty, the service stays."""
    key = service_key(service)
    pool = (
        _destination(service, server, health.get((key, destination_key(server))))
        for server in service.real_servers
    )
    return Service(
        key=key,
        lb_algo=service.lb_algo,
        persistence_timeout=service.persistence_timeout // NANOSECONDS_PER_SECOND,
        destinations={destination.key: destination for destination in pool if destination is not None},
    )


def _destination(
    service: VirtualServer, server: RealServer, health: t.Optional[Health]
) -> t.Optional[Destination]:
    key = destination_key(server)
    if health is None or health.in_pool:
        return Destination(key, service.lb_kind, server.weight)
    if _inhibited(service, server):
        return Destination(key, service.lb_kind, DRAINED)
    return None


def _inhibited(service: VirtualServer, server: RealServer) -> bool:
    """The server's own word on inhibit_on_failure, else the service's."""
    return service.inhibit_on_failure if server.inhibit_on_failure is None else server.inhibit_on_failure
