# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Contradictions within a balanced service: what it serves, how it schedules, forwards and persists."""

from __future__ import annotations

import typing as t

from .config import Config, VirtualServer
from .consistency_tracking import missing
from .lvs_config import GroupEntry
from .problems import Problem

Fault = t.Tuple[str, object, str]
"""Key, its value, what is wrong with it."""


def service_contradictions(config: Config) -> t.Iterator[Problem]:
    """Every one of what a service says itself."""
    for service in config.virtual_servers.values():
        path = f"virtual_servers.{service.name}"
        for judge in _JUDGES:
            for key, value, message in judge(service, config):
                yield Problem(f"{path}.{key}", value, message)
        group = service.virtual_server_group
        if group is not None:
            yield from missing(
                group, config.virtual_server_groups, "virtual_server_groups", f"{path}.virtual_server_group"
            )


def served_entries(service: VirtualServer, config: Config) -> t.Tuple[GroupEntry, ...]:
    """What the kernel is to serve, as far as it is said; of an unknown group nothing."""
    if service.virtual_server_group is not None:
        group = config.virtual_server_groups.get(service.virtual_server_group)
        return () if group is None else group.entries
    if service.fwmark is not None:
        return (GroupEntry(fwmark=service.fwmark, family=service.ip_family or ""),)
    return () if service.address is None else (GroupEntry(address=service.address, port=service.port or 0),)


def _served(service: VirtualServer, _config: Config) -> t.Iterator[Fault]:
    said = [key for key in ("address", "fwmark", "virtual_server_group") if getattr(service, key) is not None]
    if not said:
        yield "address", None, "is missing; say the service's address, or fwmark or virtual_server_group instead."
    for key in said[1:]:
        yield key, getattr(service, key), f"cannot stand beside {said[0]}; a virtual_server_group may list both."
    if service.address is None and service.port is not None:
        yield "port", service.port, "belongs to an address; a fwmark has none, a group says its own."
    if service.ip_family is not None and service.fwmark is None:
        yield "ip_family", service.ip_family, "is for a fwmark; an address tells its family, a group says it itself."


def _every_port(service: VirtualServer, config: Config) -> t.Iterator[Fault]:
    if service.address is None:
        every = [one for one in served_entries(service, config) if one.address is not None and not one.port]
        if every and not service.persistence_timeout:
            message = f"lists {every[0].address} without a port, which is every port: {_EVERY_PORT}"
            yield "virtual_server_group", service.virtual_server_group, message
        return
    if service.port is None:
        yield "port", None, "is missing; it must be a whole number from 1 to 65535, or 0 for every port."
    elif service.port == 0 and not service.persistence_timeout:
        yield "port", 0, f"is every port: {_EVERY_PORT}"


_EVERY_PORT = "ip_vs serves that with persistence only; say persistence_timeout."


def _protocol(service: VirtualServer, config: Config) -> t.Iterator[Fault]:
    entries = served_entries(service, config)
    addresses = service.address is not None or any(entry.address is not None for entry in entries)
    if addresses and service.protocol is None:
        yield "protocol", None, "is missing; it must be one of TCP, UDP, SCTP."
    if entries and not addresses and service.protocol is not None:
        yield "protocol", service.protocol, "belongs to an address: a fwmark is served whatever it stands for."


def _scheduling(service: VirtualServer, _config: Config) -> t.Iterator[Fault]:
    for key in ("sh_port", "sh_fallback", "mh_port", "mh_fallback"):
        if getattr(service, key) and service.lb_algo != key[:2]:
            yield key, True, f"is of lb_algo {key[:2]}, and this one is {service.lb_algo}."
    if service.ops and service.protocol in ("TCP", "SCTP"):
        yield "ops", True, f"is for UDP: {service.protocol} has connections."


def tunnel_faults(lb_kind: str, tun_type: str, tun_port: t.Optional[int], tun_checksum: str) -> t.Iterator[Fault]:
    """What is wrong with a way of forwarding."""
    said = {"tun_type": (tun_type, "ipip"), "tun_port": (tun_port, None), "tun_checksum": (tun_checksum, "nocsum")}
    if lb_kind != "TUN":
        for key, (value, default) in said.items():
            if value != default:
                yield key, value, f"is of lb_kind TUN, and this one is {lb_kind}."
        return
    if tun_type == "gue" and tun_port is None:
        yield "tun_port", None, "is missing; gue is UDP and has to be sent to a port."
    if tun_type != "gue" and tun_port is not None:
        yield "tun_port", tun_port, f"is of tun_type gue: {tun_type} has no port."
    if tun_checksum == "csum" and tun_type == "ipip":
        yield "tun_checksum", tun_checksum, "is of tun_type gue or gre: ipip has none."
    if tun_checksum == "remcsum" and tun_type != "gue":
        yield "tun_checksum", tun_checksum, f"is of tun_type gue: {tun_type} cannot."


def _tunnel(service: VirtualServer, _config: Config) -> t.Iterator[Fault]:
    yield from tunnel_faults(service.lb_kind, service.tun_type, service.tun_port, service.tun_checksum)


def _persistence(service: VirtualServer, _config: Config) -> t.Iterator[Fault]:
    granularity, engine = service.persistence_granularity, service.persistence_engine
    for key, value in (("persistence_granularity", granularity), ("persistence_engine", engine)):
        if value is not None and not service.persistence_timeout:
            yield key, value, "does nothing without persistence_timeout."
    if engine == "sip" and service.protocol in ("TCP", "SCTP"):
        yield "persistence_engine", engine, "reads SIP over UDP only; leave it out, or write protocol: UDP."


def _quorum(service: VirtualServer, _config: Config) -> t.Iterator[Fault]:
    if service.hysteresis >= service.quorum:
        yield "hysteresis", service.hysteresis, f"must be less than quorum, {service.quorum}."
    if service.sorry_server is not None:
        return
    if service.sorry_server_inhibit:
        yield "sorry_server_inhibit", True, "does nothing without sorry_server."
    if service.sorry_server_lb_kind is not None:
        yield "sorry_server_lb_kind", service.sorry_server_lb_kind, "does nothing without sorry_server."


def _suspension(service: VirtualServer, config: Config) -> t.Iterator[Fault]:
    entries = served_entries(service, config)
    if service.ha_suspend and entries and all(entry.address is None for entry in entries):
        yield "ha_suspend", True, "goes by the service's address, and a fwmark has none."


_JUDGES: t.Sequence[t.Callable[[VirtualServer, Config], t.Iterator[Fault]]] = (
    _served,
    _every_port,
    _protocol,
    _scheduling,
    _tunnel,
    _persistence,
    _quorum,
    _suspension,
)
