# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the nftables engine cannot do, said so that an operator knows what to set instead."""

from __future__ import annotations

from ..lvs.effects import operation_service
from ..lvs.operations import AddDestination, AddService, Operation, SetDestination, SetService
from ..lvs.table import Service

SUPPORTED_ALGORITHMS = ("rr", "wrr", "sh")


def unsupported(operation: Operation) -> str:
    """Why this engine cannot do it; empty when it can. Validation refuses all of this first."""
    if ":" in operation_service(operation).address:
        return "the nftables data plane balances IPv4 only"
    if isinstance(operation, (AddService, SetService)):
        return _unsupported_service(operation.service)
    if isinstance(operation, (AddDestination, SetDestination)) and operation.destination.lb_kind != "NAT":
        kind = operation.destination.lb_kind
        return f"the nftables data plane forwards by NAT only; lb_kind {kind} needs global_defs.data_plane: ipvs"
    return ""


def _unsupported_service(service: Service) -> str:
    if service.lb_algo not in SUPPORTED_ALGORITHMS:
        known = ", ".join(SUPPORTED_ALGORITHMS)
        return (
            f"the nftables data plane knows the schedulers {known}; "
            f"lb_algo {service.lb_algo} needs global_defs.data_plane: ipvs"
        )
    if service.persistence_timeout:
        return "the nftables data plane has no persistence_timeout; set global_defs.data_plane: ipvs"
    return ""
