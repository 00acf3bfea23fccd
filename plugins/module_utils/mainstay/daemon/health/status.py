# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The health worker's section of the status answer."""

from __future__ import annotations

import datetime
import os
import typing as t

from ...lvs.desired import service_key
from ...lvs.health import Health
from ...model.config import RealServer, VirtualServer
from ...model.units import Instant, as_seconds
from ...net.data_plane import Counters, DestinationCounters
from .check_book import CheckBook, server_keys
from .check_phase import ServerKey
from .pool_keeper import PoolKeeper


class HealthStatus:
    """Builds the section; pools, weights and connections are those of the kernel, not those hoped for."""

    def __init__(self, book: CheckBook, keeper: PoolKeeper) -> None:
        self._book = book
        self._keeper = keeper
        self._since: t.Dict[ServerKey, t.Tuple[Instant, str]] = {}

    def section(self, data_plane: str, services: t.Iterable[VirtualServer], now: Instant) -> t.Dict[str, object]:
        """JSON-able, in the shape the command line and the modules expect."""
        counters = self._keeper.counters()
        listed = sorted(services, key=lambda service: service.name)
        known = {key for service in listed for key, _server in server_keys(service)}
        self._since = {key: since for key, since in self._since.items() if key in known}
        return {
            "alive": True,
            "pid": os.getpid(),
            "as_of": now,
            "data_plane": data_plane,
            "error": self._keeper.error,
            "virtual_servers": {service.name: self._service(service, counters, now) for service in listed},
        }

    def _service(self, service: VirtualServer, counters: Counters, now: Instant) -> t.Dict[str, object]:
        key, health = service_key(service), self._book.health_of(service)
        return {
            "address": service.address,
            "port": service.port,
            "protocol": service.protocol,
            "lb_algo": service.lb_algo,
            "lb_kind": service.lb_kind,
            "installed": key in self._keeper.current,
            "refusals": self._keeper.refusals(key),
            "repairs": self._keeper.repairs(key),
            "real_servers": [
                self._server(place, server, health[place], counters.get(place), now)
                for place, server in server_keys(service)
            ],
        }

    def _server(
        self,
        key: ServerKey,
        server: RealServer,
        health: Health,
        connections: t.Optional[DestinationCounters],
        now: Instant,
    ) -> t.Dict[str, object]:
        weight = self._weight(key)
        return {
            "address": server.address,
            "port": server.port,
            "weight": server.weight,
            "effective_weight": weight or 0,
            "in_pool": weight is not None,
            "state": health.state,
            "since": self._since_text(key, health, now),
            "reason": self._reason(key, health),
            "age": self._age(key, now),
            "active_connections": None if connections is None else connections.active_connections,
            "inactive_connections": None if connections is None else connections.inactive_connections,
        }

    def _weight(self, key: ServerKey) -> t.Optional[int]:
        """The weight in the kernel; None when the server is not in its pool there."""
        service = self._keeper.current.get(key[0])
        destination = None if service is None else service.destinations.get(key[1])
        return None if destination is None else destination.weight

    def _reason(self, key: ServerKey, health: Health) -> str:
        check = self._book.check_of(key)
        if check is None or not check.hindrance:
            return health.reason
        return f"{health.reason}; not checked since: {check.hindrance}"

    def _age(self, key: ServerKey, now: Instant) -> t.Optional[float]:
        """Seconds since the latest result."""
        check = self._book.check_of(key)
        checked = None if check is None else check.history.checked
        return None if checked is None else round(as_seconds(now - checked), 3)

    def _since_text(self, key: ServerKey, health: Health, now: Instant) -> str:
        """Wall-clock time of `health.since`, worked out once, so that it does not move with the clock."""
        known = self._since.get(key)
        if known is None or known[0] != health.since:
            known = (health.since, _wall_clock(now - health.since))
            self._since[key] = known
        return known[1]


def _wall_clock(ago: int) -> str:
    """This machine's own time with its offset, `ago` nanoseconds before now."""
    moment = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(microseconds=ago / 1000)
    return moment.astimezone().isoformat(timespec="milliseconds")
