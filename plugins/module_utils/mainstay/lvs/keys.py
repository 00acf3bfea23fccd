# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names: of real servers for people, of services and servers in the kernel.

A ServerId is what overrides, scripts and status say; it survives every reload. One virtual_server may be many
services of the kernel (a group, a range), each with the same pool.
"""

from __future__ import annotations

import ipaddress
import typing as t

from ..model.lvs_config import GroupEntry
from ..model.lvs_defaults import RunningServer, RunningService
from .table import DestinationKey, ServiceKey, endpoint_text

ServerId = t.Tuple[str, str]
"""Name of the virtual_server, and its real_server as server_text() writes it."""


class Endpoint(t.Protocol):
    """A real_server or sorry_server."""

    @property
    def address(self) -> str:
        """Without brackets."""

    @property
    def port(self) -> t.Optional[int]:
        """None or 0: that of the service."""


def server_text(server: RunningServer) -> str:
    """192.0.2.21:80, [2001:db8::21]:80; port 0 where neither server nor service names one."""
    return endpoint_text(server.address, server.port)


def service_keys(service: RunningService) -> t.Tuple[ServiceKey, ...]:
    """Everything that the kernel has to serve for this virtual_server, in the order of the configuration."""
    return tuple(dict.fromkeys(key for entry in service.entries for key in _entry_keys(entry, service)))


def destination_key(key: ServiceKey, server: Endpoint, lb_kind: str) -> DestinationKey:
    """The server's identity inside the service `key`.

    DR and TUN do not touch the packet, so there the port is always the service's; so it is for a server without one.
    """
    own_port = server.port if lb_kind == "NAT" else 0
    return DestinationKey(server.address, own_port or key.port)


def sorry_lb_kind(service: RunningService) -> str:
    """How the sorry server is reached: its own word, else the service's."""
    return service.sorry_server_lb_kind or service.lb_kind


def _entry_keys(entry: GroupEntry, service: RunningService) -> t.Iterator[ServiceKey]:
    if entry.address is None:
        family = entry.family or _servers_family(service)
        yield ServiceKey("", "", 0, entry.fwmark, family)
        return
    for address in _addresses(entry.address, entry.last_address):
        for port in range(entry.port, (entry.last_port or entry.port) + 1):
            yield ServiceKey(service.protocol, address, port)


def _addresses(first: str, last: t.Optional[str]) -> t.Iterator[str]:
    if last is None:
        yield first
        return
    start, end = ipaddress.ip_address(first), ipaddress.ip_address(last)
    kind = type(start)
    yield from (str(kind(number)) for number in range(int(start), int(end) + 1))


def _servers_family(service: RunningService) -> str:
    """Of a mark that does not say: its service's word, else that of its real servers."""
    if service.ip_family:
        return service.ip_family
    every_one_ipv6 = bool(service.real_servers) and all(":" in server.address for server in service.real_servers)
    return "inet6" if every_one_ipv6 else "inet"
