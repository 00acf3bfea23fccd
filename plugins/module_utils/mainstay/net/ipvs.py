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

from ..lvs.effects import operation_service
from ..lvs.operations import (
    AddDestination,
    AddService,
    Operation,
    RemoveDestination,
    RemoveService,
    SetService,
)
from ..lvs.table import Service, ServiceKey, Table
from . import ipvs_messages as messages
from .data_plane import Counting, DataPlaneAbsent, DataPlaneUnavailable, DestinationCounters, Refusal
from .ipvs_pools import Pool, PoolMemory
from .ipvs_refusals import PutDestination, refusal_sentence, same_tunnel, tunnel_sentence, with_tunnels
from .netlink import Answer, KernelSocket, Message, decode, encode

NETLINK_GENERIC = 16
_GENL_ID_CTRL = 16
_CTRL_GETFAMILY, _CTRL_ATTR_FAMILY_ID, _CTRL_ATTR_FAMILY_NAME = 3, 1, 2
_CTRL_HEADER = struct.pack("=BBH", _CTRL_GETFAMILY, 1, 0)

PART = 25
"""Services whose pools are read in one go: a few milliseconds."""
COUNTED_ANEW = 100
"""Up to so many services the connections of all are read whenever somebody asks."""
_ALL_SERVICES = messages.command_body(messages.GET_SERVICE)

OTHER_PLANE = "set global_defs.data_plane: nftables"
"""What to do where ip_vs cannot be had."""
_MISSING = "this kernel has no ip_vs: load it with 'modprobe ip_vs', or {}"
FORBIDDEN = "mainstayd may not use ip_vs: it needs the capability CAP_NET_ADMIN (the unit file grants it)"


class IpvsPlane:
    """Reads and edits the table of ip_vs in the network namespace it was opened in."""

    def __init__(self) -> None:
        """Open the socket and find ip_vs. Raises DataPlaneUnavailable."""
        self._kernel, self._family = open_ipvs()
        self._memory = PoolMemory()
        self._edited: t.Set[ServiceKey] = set()
        """Services whose pools have not been read since they were edited."""

    def read(self, keys: t.Optional[t.Collection[ServiceKey]] = None) -> Table:
        """Every service of the namespace, or those of `keys`, with its pool. Raises DataPlaneUnavailable."""
        services = self._services()
        return self._with_pools(services if keys is None else [one for one in services if one.key in keys])

    def parts(self) -> t.Iterator[Table]:
        """What read() says, some services at a time: a large table takes a tenth of a second.

        Which services there are is as of the first part; each pool is as of its own.
        """
        services = self._services()
        for start in range(0, len(services), PART):
            yield self._with_pools(services[start : start + PART])

    def apply(self, operations: t.Sequence[Operation]) -> t.List[Refusal]:
        """Carry out in order, many per send; a refused one does not hold back the others."""
        self._edited.update(operation_service(operation) for operation in operations)
        orders = [Message(self._family, _body(operation)) for operation in operations]
        answers = self._order(orders)
        refusals = [
            Refusal(operation, refusal_sentence(operation, answer))
            for operation, answer in zip(operations, answers)
            if answer.errno
        ]
        taken = [operation for operation, answer in zip(operations, answers) if not answer.errno]
        return refusals + self._unknown_tunnels(with_tunnels(taken))

    def finish(self) -> t.Generator[None, None, None]:
        """Nothing: ip_vs itself drops the packets of connections whose server is gone."""
        yield from ()

    def counters(self) -> Counting:
        """Connections per real server as ip_vs counts them: active is ESTABLISHED, inactive everything else.

        As of now, unless there are many services: then pools without a server at weight 0 are as of the latest reading,
        and what was added since is not there yet.
        """
        if len(self._memory) <= COUNTED_ANEW:
            self.read()
        else:
            for number, key in enumerate(self._edited | self._memory.with_weight_0(), 1):
                self._pool(key)
                if number % PART == 0:
                    yield None
        found = self._memory.connections()
        yield {(key, place): DestinationCounters(active, inactive) for key, place, active, inactive in found}

    def flush(self) -> None:
        """Remove every service of the namespace, whoever made it. Raises DataPlaneUnavailable."""
        self._order([Message(self._family, messages.command_body(messages.FLUSH))])

    def close(self) -> None:
        """Give the socket back; the table stays."""
        self._kernel.close()

    def _services(self) -> t.List[Service]:
        """All of them, without their pools."""
        services = [messages.decode_service(body) for body in self._dump(_ALL_SERVICES)]
        there = {service.key for service in services}
        self._memory.keep(there)
        self._edited &= there
        return services

    def _with_pools(self, services: t.Iterable[Service]) -> t.Dict[ServiceKey, Service]:
        return {service.key: replace(service, destinations=self._pool(service.key)) for service in services}

    def _pool(self, key: ServiceKey) -> Pool:
        self._edited.discard(key)
        return self._memory.pool(key, self._dump(messages.service_key_body(messages.GET_DEST, key)))

    def _dump(self, body: bytes) -> t.List[bytes]:
        try:
            return self._kernel.dump(Message(self._family, body))
        except OSError as error:
            raise unavailable(error) from error

    def _order(self, orders: t.Sequence[Message]) -> t.List[Answer]:
        try:
            return self._kernel.order(orders)
        except OSError as error:
            raise unavailable(error) from error

    def _unknown_tunnels(self, taken: t.Sequence[PutDestination]) -> t.List[Refusal]:
        """Servers that a kernel before 5.2 (gre: 5.3) took without their tunnel: they are taken out again."""
        pools = {edit.service: self._pool(edit.service) for edit in taken}
        lost = [edit for edit in taken if not same_tunnel(edit.destination, pools[edit.service])]
        out = [RemoveDestination(edit.service, edit.destination.key) for edit in lost]
        self._order([Message(self._family, _body(removal)) for removal in out])
        return [Refusal(edit, tunnel_sentence(edit)) for edit in lost]


def open_ipvs(otherwise: str = OTHER_PLANE) -> t.Tuple[KernelSocket, int]:
    """A socket of the network namespace we are in, and the number ip_vs has there; `otherwise`: what to do without it.

    Raises DataPlaneUnavailable.
    """
    try:
        kernel = KernelSocket(NETLINK_GENERIC)
    except OSError as error:
        missing = _MISSING.format(otherwise)
        raise DataPlaneUnavailable(f"{missing} (no generic netlink: {error.strerror})") from error
    try:
        return kernel, resolve_family(kernel, messages.FAMILY)
    except OSError as error:
        kernel.close()
        raise unavailable(error, otherwise) from error


def resolve_family(kernel: KernelSocket, name: str) -> int:
    """The number the kernel gave a generic netlink family. Raises OSError, ENOENT when it is not there."""
    question = _CTRL_HEADER + encode([(_CTRL_ATTR_FAMILY_NAME, name.encode() + b"\0")])
    answer = kernel.ask(Message(_GENL_ID_CTRL, question))
    (number,) = struct.unpack("=H", decode(answer, messages.HEADER_SIZE)[_CTRL_ATTR_FAMILY_ID])
    return int(number)


def unavailable(error: OSError, otherwise: str = OTHER_PLANE) -> DataPlaneUnavailable:
    """In a sentence. ENOENT is what generic netlink says for a family that is not, or no longer, there."""
    if error.errno == errno.ENOENT:
        return DataPlaneAbsent(_MISSING.format(otherwise))
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
