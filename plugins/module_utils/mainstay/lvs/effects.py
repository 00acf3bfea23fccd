# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a table becomes when operations are carried out on it.

The nftables engine writes whole services, so it computes the table first and writes what differs; the tests
use the same function to prove that reconciliation arrives where it should.
"""

from __future__ import annotations

import typing as t
from dataclasses import replace

from .operations import (
    AddDestination,
    AddService,
    Operation,
    RemoveDestination,
    RemoveService,
    SetDestination,
    SetService,
)
from .table import Destination, DestinationKey, Service, ServiceKey, Table


class NotApplicable(Exception):
    """The operation does not fit the table: its object is missing, or there already. The text says which."""


def apply_operation(table: Table, operation: Operation) -> Table:
    """A new table with the operation carried out, exactly as strict as ip_vs is. Raises NotApplicable."""
    if isinstance(operation, AddService):
        return _add_service(table, operation.service)
    if isinstance(operation, SetService):
        return _set_service(table, operation.service)
    if isinstance(operation, RemoveService):
        _existing(table, operation.key)
        return {key: service for key, service in table.items() if key != operation.key}
    return _edit_pool(table, operation)


def operation_service(operation: Operation) -> ServiceKey:
    """The service that an operation is about."""
    if isinstance(operation, (AddService, SetService)):
        return operation.service.key
    return operation.key if isinstance(operation, RemoveService) else operation.service


def _existing(table: Table, key: ServiceKey) -> Service:
    if key not in table:
        raise NotApplicable(f"service {key} does not exist")
    return table[key]


def _add_service(table: Table, service: Service) -> Table:
    if service.key in table:
        raise NotApplicable(f"service {service.key} exists already")
    return {**table, service.key: replace(service, destinations={})}


def _set_service(table: Table, service: Service) -> Table:
    destinations = _existing(table, service.key).destinations
    return {**table, service.key: replace(service, destinations=destinations)}


def _edit_pool(table: Table, operation: t.Union[AddDestination, SetDestination, RemoveDestination]) -> Table:
    service = _existing(table, operation.service)
    pool = dict(service.destinations)
    if isinstance(operation, RemoveDestination):
        _expect(operation.key in pool, service, operation.key, "does not exist")
        del pool[operation.key]
    else:
        _put(pool, service, operation.destination, isinstance(operation, AddDestination))
    return {**table, service.key: replace(service, destinations=pool)}


def _put(
    pool: t.Dict[DestinationKey, Destination], service: Service, destination: Destination, new: bool
) -> None:
    fault = "exists already" if new else "does not exist"
    _expect((destination.key in pool) != new, service, destination.key, fault)
    pool[destination.key] = destination


def _expect(holds: bool, service: Service, key: DestinationKey, fault: str) -> None:
    if not holds:
        raise NotApplicable(f"real_server {key} of service {service.key} {fault}")
