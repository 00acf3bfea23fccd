# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which connections a reload would end, and which servers it would let go or take in.

A server that leaves a service is drained: nobody who is connected notices, unless drain_timeout is over first. What
ends connections at once is told as certain: a service that leaves or is served somewhere else, another data plane, a
drain_timeout of 0. Two things end none: another name for a service (the kernel knows no names), and with nftables the
end of a TCP service, because connection tracking carries on what it knows.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ...lvs.keys import server_text, service_keys
from ...lvs.table import ServiceKey
from ...model.config import Config
from ...model.lvs_defaults import RunningServer, RunningService, running_services
from ...model.units import as_seconds
from .page_words import Section, section_of
from .servers_text import server_name

NFTABLES = "nftables"


@dataclass(frozen=True)
class PoolChange:
    """What would become of one service, of one of its servers, or of all of them."""

    subject: str
    """virtual_server web, real_server web 192.0.2.21:80, or data_plane."""
    certain: bool
    """Connections end, or are not served; False: they may end, or none does."""
    why: str


def opens_engine(new: Config, lvs: Section) -> bool:
    """Whether a reload opens an engine that does not serve now: another one, or the first."""
    return bool(new.virtual_servers) and lvs.get("serving") != new.global_defs.data_plane


def _other_engine(old: t.Optional[str], new: str, absent: str) -> PoolChange:
    if absent:
        outcome = f"{old} serves on" if old else "nothing is served"
        return PoolChange(f"data_plane {new}", True, f"is not there, {outcome} until it comes: {absent}")
    why = f"{old} -> {new}: every service moves there, all established connections end"
    return PoolChange("data_plane", True, why)


def pool_changes(old: Config, new: Config, lvs: Section, absent: str = "") -> t.List[PoolChange]:
    """`lvs`: that section of the status, for the engine that serves and the connections of each server. `absent`: why
    the engine that a reload would open is not there, with the remedy; "" when it is.
    """
    before, after = running_services(old), running_services(new)
    found: t.List[PoolChange] = []
    serving, wanted = lvs.get("serving"), new.global_defs.data_plane
    if opens_engine(new, lvs) and (serving or absent):
        found.append(_other_engine(serving, wanted, absent))
    heirs = {key: service for service in after.values() for key in service_keys(service)}
    for name, service in before.items():
        counts = _connections(lvs, name)
        plane = serving or old.global_defs.data_plane
        found += _of_service(service, after.get(name), heirs, plane, counts)
    return found


def _of_service(
    old: RunningService,
    new: t.Optional[RunningService],
    heirs: t.Mapping[ServiceKey, RunningService],
    plane: str,
    counts: t.Mapping[str, t.Optional[int]],
) -> t.Iterator[PoolChange]:
    """`heirs`: who serves what after the reload."""
    subject = f"virtual_server {old.name}"
    keys = service_keys(old)
    gone = [key for key in keys if key not in heirs]
    taken = {heirs[key].name: heirs[key] for key in keys if key in heirs and heirs[key].name != old.name}
    for heir in taken.values():
        yield PoolChange(subject, False, f"becomes virtual_server {heir.name} in the kernel: connections there go on")
    if gone and len(gone) == len(keys) and new is None:
        yield _ending(subject, "leaves the configuration", gone, plane, _total(counts))
    elif gone:
        listed = ", ".join(map(str, gone))
        yield _ending(subject, f"does not serve {listed} any more", gone, plane, "connections there")
    if new is not None:
        yield from _servers(old, new, counts)
    elif len(taken) == 1:
        (only,) = taken.values()
        yield from _servers(old, only, counts)


def _ending(subject: str, what: str, gone: t.Sequence[ServiceKey], plane: str, whose: str) -> PoolChange:
    """With nftables only what is not TCP is ended (net/conntrack.py)."""
    if plane != NFTABLES or all(key.protocol == "UDP" for key in gone):
        return PoolChange(subject, True, f"{what}: {whose} end")
    if all(key.protocol == "TCP" for key in gone):
        return PoolChange(subject, False, f"{what}: no new connections, {whose} go on until they end by themselves")
    return PoolChange(subject, True, f"{what}: {whose} end, but for TCP, which goes on until it ends by itself")


def _total(counts: t.Mapping[str, t.Optional[int]]) -> str:
    return _many(None if None in counts.values() or not counts else sum(count or 0 for count in counts.values()))


def _servers(
    old: RunningService, new: RunningService, counts: t.Mapping[str, t.Optional[int]]
) -> t.Iterator[PoolChange]:
    before = {server_text(server): server for server in old.real_servers}
    after = {server_text(server): server for server in new.real_servers}
    yield from (_leaving(old, new, server, counts.get(server)) for server in before if server not in after)
    yield from (_coming(new, server, after[server]) for server in after if server not in before)


def _leaving(old: RunningService, new: RunningService, server: str, count: t.Optional[int]) -> PoolChange:
    subject = f"real_server {old.name} {server}"
    if not new.drain_timeout:
        return PoolChange(subject, True, f"leaves at once, drain_timeout is 0: {_many(count)} end")
    limit = f"{as_seconds(new.drain_timeout):g} s"
    return PoolChange(subject, False, f"leaves: no new connections, {_many(count)} go on for at most {limit}")


def _coming(service: RunningService, name: str, server: RunningServer) -> PoolChange:
    waits = service.alpha or server.alpha or any(check.alpha for check in server.checks)
    when = "once its first check has passed (alpha)" if waits else "at once, before its first check (no alpha)"
    words = "comes: takes new connections " + (when if server.checks else "at once, it has no check")
    return PoolChange(f"real_server {service.name} {name}", False, words)


def _connections(lvs: Section, service: str) -> t.Dict[str, t.Optional[int]]:
    listed = section_of(section_of(lvs, "virtual_servers"), service).get("real_servers") or ()
    return {server_name(one): one.get("active_connections") for one in listed}


def _many(count: t.Optional[int]) -> str:
    return "its connections" if count is None else f"{count} established connections"
