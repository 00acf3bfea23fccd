# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ipvs engine: the kernel's own load balancer, driven over generic netlink."""

from __future__ import annotations

import errno
import os
import struct
import typing as t
from dataclasses import replace

from ..lvs.operations import (
    AddDestination,
    AddService,
    Operation,
    RemoveDestination,
    RemoveService,
    SetService,
)
from ..lvs.table import Destination, Service, ServiceKey, Table
from . import ipvs_messages as messages
from .data_plane import Counters, DataPlaneAbsent, DataPlaneUnavailable, DestinationCounters, Refusal
from .ipvs_refusals import refusal_sentence
from .netlink import KernelSocket, Message, decode, encode

NETLINK_GENERIC = 16
_GENL_ID_CTRL = 16
_CTRL_GETFAMILY, _CTRL_ATTR_FAMILY_ID, _CTRL_ATTR_FAMILY_NAME = 3, 1, 2
_CTRL_HEADER = struct.pack("=BBH", _CTRL_GETFAMILY, 1, 0)

MISSING = "this kernel has no ip_vs: load it with 'modprobe ip_vs', or set global_defs.data_plane: nftables"
FORBIDDEN = "mainstayd may not use ip_vs: it needs the capability CAP_NET_ADMIN (the unit file grants it)"


class IpvsPlane:
    """Reads and edits the table of ip_vs in the network namespace it was opened in."""

    def __init__(self) -> None:
        """Open the socket and find ip_vs. Raises DataPlaneUnavailable."""
        try:
            self._kernel = KernelSocket(NETLINK_GENERIC)
        except OSError as error:
            raise DataPlaneUnavailable(f"{MISSING} (no generic netlink: {error.strerror})") from error
        try:
            self._family = resolve_family(self._kernel, messages.FAMILY)
        except OSError as error:
            self._kernel.close()
            raise _unavailable(error) from error

    def read(self) -> Table:
        """Every TCP and UDP service of the namespace with its pool. Raises DataPlaneUnavailable."""
        table = {}
        for service in self._services():
            pool = [destination for destination, _connections in self._pool(service.key)]
            by_key = {destination.key: destination for destination in pool}
            table[service.key] = replace(service, destinations=by_key)
        return table

    def apply(self, operations: t.Sequence[Operation]) -> t.List[Refusal]:
        """Carry out in order, many per send; a refused one does not hold back the others."""
        orders = [Message(self._family, _body(operation)) for operation in operations]
        try:
            answers = self._kernel.order(orders)
        except OSError as error:
            raise _unavailable(error) from error
        return [
            Refusal(operation, refusal_sentence(operation, answer))
            for operation, answer in zip(operations, answers)
            if answer.errno
        ]

    def counters(self) -> Counters:
        """Connections per real server as ip_vs counts them: active is ESTABLISHED, inactive everything else."""
        return {
            (service.key, destination.key): DestinationCounters(*connections)
            for service in self._services()
            for destination, connections in self._pool(service.key)
        }

    def close(self) -> None:
        """Give the socket back; the table stays."""
        self._kernel.close()

    def _services(self) -> t.List[Service]:
        decoded = (messages.decode_service(body) for body in self._dump(messages.services_body()))
        return [service for service in decoded if service is not None]

    def _pool(self, key: ServiceKey) -> t.List[t.Tuple[Destination, messages.Connections]]:
        bodies = self._dump(messages.service_key_body(messages.GET_DEST, key))
        return [messages.decode_destination(body, key) for body in bodies]

    def _dump(self, body: bytes) -> t.List[bytes]:
        try:
            return self._kernel.dump(Message(self._family, body))
        except OSError as error:
            raise _unavailable(error) from error


def resolve_family(kernel: KernelSocket, name: str) -> int:
    """The number the kernel gave a generic netlink family. Raises OSError, ENOENT when it is not there."""
    question = _CTRL_HEADER + encode([(_CTRL_ATTR_FAMILY_NAME, name.encode() + b"\0")])
    answer = kernel.ask(Message(_GENL_ID_CTRL, question))
    (number,) = struct.unpack("=H", decode(answer, messages.HEADER_SIZE)[_CTRL_ATTR_FAMILY_ID])
    return int(number)


def _unavailable(error: OSError) -> DataPlaneUnavailable:
    """ENOENT is what generic netlink says for a family that is not, or no longer, there."""
    if error.errno == errno.ENOENT:
        return DataPlaneAbsent(MISSING)
    if error.errno in (errno.EPERM, errno.EACCES):
        return DataPlaneUnavailable(FORBIDDEN)
    reason = os.strerror(error.errno) if error.errno else "no answer from the kernel in time"
    return DataPlaneUnavailable(f"ip_vs does not answer: {reason}")


def _body(operation: Operation) -> bytes:
    if isinstance(operation, AddService):
        return messages.service_body(messages.NEW_SERVICE, operation.service)
    if isinstance(operation, SetService):
        return messages.service_body(messages.SET_SERVICE, operation.service)
    if isinstance(operation, RemoveService):
        return messages.service_key_body(messages.DEL_SERVICE, operation.key)
    if isinstance(operation, RemoveDestination):
        return messages.destination_key_body(operation.service, operation.key)
    command = messages.NEW_DEST if isinstance(operation, AddDestination) else messages.SET_DEST
    return messages.destination_body(command, operation.service, operation.destination)
