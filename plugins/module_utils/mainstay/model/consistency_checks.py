# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Contradictions of checks with their server, with each other and with what they refer to."""

from __future__ import annotations

import typing as t

from .check_config import BfdCheck, Check, EndpointCheck, FileCheck, MiscCheck, PingCheck, SmtpCheck
from .config import Config, RealServer, VirtualServer
from .consistency_tracking import missing
from .problems import Problem


def check_contradictions(config: Config) -> t.Iterator[Problem]:
    """Every one, at its check."""
    for service in config.virtual_servers.values():
        for index, server in enumerate(service.real_servers):
            place = f"virtual_servers.{service.name}.real_servers[{index}]"
            for path, check in placed_checks(server, place):
                yield from _port(service, server, check, path)
                yield from _source(server, check, path)
                yield from _reference(config, check, path)
            yield from _weights(server, place)


def placed_checks(server: RealServer, place: str) -> t.Iterator[t.Tuple[str, Check]]:
    """Each check of a server with its path, as the file spells it."""
    listed = server.checks_listed or len(server.checks) > 1
    for index, check in enumerate(server.checks):
        yield (f"{place}.checks[{index}]" if listed else f"{place}.check"), check


def _port(service: VirtualServer, server: RealServer, check: Check, path: str) -> t.Iterator[Problem]:
    if not isinstance(check, EndpointCheck) or isinstance(check, PingCheck):
        return
    elsewhere = check.connect_port is not None or (isinstance(check, SmtpCheck) and check.hosts)
    if not elsewhere and not server.port and not service.port:
        message = "is missing: neither the real server nor the service names a port that could be asked."
        yield Problem(f"{path}.connect_port", None, message)


def _source(server: RealServer, check: Check, path: str) -> t.Iterator[Problem]:
    if not isinstance(check, EndpointCheck) or check.bindto is None or check.connect_ip is not None:
        return
    asked = [host for host, _port in check.hosts] if isinstance(check, SmtpCheck) and check.hosts else [server.address]
    other = next((address for address in asked if (":" in address) != (":" in check.bindto)), None)
    if other is not None:
        yield Problem(f"{path}.bindto", check.bindto, f"must be of the family of the address that is asked, {other}.")


def _reference(config: Config, check: Check, path: str) -> t.Iterator[Problem]:
    if isinstance(check, FileCheck):
        yield from missing(check.track_file, config.track_files, "track_files", f"{path}.track_file")
    if isinstance(check, BfdCheck):
        yield from missing(check.name, config.bfd_instances, "bfd_instances", f"{path}.name")


def _weights(server: RealServer, place: str) -> t.Iterator[Problem]:
    """Two programs cannot both set the weight."""
    setting = [
        path for path, check in placed_checks(server, place) if isinstance(check, MiscCheck) and check.misc_dynamic
    ]
    for path in setting[1:]:
        message = f"sets the weight, and so does {setting[0]}; leave misc_dynamic to one of them."
        yield Problem(f"{path}.misc_dynamic", True, message)
