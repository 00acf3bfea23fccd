# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a configured check to the probe that carries it out."""

from __future__ import annotations

import typing as t

from ..model.config import Check, HttpCheck, TcpCheck
from .http import HttpProbe, host_of, request_bytes
from .tcp import TcpProbe
from .verdict import Probe


def probe_target(check: Check, address: str, port: int) -> t.Tuple[str, int]:
    """Where the probe connects: the real server, unless the check names another endpoint."""
    return check.connect_ip or address, check.connect_port or port


def probe_for(check: Check, address: str, port: int) -> Probe:
    """A fresh probe of the real server `address`:`port`; each run needs its own.

    Raises ValueError for an HTTP check whose path or host cannot stand in a request.
    """
    return _BUILDERS[check.type](check, *probe_target(check, address, port))


def _tcp(_check: TcpCheck, _address: str, _port: int) -> Probe:
    return TcpProbe()


def _http(check: HttpCheck, address: str, port: int) -> Probe:
    host = check.virtualhost or host_of(address, port)
    return HttpProbe(request_bytes(check.path, host, check.http_protocol), check.status_code)


_BUILDERS: t.Mapping[str, t.Callable[[t.Any, str, int], Probe]] = {"tcp": _tcp, "http": _http}
