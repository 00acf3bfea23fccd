# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What balanced services run where they say nothing themselves: check, then real_server, then service, then kind."""

from __future__ import annotations

import operator
import typing as t
from dataclasses import dataclass, fields, replace

from .check_config import Check, FileCheck, HttpCheck, MiscCheck
from .config import Config, GlobalDefs
from .lvs_config import GroupEntry, RealServer, VirtualServer
from .tracking import TrackFile
from .units import Duration, seconds

INHERITED = ("alpha", "retry", "delay_before_retry", "delay_loop", "connect_timeout", "warmup")
"""What a check may leave to its server, and a server to its service."""

KnownChecks = t.Dict[t.Tuple[t.Any, ...], Check]
"""By the check as it is written and by what its server leaves to it."""

_RETRY = {"dns": 3, "misc": 0}
_PAUSE = {"http": seconds(3), "https": seconds(3)}


@dataclass(frozen=True)
class RunningServer(RealServer):
    """A RealServer without open questions; tun_* are those of its own forwarding."""

    port: int = 0
    """0: the port that the client asked for."""
    weight: int = 1
    lb_kind: str = "NAT"
    tun_type: str = "ipip"
    tun_checksum: str = "nocsum"
    inhibit_on_failure: bool = False
    slow_start: Duration = 0
    smtp_alert: bool = True


@dataclass(frozen=True)
class RunningService(VirtualServer):
    """A VirtualServer without open questions."""

    entries: t.Tuple[GroupEntry, ...] = ()
    """What the kernel serves: its address or mark, or all of its group."""
    protocol: str = ""
    """"" of a mark."""
    smtp_alert: bool = False
    real_servers: t.Tuple[RunningServer, ...] = ()


but_address = operator.attrgetter(*(field.name for field in fields(RealServer) if field.name != "address"))
"""All else that a RealServer says. Neighbours seldom differ in more than their address: what follows from the rest is
worked out once for all that follow one another."""


def running_services(config: Config) -> t.Dict[str, RunningService]:
    """Every service by name, with nothing left open. Equal checks are one value: often all of ten thousand."""
    known: KnownChecks = {}
    return {name: running_service(service, config, known) for name, service in config.virtual_servers.items()}


def running_service(
    service: VirtualServer, config: Config, known: t.Optional[KnownChecks] = None
) -> RunningService:
    """One service with nothing left open; its group, if it names one, has to be there. `known` is for its checks."""
    defs = config.global_defs
    known = {} if known is None else known
    chosen = {
        "entries": _entries(service, config),
        "protocol": service.protocol or "",
        "smtp_alert": _first(service.smtp_alert, defs.smtp_alert_checker, defs.smtp_alert, False),
        "real_servers": tuple(running_servers(service, config, known)),
    }
    return RunningService(**{**vars(service), **chosen})


def _entries(service: VirtualServer, config: Config) -> t.Tuple[GroupEntry, ...]:
    if service.virtual_server_group is not None:
        return config.virtual_server_groups[service.virtual_server_group].entries
    if service.fwmark is not None:
        return (GroupEntry(fwmark=service.fwmark, family=service.ip_family or ""),)
    return (GroupEntry(address=service.address, port=service.port or 0),)


def running_servers(
    service: VirtualServer, config: Config, known: t.Optional[KnownChecks] = None
) -> t.Iterator[RunningServer]:
    """Its servers with nothing left open."""
    rest: t.Dict[str, t.Any] = {}
    example: t.Optional[RunningServer] = None
    for server, alike in zip(service.real_servers, running_examples(service, config, known)):
        if alike is not example:
            example, rest = alike, {key: value for key, value in vars(alike).items() if key != "address"}
        yield RunningServer(address=server.address, **rest)


def running_examples(
    service: VirtualServer, config: Config, known: t.Optional[KnownChecks] = None
) -> t.Iterator[RunningServer]:
    """For each of its servers one that differs in nothing but the address, often the same for all."""
    said: t.Tuple[t.Any, ...] = ()
    example = RunningServer(address="")
    for server in service.real_servers:
        words = but_address(server)
        if words != said:
            said, example = words, running_server(service, server, config, known)
        yield example


