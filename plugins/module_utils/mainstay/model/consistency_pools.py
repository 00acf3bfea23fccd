# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Contradictions within a pool: its servers, the sorry server, and how packets get to them."""

from __future__ import annotations

import typing as t

from .check_readers import Netmask
from .config import Config, RealServer, VirtualServer
from .consistency_services import served_entries, tunnel_faults
from .lvs_defaults import RunningServer, running_examples
from .problems import Problem

_BITS_OF_IPV4 = 32
_BITS_OF_IPV6 = 128


def pool_contradictions(config: Config) -> t.Iterator[Problem]:
    """Every one, at the path of the later of the two places."""
    for service in config.virtual_servers.values():
        path = f"virtual_servers.{service.name}"
        families = _families(service, config)
        yield from _twice(service, path)
        yield from _sorry_server(service, families, path)
        yield from _granularity(service, families, path)
        for index, (server, running) in enumerate(zip(service.real_servers, running_examples(service, config))):
            place = f"{path}.real_servers[{index}]"
            yield from _limits(server, place)
            yield from _family(server.address, running.lb_kind, families, f"{place}.address")
            yield from _port(service, server.port, running.lb_kind, f"{place}.port")
            yield from _tunnel(server, running, place)


def _families(service: VirtualServer, config: Config) -> t.FrozenSet[str]:
    """inet and inet6, as far as the service says; a fwmark that does not is of IPv6 where all its servers are."""
    entries = served_entries(service, config)
    six = bool(service.real_servers) and all(":" in server.address for server in service.real_servers)
    of_mark = "inet6" if six else "inet"
    return frozenset(
        entry.family or of_mark if entry.address is None else family_of(entry.address) for entry in entries
    )


def _granularity(service: VirtualServer, families: t.FrozenSet[str], path: str) -> t.Iterator[Problem]:
    """One for all that the service serves."""
    granularity, path = service.persistence_granularity, f"{path}.persistence_granularity"
    if isinstance(granularity, Netmask) and "inet6" in families:
        remedy = f"write a prefix length from 1 to {_BITS_OF_IPV4 if 'inet' in families else _BITS_OF_IPV6}."
        yield Problem(path, granularity.text, f"is a netmask of IPv4, and the service serves IPv6; {remedy}")
    if granularity is not None and granularity > _BITS_OF_IPV4 and "inet" in families:
        message = "must be a netmask or a prefix length from 1 to 32 for IPv4."
        yield Problem(path, granularity, message)


def family_of(address: str) -> str:
    """inet or inet6."""
    return "inet6" if ":" in address else "inet"


def _twice(service: VirtualServer, path: str) -> t.Iterator[Problem]:
    seen: t.Dict[t.Tuple[str, t.Optional[int]], str] = {}
    for index, server in enumerate(service.real_servers):
        place = f"{path}.real_servers[{index}]"
        port = service.port if server.port is None else server.port
        first = seen.setdefault((server.address, port), place)
        if first != place:
            shown = server.address if port is None else f"{server.address}:{port}"
            yield Problem(place, shown, f"is already given at {first}; use weight for a larger share.")


def _sorry_server(service: VirtualServer, families: t.FrozenSet[str], path: str) -> t.Iterator[Problem]:
    sorry = service.sorry_server
    if sorry is None:
        return
    lb_kind = service.sorry_server_lb_kind or service.lb_kind
    yield from _family(sorry.address, lb_kind, families, f"{path}.sorry_server")
    yield from _port(service, sorry.port, lb_kind, f"{path}.sorry_server")
    for server in service.real_servers:
        port = service.port if server.port is None else server.port
        if (server.address, port) == (sorry.address, service.port if sorry.port is None else sorry.port):
            message = "is a real server of the same pool, too; while quorum is lost it could serve nobody."
            yield Problem(f"{path}.sorry_server", sorry.address, message)


def _family(address: str, lb_kind: str, families: t.FrozenSet[str], path: str) -> t.Iterator[Problem]:
    if lb_kind != "TUN" and families - {family_of(address)}:
        other = " and ".join(sorted(families - {family_of(address)}))
        message = f"is {family_of(address)} in a service of {other}: only lb_kind TUN carries one family in the other."
        yield Problem(path, address, message)


def _port(service: VirtualServer, port: t.Optional[int], lb_kind: str, path: str) -> t.Iterator[Problem]:
    """Where the service says no port, that of a server is what its checks ask."""
    if lb_kind != "NAT" and service.port and port not in (None, service.port):
        message = f"must be {service.port} like the service's: {lb_kind} cannot change the port, NAT can."
        yield Problem(path, port, message)


def _tunnel(server: RealServer, running: RunningServer, place: str) -> t.Iterator[Problem]:
    own = [server.lb_kind, server.tun_type, server.tun_port, server.tun_checksum]
    if any(one is not None for one in own):
        said = tunnel_faults(
            running.lb_kind,
            running.tun_type if running.lb_kind == "TUN" else server.tun_type or "ipip",
            running.tun_port if running.lb_kind == "TUN" else server.tun_port,
            running.tun_checksum if running.lb_kind == "TUN" else server.tun_checksum or "nocsum",
        )
        yield from (Problem(f"{place}.{key}", value, message) for key, value, message in said)


def _limits(server: RealServer, place: str) -> t.Iterator[Problem]:
    if server.lthreshold and not server.uthreshold:
        yield Problem(f"{place}.lthreshold", server.lthreshold, "does nothing without uthreshold.")
    elif server.lthreshold > server.uthreshold:
        message = f"must not be above uthreshold, {server.uthreshold}."
        yield Problem(f"{place}.lthreshold", server.lthreshold, message)
