# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Balanced services that are allowed and hardly meant: options that do nothing, pools that cannot do what is said."""

from __future__ import annotations

import typing as t

from .config import Config, VirtualServer
from .lvs_defaults import RunningService, running_services
from .problems import Problem

_OF_CHECKS: t.Mapping[str, object] = {"pool_floor": 0, "flap_damping": 0, "slow_start": 0, "ha_suspend": False}
"""Options of a service that only failing checks give a meaning -> their default."""


def service_warnings(config: Config) -> t.Iterator[Problem]:
    """Every one, at its path."""
    yield from _unused_groups(config)
    for name, running in running_services(config).items():
        path = f"virtual_servers.{name}"
        service = config.virtual_servers[name]
        judges = (*_JUDGES, _hashed) if config.global_defs.data_plane == "ipvs" else _JUDGES
        for judge in judges:
            for key, value, message in judge(service, running):
                yield Problem(f"{path}.{key}", value, message)


_Warning = t.Tuple[str, object, str]


def _unused_groups(config: Config) -> t.Iterator[Problem]:
    used = {service.virtual_server_group for service in config.virtual_servers.values()}
    for name in config.virtual_server_groups:
        if name not in used:
            yield Problem(f"virtual_server_groups.{name}", None, "no virtual_server names it, so it is not served.")


def _nat_mask(service: VirtualServer, _running: RunningService) -> t.Iterator[_Warning]:
    if service.nat_mask is not None:
        yield "nat_mask", service.nat_mask, "does nothing: the kernel has no such setting. Leave it out."


def _quorum(service: VirtualServer, running: RunningService) -> t.Iterator[_Warning]:
    reachable = sum(server.weight for server in running.real_servers if not server.backup)
    if running.real_servers and service.quorum > max(reachable, 1):
        message = f"is more than the weights of the pool together, {reachable}; it counts as that."
        yield "quorum", service.quorum, message


def _backups(_service: VirtualServer, running: RunningService) -> t.Iterator[_Warning]:
    if running.real_servers and all(server.backup for server in running.real_servers):
        yield "real_servers", None, "has backup servers only, so quorum is never there; one of them should be none."


def _floor(service: VirtualServer, running: RunningService) -> t.Iterator[_Warning]:
    held = service.pool_floor and any(server.weight for server in running.real_servers if not server.backup)
    for key, there in (
        ("sorry_server", service.sorry_server is not None),
        ("real_servers", any(server.backup for server in running.real_servers)),
    ):
        if held and there:
            who = "sorry_server" if key == "sorry_server" else "a backup server"
            message = f"keeps failed servers in, so {who} takes connections only when all are taken out by hand."
            yield "pool_floor", service.pool_floor, message


def _unchecked(service: VirtualServer, running: RunningService) -> t.Iterator[_Warning]:
    if any(server.checks for server in running.real_servers) or not running.real_servers:
        return
    for key, default in _OF_CHECKS.items():
        if getattr(service, key) != default:
            yield key, None, "does nothing: no real server has a check."


def _slow_start(service: VirtualServer, running: RunningService) -> t.Iterator[_Warning]:
    """At the service when it says it for all of them, else at the server."""
    message = "does nothing at weight 1, which has no lower step; give the whole pool larger weights, such as 100."
    ramped = [server.slow_start and server.checks for server in running.real_servers]
    without = [bool(ramp and server.weight == 1) for ramp, server in zip(ramped, running.real_servers)]
    if service.slow_start and any(ramped) and all(hit or not ramp for hit, ramp in zip(without, ramped)):
        yield "slow_start", None, message
        return
    for index, hit in enumerate(without):
        if hit:
            yield f"real_servers[{index}].slow_start", None, message


def _hashed(service: VirtualServer, _running: RunningService) -> t.Iterator[_Warning]:
    """ip_vs alone: rows of nftables leave such a server out."""
    key = f"{service.lb_algo}_fallback"
    if service.lb_algo in ("sh", "mh") and not getattr(service, key):
        stays = service.inhibit_on_failure or any(server.inhibit_on_failure for server in service.real_servers)
        when = "failed (inhibit_on_failure) or drained" if stays else "drained"
        message = f"a server that is {when} stays at weight 0, and ip_vs refuses the clients that hash to it; set it."
        yield key, False, message


_JUDGES: t.Sequence[t.Callable[[VirtualServer, RunningService], t.Iterator[_Warning]]] = (
    _nat_mask,
    _quorum,
    _backups,
    _floor,
    _slow_start,
    _unchecked,
)
