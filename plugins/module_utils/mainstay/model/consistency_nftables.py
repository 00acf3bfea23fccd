# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the nftables data plane cannot do, refused with the reason."""

from __future__ import annotations

import typing as t

from .config import Config, VirtualServer
from .problems import Problem
from .units import NANOSECONDS_PER_SECOND

NFTABLES_ALGORITHMS = ("rr", "wrr", "sh")


def nftables_contradictions(config: Config) -> t.Iterator[Problem]:
    """Every one, none when another engine forwards."""
    if config.global_defs.data_plane == "nftables":
        for service in config.virtual_servers.values():
            yield from _beyond_nftables(service)


def _beyond_nftables(service: VirtualServer) -> t.Iterator[Problem]:
    path = f"virtual_servers.{service.name}"
    remedy = "or set global_defs.data_plane to ipvs."
    if service.lb_kind != "NAT":
        message = f"data_plane nftables forwards by NAT only; set lb_kind to NAT {remedy}"
        yield Problem(f"{path}.lb_kind", service.lb_kind, message)
    if service.lb_algo not in NFTABLES_ALGORITHMS:
        message = f"data_plane nftables knows {', '.join(NFTABLES_ALGORITHMS)}; choose one {remedy}"
        yield Problem(f"{path}.lb_algo", service.lb_algo, message)
    if service.persistence_timeout:
        message = f"data_plane nftables has no persistence in this version; leave it out {remedy}"
        yield Problem(f"{path}.persistence_timeout", service.persistence_timeout // NANOSECONDS_PER_SECOND, message)
