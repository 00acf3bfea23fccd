# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One small interface, two engines: ipvs and nftables."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ..lvs.operations import Operation
from ..lvs.table import DestinationKey, ServiceKey, Table


class DataPlaneUnavailable(Exception):
    """The engine cannot be used now; the text names what is missing and the remedy."""


class DataPlaneAbsent(DataPlaneUnavailable):
    """The kernel does not have the engine, so it holds nothing of it."""


class CountersUnavailable(Exception):
    """The engine serves, and cannot say how many connections there are; the text says why."""


class Unfinished(Exception):
    """The table is as the edits want it; what should follow from them is missing."""

    def __init__(self, reason: str, services: t.Collection[ServiceKey]) -> None:
        """`reason`: a sentence about each of `services`."""
        super().__init__(reason)
        self.services = frozenset(services)


@dataclass(frozen=True)
class Refusal:
    """One operation the kernel did not take."""

    operation: Operation
    reason: str
    """The kernel's word in a sentence: "scheduler mh is not in this kernel (No such file or directory)"."""


@dataclass(frozen=True)
class DestinationCounters:
    """Live figures of one real server."""

    active_connections: int
    inactive_connections: int


Counters = t.Mapping[t.Tuple[ServiceKey, DestinationKey], DestinationCounters]
Counting = t.Generator[t.Optional[Counters], None, None]
"""None after each part of some milliseconds, then the figures."""


class DataPlane(t.Protocol):
    """An engine. Opening one raises DataPlaneUnavailable; so may every call when the engine vanishes."""

    def read(self, keys: t.Optional[t.Collection[ServiceKey]] = None) -> Table:
        """What the kernel holds now (nftables: what our own table holds); of `keys`, or of more than these."""

    def parts(self) -> t.Iterator[Table]:
        """What read() says, in parts that take a few milliseconds each; a table that is read at once is one part."""

    def apply(self, operations: t.Sequence[Operation]) -> t.List[Refusal]:
        """Carry out in order; a refused one is reported and does not hold back the others."""

    def finish(self) -> t.Generator[None, None, None]:
        """Do what edits have left to be done, also those that come up meanwhile, in parts of some milliseconds.

        Raises Unfinished, and no other; the next finish() tries again. So it does when this one is closed on its way.
        """

    def counters(self) -> Counting:
        """Connections per real server: as of now of those at weight 0, for whom somebody may wait; of others they may
        be some seconds old. Raises CountersUnavailable.
        """

    def flush(self) -> None:
        """Remove every service, also those of others."""

    def close(self) -> None:
        """Give the sockets back; the table stays."""
