# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the nftables engine cannot do, said so that an operator knows what to set instead.

Validation refuses all of it first (model/consistency_nftables.py); this is the engine's own word.
"""

from __future__ import annotations

from ..lvs.effects import operation_service
from ..lvs.operations import AddDestination, AddService, Operation, SetDestination, SetService
from ..lvs.table import Destination, Service, ServiceKey

SUPPORTED_ALGORITHMS = ("rr", "wrr", "sh", "mh")
SUPPORTED_FLAGS = frozenset(("port", "fallback", "masquerade"))

_REMEDY = "global_defs.data_plane: ipvs"


def unsupported(operation: Operation) -> str:
    """Why this engine cannot do it; empty when it can."""
    key = operation_service(operation)
    if not key.fwmark and key.protocol not in ("TCP", "UDP"):
        return f"the nftables data plane balances TCP and UDP; {key.protocol} needs {_REMEDY}"
    if isinstance(operation, (AddService, SetService)):
        return _unsupported_service(operation.service)
    if isinstance(operation, (AddDestination, SetDestination)):
        return _unsupported_destination(key, operation.destination)
    return ""


def _unsupported_service(service: Service) -> str:
    if service.lb_algo not in SUPPORTED_ALGORITHMS:
        known = ", ".join(SUPPORTED_ALGORITHMS)
        return f"the nftables data plane knows the schedulers {known}; lb_algo {service.lb_algo} needs {_REMEDY}"
    if service.persistence_engine:
        return f"the nftables data plane has no persistence_engine; {service.persistence_engine} needs {_REMEDY}"
    beyond = sorted(service.flags - SUPPORTED_FLAGS)
    return f"the nftables data plane has no flag {', '.join(beyond)}; that needs {_REMEDY}" if beyond else ""


def _unsupported_destination(key: ServiceKey, server: Destination) -> str:
    if server.lb_kind != "NAT":
        return f"the nftables data plane forwards by NAT only; lb_kind {server.lb_kind} needs {_REMEDY}"
    if server.upper_threshold or server.lower_threshold:
        return f"the nftables data plane has no connection limits; uthreshold and lthreshold need {_REMEDY}"
    if (":" in server.key.address) != key.ipv6:
        return "NAT does not change the address family; give real_servers of the family of the service"
    return ""
