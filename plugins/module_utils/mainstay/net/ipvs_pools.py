# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pools read again and again, decoded once.

Theory of operation. The whole table is read every few seconds, and next to nothing of it has changed. What the kernel
tells of a server comes in the order settings, connection counts, family, traffic. So the bytes up to the counts, with
those of the family, are the key under which the decoded server of the last reading is found again: reading 10,000
unchanged servers costs a look-up each instead of decoding 20 attributes. The counts are at a known place then.

Kernels before 5.2 send fewer attributes: there the place does not hold what it should, and everything is decoded.
"""

from __future__ import annotations

import struct
import typing as t

from ..lvs.table import Destination, DestinationKey, ServiceKey
from . import ipvs_messages as messages

Pool = t.Mapping[DestinationKey, Destination]

# Behind the header of the family, that of the nested attribute and 84 bytes of settings: three counts, each with its
# own header (length and type); then the family with its padding.
_SETTINGS_START, _COUNTS, _FAMILY, _END = 8, 92, 116, 124
_THREE_COUNTS = struct.Struct("=HHIHHIHHI")
_ACTIVE, _INACTIVE, _PERSISTENT = 7, 8, 9

_NONE: t.Dict[bytes, Destination] = {}


class _Known:
    """One pool of the last reading."""

    __slots__ = ("by_bytes", "counts", "pool")

    def __init__(
        self, by_bytes: t.Dict[bytes, Destination], pool: Pool, counts: t.Sequence[messages.Connections]
    ) -> None:
        self.by_bytes = by_bytes
        self.pool = pool
        self.counts = counts
        """In the order of the pool."""


class PoolMemory:
    """The pools of the last reading of each service: no more than the kernel holds."""

    def __init__(self) -> None:
        self._known: t.Dict[ServiceKey, _Known] = {}

    def __len__(self) -> int:
        """How many services are remembered."""
        return len(self._known)

    def pool(self, key: ServiceKey, bodies: t.Sequence[bytes]) -> Pool:
        """The pool in a dump; the very same object as the last time when nothing but counts has changed."""
        last = self._known.get(key)
        before = _NONE if last is None else last.by_bytes
        now: t.Dict[bytes, Destination] = {}
        servers: t.List[Destination] = []
        counts: t.List[messages.Connections] = []
        for body in bodies:
            mark = body[_SETTINGS_START:_COUNTS] + body[_FAMILY:_END]
            server, connections = before.get(mark), _counts(body)
            if server is None or connections is None:
                server, connections = messages.decode_destination(body, key)
            now[mark] = server
            servers.append(server)
            counts.append(connections)
        pool = {server.key: server for server in servers}
        if last is not None and servers == list(last.pool.values()):
            pool = t.cast(t.Dict[DestinationKey, Destination], last.pool)
        self._known[key] = _Known(now, pool, counts)
        return pool

    def connections(self) -> t.Iterator[t.Tuple[ServiceKey, DestinationKey, int, int]]:
        """Active and inactive connections of all servers, as of the last reading of each service."""
        for key, known in self._known.items():
            for place, (active, inactive) in zip(known.pool, known.counts):
                yield key, place, active, inactive

    def keep(self, keys: t.Collection[ServiceKey]) -> None:
        """Forget all services but these."""
        for key in [key for key in self._known if key not in keys]:
            del self._known[key]

    def with_weight_0(self) -> t.Set[ServiceKey]:
        """Services that had a server at weight 0 in their last reading."""
        pools = ((key, known.pool.values()) for key, known in self._known.items())
        return {key for key, servers in pools if not all(server.weight for server in servers)}


def _counts(body: bytes) -> t.Optional[messages.Connections]:
    """Active and inactive connections, when they are where they should be."""
    if len(body) < _END:
        return None
    size, kind, active, size2, kind2, inactive, size3, kind3, _count = _THREE_COUNTS.unpack_from(body, _COUNTS)
    if (size, kind, size2, kind2, size3, kind3) != (8, _ACTIVE, 8, _INACTIVE, 8, _PERSISTENT):
        return None
    return active, inactive
