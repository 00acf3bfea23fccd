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


@dataclass(frozen=True)
class Refusal:
    """One operation the kernel did not take, or not with all that belongs to it."""

    operation: Operation
    reason: str
    """The kernel's word in a sentence: "scheduler mh is not in this kernel (No such file or directory)"."""
    applied: bool = False
    """The table is as the operation wants it; what should follow from it is missing, and apply() goes on trying."""


@dataclass(frozen=True)
class DestinationCounters:
    """Live figures of one real server."""

    active_connections: int
    inactive_connections: int


Counters = t.Mapping[t.Tuple[ServiceKey, DestinationKey], DestinationCounters]


class DataPlane(t.Protocol):
    """An engine. Opening one raises DataPlaneUnavailable; so may every call when the engine vanishes."""

    def read(self, keys: t.Optional[t.Collection[ServiceKey]] = None) -> Table:
        """What the kernel holds now (nftables: what our own table holds); of `keys`, or of more than these."""

    def parts(self) -> t.Iterator[Table]:
        """What read() says, in parts that take a few milliseconds each; a table that is read at once is one part."""

    def apply(self, operations: t.Sequence[Operation]) -> t.List[Refusal]:
        """Carry out in order; a refused one is reported and does not hold back the others.

        What an earlier call left unfinished is tried again, even without operations.
        """

    def counters(self, keys: t.Optional[t.Collection[ServiceKey]] = None) -> Counters:
        """Connections per real server: of `keys`, or of more; of all they may be some seconds old.

        Raises CountersUnavailable.
        """

    def flush(self) -> None:
        """Remove every service, also those of others."""

    def close(self) -> None:
        """Give the sockets back; the table stays."""
