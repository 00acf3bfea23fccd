# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The difference of two tables, as edits in an order that never leaves a working pool empty.

Keys are identity: an entry on both sides is edited in place and keeps its connections and counters, for ip_vs changes
everything else in place: scheduler, flags, persistence, forwarding, tunnel, thresholds. An equal one is not touched at
all, which is how a restarted daemon adopts what it finds. Inside one service what can
take connections comes first and what stops taking them comes last:

    service itself -> new servers -> weights up -> weights down -> servers out

so as long as both tables have a server with a weight in that pool, so has every table in between. Services to
remove come after all others, for the same reason: make before break.
"""

from __future__ import annotations

import typing as t
from dataclasses import replace

from .operations import (
    AddDestination,
    AddService,
    Operation,
    RemoveDestination,
    RemoveService,
    SetDestination,
    SetService,
)
from .table import Destination, Service, ServiceKey, Table, Tunnel


def operations(current: Table, desired: Table, owned: t.Collection[ServiceKey]) -> t.List[Operation]:
    """Edits that turn `current` into `desired`.

    `owned` names the services that are ours to remove: those of the running configuration and the one before.
    A service that is neither desired nor owned is somebody else's and is left alone. A desired service is
    ours entirely, so real servers that someone else put into its pool go.
    """
    edits: t.List[Operation] = []
    for key in sorted(desired):
        edits += _service_edits(current.get(key), desired[key])
    edits += [RemoveService(key) for key in sorted(current) if key in owned and key not in desired]
    return edits


def _service_edits(current: t.Optional[Service], desired: Service) -> t.List[Operation]:
    """Edits of one service and its pool."""
    if current is None:
        return [AddService(desired), *_pool_edits({}, desired)]
    edits: t.List[Operation] = []
    if _head(current) != _head(desired):
        edits.append(SetService(desired))
    return edits + _pool_edits(current.destinations, desired)


def _head(service: Service) -> t.Tuple[object, ...]:
    """What SetService changes. A prefix length that is a whole address says what None says."""
    whole = 128 if service.key.ipv6 else 32
    granularity = None if service.persistence_granularity == whole else service.persistence_granularity
    return (
        service.lb_algo,
        service.persistence_timeout,
        granularity if service.persistence_timeout else None,
        service.persistence_engine,
        service.flags,
    )


def same_server(one: Destination, other: Destination) -> bool:
    """Equal for the kernel: TUN without a word on its tunnel is ipip."""
    return one is other or one == other or _spelt_out(one) == _spelt_out(other)


def _spelt_out(server: Destination) -> Destination:
    if server.lb_kind == "TUN" and server.tunnel is None:
        return replace(server, tunnel=Tunnel())
    return server if server.lb_kind == "TUN" else replace(server, tunnel=None)


def _pool_edits(current: t.Mapping[t.Any, Destination], desired: Service) -> t.List[Operation]:
    """Edits of a pool, in the order that the module's text promises."""
    wanted = desired.destinations
    if current == wanted:
        return []
    # Found before they are sorted: in a large pool few differ.
    new = [wanted[key] for key in sorted(wanted.keys() - current.keys())]
    differing = [key for key, server in wanted.items() if key in current and not same_server(current[key], server)]
    changed = [wanted[key] for key in sorted(differing)]
    up = [server for server in changed if server.weight > current[server.key].weight]
    other = [server for server in changed if server.weight <= current[server.key].weight]
    edits: t.List[Operation] = [AddDestination(desired.key, server) for server in new]
    edits += [SetDestination(desired.key, server) for server in up + other]
    edits += [RemoveDestination(desired.key, key) for key in sorted(current.keys() - wanted.keys())]
    return edits