def running_server(
    service: VirtualServer, server: RealServer, config: Config, known: t.Optional[KnownChecks] = None
) -> RunningServer:
    """One server with nothing left open."""
    defs = config.global_defs
    known = {} if known is None else known
    # A tunnel of its own has its own port and checksum, too.
    own_way = server.lb_kind is not None or server.tun_type is not None
    inherited = {key: _first(getattr(server, key), getattr(service, key), None) for key in INHERITED}
    virtualhost = server.virtualhost or service.virtualhost
    chosen = {
        **inherited,
        "port": _first(server.port, service.port, 0),
        "weight": _first(server.weight, service.weight),
        "lb_kind": server.lb_kind or service.lb_kind,
        "tun_type": server.tun_type or ("ipip" if own_way else service.tun_type),
        "tun_port": server.tun_port if own_way else _first(server.tun_port, service.tun_port, None),
        "tun_checksum": server.tun_checksum or ("nocsum" if own_way else service.tun_checksum),
        "inhibit_on_failure": _first(server.inhibit_on_failure, service.inhibit_on_failure),
        "slow_start": _first(server.slow_start, service.slow_start),
        "smtp_alert": _first(server.smtp_alert, defs.smtp_alert_checker, defs.smtp_alert, True),
        "virtualhost": virtualhost,
        "checks": tuple(_known_check(check, inherited, virtualhost, config, known) for check in server.checks),
    }
    return RunningServer(**{**vars(server), **chosen})


def _known_check(
    check: Check, inherited: t.Mapping[str, t.Any], virtualhost: t.Optional[str], config: Config, known: KnownChecks
) -> Check:
    """The running check, worked out once for all that say the same."""
    words = (check, virtualhost, *inherited.values())
    running = known.get(words)
    if running is None:
        running = running_check(check, inherited, virtualhost, config.global_defs, config.track_files)
        known[words] = running
    return running


def running_check(
    check: Check,
    inherited: t.Mapping[str, t.Any],
    virtualhost: t.Optional[str],
    defs: GlobalDefs,
    track_files: t.Mapping[str, TrackFile],
) -> Check:
    """One check with nothing left open but what its kind needs no answer for."""
    delay_loop = _first(check.delay_loop, inherited.get("delay_loop"), seconds(6))
    retry = None if check.fall is None else check.fall - 1
    chosen: t.Dict[str, t.Any] = {
        "delay_loop": delay_loop,
        "retry": _first(retry, check.retry, inherited.get("retry"), _RETRY.get(check.type, 1)),
        "fall": None,
        "delay_before_retry": _first(
            check.delay_before_retry,
            inherited.get("delay_before_retry"),
            delay_loop if check.type == "dns" else _PAUSE.get(check.type, seconds(1)),
        ),
        "connect_timeout": _first(check.connect_timeout, inherited.get("connect_timeout"), seconds(5)),
        "warmup": _first(check.warmup, inherited.get("warmup"), delay_loop),
        "alpha": _first(check.alpha, inherited.get("alpha"), False),
        "log_all_failures": _first(check.log_all_failures, defs.checker_log_all_failures),
    }
    if isinstance(check, HttpCheck):
        chosen["virtualhost"] = check.virtualhost or virtualhost
    if isinstance(check, MiscCheck):
        chosen["misc_timeout"] = _first(check.misc_timeout, delay_loop)
    if isinstance(check, FileCheck) and check.track_file in track_files:
        definition = track_files[check.track_file]
        chosen["weight"] = _first(check.weight, definition.weight)
        chosen["reverse"] = _first(check.reverse, definition.reverse)
    return replace(check, **chosen)


def _first(*said: t.Any) -> t.Any:
    """The first that says something; the last may say nothing."""
    for value in said:
        if value is not None:
            return value
    return None
