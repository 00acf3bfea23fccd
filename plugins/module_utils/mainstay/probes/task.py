# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One conversation to have with one endpoint: what a driver needs to know before it begins."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ..model.check_config import EndpointCheck, Tls
from .verdict import Probe, Verdict

TCP, TLS, UDP, ICMP = "tcp", "tls", "udp", "icmp"

DEFAULT_RECEIVED_LIMIT = 64 * 1024

Search = t.Callable[[t.Pattern[bytes], bytes], t.Optional[bool]]
"""Does the pattern occur? None: it took too long. The shell brings it, because the bound is a clock's."""


@dataclass(frozen=True)
class Source:
    """How a probe leaves this host."""

    bindto: t.Optional[str] = None
    bind_port: int = 0
    bind_if: t.Optional[str] = None
    fwmark: int = 0


_ANYHOW = Source()


@dataclass(frozen=True)
class ProbeTask:
    """One run of one probe; a check is a row of them, which all have to pass."""

    transport: str
    """tcp, tls, udp or icmp."""
    address: str
    port: int
    begin: t.Callable[[], Probe]
    """A fresh conversation."""
    source: Source = _ANYHOW
    tls: t.Optional[Tls] = None
    """Of transport tls, and of one that may say StartTls."""
    server_name: t.Optional[str] = None
    """For SNI and for verify: full."""
    received_limit: int = DEFAULT_RECEIVED_LIMIT
    """Bytes; more of them without a verdict fail the probe."""
    silence: t.Optional[Verdict] = None
    """Of a datagram: the verdict when the deadline comes and nothing was heard; None: that is a failure."""
    closes_with_reset: bool = True
    """Of TCP: leaves no port in TIME_WAIT. False for servers that log each reset as an error."""
    subject: str = ""
    """What it is about when a check has several: "url /healthz"; stands before its reason."""


Tasks = t.Callable[[t.Any, str, int, Search], t.Tuple[ProbeTask, ...]]
"""The check, address and port of the real server, what searches a body."""


def target_of(check: EndpointCheck, address: str, port: int) -> t.Tuple[str, int]:
    """Where the probe connects: the real server, unless the check names another endpoint."""
    return check.connect_ip or address, check.connect_port or port


def source_of(check: EndpointCheck) -> Source:
    """How the probe of this check leaves."""
    if not (check.bindto or check.bind_port or check.bind_if or check.fwmark):
        return _ANYHOW
    return Source(check.bindto, check.bind_port or 0, check.bind_if, check.fwmark)
