# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The health worker: checks, pools and the table in the kernel.

    probe ends -> ServerCheck judges -> CheckBook knows -> desired_service -> PoolKeeper -> kernel

It only puts the parts together and tells what changed. CheckBook follows the configuration and finds out who is
healthy; PoolKeeper makes the kernel's table what it should be and keeps it so. SyncKeeper does that for the threads
that synchronise connections with other machines.
"""

from __future__ import annotations

import typing as t

from ...lvs.desired import desired_service, desired_table, service_key
from ...lvs.health import Health
from ...lvs.table import ServiceKey
from ...model.config import Config, VirtualServer
from ...model.units import Instant
from ...net.ipvs_sync import SyncControl
from ...net.polling import Poller
from ...net.probe_driver import ProbeRun
from .. import sync_role
from ..worker import Arguments, LogLine, Say
from .check_book import CheckBook, Services
from .engines import OpenEngine, open_engine
from .pool_keeper import PoolKeeper
from .server_check import RunProbe, ServerCheck
from .status import HealthStatus
from .sync_keeper import OpenControl, SyncKeeper


class HealthWorker:
    """Implements daemon/worker.Worker for virtual_servers."""

    def __init__(
        self,
        reactor: Poller,
        say: Say,
        open_engine: OpenEngine = open_engine,
        run_probe: RunProbe = ProbeRun,
        open_sync: OpenControl = SyncControl,
    ) -> None:
        self._say = say
        self._services: t.Dict[ServiceKey, VirtualServer] = {}
        self._book = CheckBook(reactor, self._judged, run_probe)
        self._keeper = PoolKeeper(reactor, say, open_engine)
        self._status = HealthStatus(self._book, self._keeper)
        self._sync = SyncKeeper(reactor, say, open_sync)
        self._data_plane = ""
        self._started = False

    def configure(self, config: Config, now: Instant) -> None:
        """Run these services.

        The first call adopts what the kernel holds. Later ones leave every unchanged check, state and entry as
        it is; services that are gone leave the kernel. Without services no engine is opened, so a machine that
        only does VRRP needs none.
        """
        services = config.virtual_servers
        self._data_plane = config.global_defs.data_plane
        if services:
            self._keeper.use(self._data_plane)
        else:
            self._keeper.rest()
        found = {} if self._started else self._keeper.current
        self._started = True
        self._services = {service_key(service): service for service in services.values()}
        self._book.configure(services, found, now)
        self._keeper.own(_names(services))
        self._keeper.keep(desired_table(services, self._book.health()))

    def status(self, now: Instant) -> t.Dict[str, object]:
        """The "lvs" section of the status answer."""
        section = self._status.section(self._data_plane, self._services.values(), now)
        return {**section, "sync_daemon": self._sync.status()}

    def tell(self, verb: str, arguments: Arguments, now: Instant) -> None:
        """How connections are to be synchronised."""
        if verb != sync_role.VERB:
            raise KeyError(verb)
        self._sync.want(arguments, now)

    def ask(self, verb: str, _arguments: Arguments, _now: Instant) -> t.Dict[str, object]:
        """It answers no questions but the one for its status."""
        return {"ok": False, "error": f"the health worker cannot answer {verb}"}

    def stop(self, _now: Instant) -> None:
        """End the checks and remove our services from the kernel; those of others stay."""
        self._book.close()
        self._keeper.rest()
        self._sync.stop()

    def _judged(self, check: ServerCheck, before: Health) -> None:
        """A result came: carry out what it changes, then tell it."""
        after = check.history.health
        service = self._services[check.key[0]]
        if after.in_pool != before.in_pool:
            self._keeper.adjust(desired_service(service, self._book.health_of(service)))
        if after.state != before.state:
            self._tell_change(service, check)
        elif check.newly_hindered:
            stays = f"real_server {check.key[1]} stays {after.state}: it could not be checked"
            self._tell("warning", service, f"{stays}, {check.hindrance}")

    def _tell_change(self, service: VirtualServer, check: ServerCheck) -> None:
        health, failures = check.history.health, check.history.failures
        tries = f" ({failures} of {check.plan.policy.retry + 1} tries)" if failures > 1 else ""
        level = "info" if health.in_pool else "warning"
        self._tell(level, service, f"real_server {check.key[1]} is {health.state}: {health.reason}{tries}")
        if not health.in_pool and not self._book.any_in_pool(service):
            self._tell("error", service, "every real_server is down, connections fail until one is up")

    def _tell(self, level: str, service: VirtualServer, message: str) -> None:
        self._say(LogLine(level, f"virtual_server {service.name}", message))


def _names(services: Services) -> t.Dict[ServiceKey, str]:
    return {service_key(service): name for name, service in services.items()}
