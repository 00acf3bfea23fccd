# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The health of every real server, and the checks that find it out."""

from __future__ import annotations

import typing as t
from dataclasses import replace

from ...lvs.desired import HealthBook, destination_key, service_key
from ...lvs.health import (
    DOWN,
    CheckHistory,
    CheckPolicy,
    Health,
    check_policy,
    first_history,
    unchecked,
)
from ...lvs.table import Service, Table
from ...model.config import RealServer, VirtualServer
from ...model.units import Instant
from ...net.polling import Poller
from ...net.probe_driver import ProbeRun
from .check_phase import ServerKey, first_due
from .probe_slots import ProbeSlots
from .server_check import CheckPlan, RunProbe, ServerCheck, continued

Services = t.Mapping[str, VirtualServer]
Judged = t.Callable[[ServerCheck, Health], None]

FOUND_OUT = "was out of the pool when the daemon started, not checked yet"


class CheckBook:
    """Follows the configuration: keeps what is unchanged, ends what is gone, begins what is new."""

    def __init__(self, poller: Poller, judged: Judged, run_probe: RunProbe = ProbeRun) -> None:
        """`judged` gets every result of every check, with the health as it was before."""
        self._poller = poller
        self._judged = judged
        self._run_probe = run_probe
        self._slots = ProbeSlots()
        self._checks: t.Dict[ServerKey, ServerCheck] = {}
        self._unchecked: t.Dict[ServerKey, Health] = {}

    def configure(self, services: Services, found: Table, now: Instant) -> None:
        """Run the checks of `services`.

        `found` is the kernel's table at the start of the process: a server that it shows out of its pool starts
        out of it. Later calls pass an empty one.
        """
        plans = dict(_plans(services))
        self._end_checks(plans)
        self._unchecked = {
            key: self._unchecked.get(key) or unchecked(now) for key, plan in plans.items() if plan is None
        }
        out = {key for service in services.values() for key in _found_out(service, found)}
        self._begin_checks({key: plan for key, plan in plans.items() if plan is not None}, out, now)

    def health(self) -> HealthBook:
        """The health of every configured server."""
        return {**self._unchecked, **{key: check.history.health for key, check in self._checks.items()}}

    def health_of(self, service: VirtualServer) -> HealthBook:
        """The health of one service's servers, without going through all others."""
        keys = (key for key, _server in server_keys(service))
        return {key: self._health_at(key) for key in keys}

    def any_in_pool(self, service: VirtualServer) -> bool:
        """Is there a server left that may take connections?"""
        return any(self._health_at(key).in_pool for key, _server in server_keys(service))

    def check_of(self, key: ServerKey) -> t.Optional[ServerCheck]:
        """The running check of a server; None when it has none."""
        return self._checks.get(key)

    def close(self) -> None:
        """End every check."""
        self._end_checks({})

    def _health_at(self, key: ServerKey) -> Health:
        check = self._checks.get(key)
        return self._unchecked[key] if check is None else check.history.health

    def _end_checks(self, plans: t.Mapping[ServerKey, t.Optional[CheckPlan]]) -> None:
        for key in [key for key in self._checks if plans.get(key) is None]:
            self._checks.pop(key).end()

    def _begin_checks(self, plans: t.Mapping[ServerKey, CheckPlan], out: t.Collection[ServerKey], now: Instant) -> None:
        """Begin new checks and those whose plan changed; these keep their state."""
        fresh: t.List[ServerCheck] = []
        for key, plan in plans.items():
            old = self._checks.get(key)
            if old is not None and old.plan == plan:
                continue
            if old is not None:
                old.end()
                history = continued(old.history, plan.policy)
            else:
                history = _first(plan.policy, key in out, now)
            fresh.append(self._new_check(key, plan, history))
        for check in fresh:
            self._checks[check.key] = check
            check.begin(first_due(check.key, check.plan.policy.delay_loop, len(fresh), now))

    def _new_check(self, key: ServerKey, plan: CheckPlan, history: CheckHistory) -> ServerCheck:
        return ServerCheck(self._poller, self._slots, self._run_probe, key, plan, history, self._judged)


def server_keys(service: VirtualServer) -> t.List[t.Tuple[ServerKey, RealServer]]:
    """The real servers of a service by identity, in the order of the configuration."""
    key = service_key(service)
    return [((key, destination_key(server)), server) for server in service.real_servers]


def _plans(services: Services) -> t.Iterator[t.Tuple[ServerKey, t.Optional[CheckPlan]]]:
    for service in services.values():
        for key, server in server_keys(service):
            policy = check_policy(service, server)
            if server.check is None or policy is None:
                yield key, None
            else:
                yield key, CheckPlan(server.check, policy)


def _first(policy: CheckPolicy, out: bool, now: Instant) -> CheckHistory:
    history = first_history(policy, now)
    return replace(history, health=Health(DOWN, now, FOUND_OUT)) if out else history


def _found_out(service: VirtualServer, found: Table) -> t.Set[ServerKey]:
    """Servers that the kernel knew as failed: the service is there with other servers of ours, without this one.

    A pool with none of our servers says nothing about them, so then all start on trust.
    """
    entry = found.get(service_key(service))
    weighted = [(key, server) for key, server in server_keys(service) if server.weight]
    out = {key for key, _server in weighted if entry is None or not _takes_connections(entry, key)}
    return out if len(out) < len(weighted) else set()


def _takes_connections(entry: Service, key: ServerKey) -> bool:
    destination = entry.destinations.get(key[1])
    return destination is not None and destination.weight > 0
