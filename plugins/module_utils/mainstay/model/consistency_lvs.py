# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Contradictions between balanced services, in their pools."""

from __future__ import annotations

import typing as t

from .config import Config, VirtualServer
from .problems import Problem

_First = t.Dict[t.Any, str]
"""What was seen -> the path that said it first."""


def service_contradictions(config: Config) -> t.Iterator[Problem]:
    """Every one, at the path of the later of the two places."""
    yield from _services(config.virtual_servers.values())
    for service in config.virtual_servers.values():
        yield from _pool(service)
        yield from _forwarding(service)


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
