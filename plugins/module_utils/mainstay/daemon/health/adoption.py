# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the kernel's table tells a process that has just started about the servers of its configuration.

The table of a former process outlives it, so it is a memory: who is missing from a pool, or stands in it at weight 0,
was found failed, and putting it back on trust would send clients to it. It says nothing where there is another
reason to be out: an operator's order, a configured weight of 0, a backup that was not needed. And a pool with none of
our servers says nothing at all, unless the sorry server holds the fort in it.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ...lvs.keys import ServerId, destination_key, server_text, service_keys, sorry_lb_kind
from ...lvs.table import DestinationKey, Service, Table
from ...model.lvs_defaults import RunningServer, RunningService


@dataclass(frozen=True)
class Found:
    """Servers of the configuration, by what the kernel showed of them."""

    out: t.FrozenSet[ServerId] = frozenset()
    """Out of a pool that they belong to."""
    serving: t.FrozenSet[ServerId] = frozenset()
    """Taking connections."""

    def without(self, down: t.FrozenSet[ServerId]) -> Found:
        """The same, with these known to be down, whatever keeps them in the table: pool_floor, say."""
        return Found(self.out | down, self.serving - down)


NOTHING_FOUND = Found()


def found_in(table: Table, services: t.Iterable[RunningService], ordered: t.Container[ServerId]) -> Found:
    """Compare the services with the table; `ordered` are the servers that an operator gave orders about."""
    out: t.Set[ServerId] = set()
    serving: t.Set[ServerId] = set()
    for service in services:
        entries = [table[key] for key in service_keys(service) if key in table]
        if entries:
            inside = {_id(service, server) for server in service.real_servers if _serves(server, entries)}
            serving |= inside
            if inside or _sorry_serves(service, entries):
                out |= {key for key in _telling(service, ordered) if key not in inside}
    return Found(frozenset(out), frozenset(serving))


def _telling(service: RunningService, ordered: t.Container[ServerId]) -> t.Set[ServerId]:
    """Servers whose absence can only mean that they failed."""
    servers = [server for server in service.real_servers if server.weight and not server.backup]
    return {key for key in (_id(service, server) for server in servers) if key not in ordered}


def _serves(server: RunningServer, entries: t.Iterable[Service]) -> bool:
    return any(_takes(entry, destination_key(entry.key, server, server.lb_kind)) for entry in entries)


def _sorry_serves(service: RunningService, entries: t.Iterable[Service]) -> bool:
    sorry = service.sorry_server
    if sorry is None:
        return False
    return any(_takes(entry, destination_key(entry.key, sorry, sorry_lb_kind(service))) for entry in entries)


def _takes(entry: Service, key: DestinationKey) -> bool:
    destination = entry.destinations.get(key)
    return destination is not None and destination.weight > 0


def _id(service: RunningService, server: RunningServer) -> ServerId:
    return service.name, server_text(server)
