# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the decision on a pool to what the kernel should hold."""

from __future__ import annotations

import typing as t
from dataclasses import replace

from ..model.lvs_config import SorryServer
from ..model.lvs_defaults import RunningServer, RunningService
from ..model.units import NANOSECONDS_PER_SECOND
from .draining import Leaving, LeavingBook, by_service
from .keys import destination_key, server_text, service_keys, sorry_lb_kind
from .member import Pool
from .table import Destination, DestinationKey, Service, ServiceKey, Tunnel

SORRY_WEIGHT = 1

Leavers = t.Mapping[DestinationKey, Leaving]


def desired_services(service: RunningService, pool: Pool, leaving: LeavingBook) -> t.Dict[ServiceKey, Service]:
    """Every service of the kernel that this virtual_server is, each with the whole pool.

    `pool` is the decision on this very configuration. With nobody to serve the pool is empty, the service stays.
    """
    books = by_service(leaving)
    return {key: _service(service, key, pool, books.get(key, {})) for key in service_keys(service)}


def changed_services(
    service: RunningService, before: Pool, pool: Pool, standing: t.Mapping[ServiceKey, Service]
) -> t.Optional[t.Dict[ServiceKey, Service]]:
    """The same, made of what stood after the decision before on this configuration, while nobody leaves. None where
    entries of the kernel stand for more than one server, or are the sorry server's.
    """
    changed = [
        server for server, was, now in zip(service.real_servers, before.placed.values(), pool.placed.values())
        if was.weight != now.weight
    ]  # fmt: skip
    after = {key: replace(one, destinations=_edited(one, changed, pool)) for key, one in standing.items()}
    for decision, table in ((before, standing), (pool, after)):
        inside = sum(one.weight is not None for one in decision.placed.values())
        if decision.sorry_in or any(len(one.destinations) != inside for one in table.values()):
            return None
    return after


def _edited(standing: Service, changed: t.Iterable[RunningServer], pool: Pool) -> t.Dict[DestinationKey, Destination]:
    destinations = dict(standing.destinations)
    for server in changed:
        destinations.pop(destination_key(standing.key, server, server.lb_kind), None)
        weight = pool.placed[server_text(server)].weight
        if weight is not None:
            entry = _real(standing.key, server, weight)
            destinations[entry.key] = entry
    return destinations


def _service(service: RunningService, key: ServiceKey, pool: Pool, leaving: Leavers) -> Service:
    persistent = service.persistence_timeout > 0
    return Service(
        key=key,
        lb_algo=service.lb_algo,
        persistence_timeout=service.persistence_timeout // NANOSECONDS_PER_SECOND,
        destinations=_destinations(service, key, pool, leaving),
        persistence_granularity=service.persistence_granularity if persistent else None,
        persistence_engine=(service.persistence_engine or "") if persistent else "",
        flags=_flags(service),
    )


def _flags(service: RunningService) -> t.FrozenSet[str]:
    said = {
        "ops": service.ops,
        "fallback": service.sh_fallback or service.mh_fallback,
        "port": service.sh_port or service.mh_port,
        "masquerade": service.masquerade,
    }
    return frozenset(flag for flag, on in said.items() if on)


def _destinations(
    service: RunningService, key: ServiceKey, pool: Pool, leaving: Leavers
) -> t.Dict[DestinationKey, Destination]:
    """Where two are about the same entry of the kernel, the one that serves wins over the one that leaves."""
    entries = [one.destination for one in leaving.values()]
    entries += _sorry(service, key, pool, standby=True)
    for server, placed in zip(service.real_servers, pool.placed.values()):
        if placed.weight is not None:
            entries.append(_real(key, server, placed.weight))
    entries += _sorry(service, key, pool, standby=False)
    return {entry.key: entry for entry in entries}


def _real(key: ServiceKey, server: RunningServer, weight: int) -> Destination:
    tunnel = Tunnel(server.tun_type, server.tun_port or 0, server.tun_checksum) if server.lb_kind == "TUN" else None
    place = destination_key(key, server, server.lb_kind)
    return Destination(place, server.lb_kind, weight, server.uthreshold, server.lthreshold, tunnel)


def _sorry(service: RunningService, key: ServiceKey, pool: Pool, standby: bool) -> t.List[Destination]:
    """In service, or with sorry_server_inhibit on standby at weight 0."""
    sorry = service.sorry_server
    if sorry is None or pool.sorry_in == standby or (standby and not service.sorry_server_inhibit):
        return []
    return [_sorry_destination(service, key, sorry, 0 if standby else SORRY_WEIGHT)]


def _sorry_destination(service: RunningService, key: ServiceKey, sorry: SorryServer, weight: int) -> Destination:
    lb_kind = sorry_lb_kind(service)
    tunnel = Tunnel(service.tun_type, service.tun_port or 0, service.tun_checksum) if lb_kind == "TUN" else None
    return Destination(destination_key(key, sorry, lb_kind), lb_kind, weight, tunnel=tunnel)
