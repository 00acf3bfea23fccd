# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Orders that a reload leaves behind: they hang on the names of service and server, and a rename makes another one.

A server is taken for the renamed one when it is new under its name, has the address of one that goes, and nothing is
ordered about it. Nobody moves an order by guessing: it is told, with the command that gives it anew.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ..lvs.keys import ServerId
from ..lvs.overrides import WEIGHT
from ..model.config import Config
from .overrides import ServerOrder, address_in, known_servers


@dataclass(frozen=True)
class LostOrder:
    """One order, and the server that it should perhaps have followed."""

    order: ServerOrder
    successor: ServerId

    @property
    def subject(self) -> str:
        """For people."""
        return f"real_server {' '.join(self.order.id)}"

    @property
    def what(self) -> str:
        """What is lost, without a remedy."""
        name = " ".join(self.successor)
        return f"the {self.order.action} by {self.order.by} does not follow to {name}, which serves like any other"

    @property
    def remedy(self) -> str:
        """The command that orders it anew; only after the reload does the daemon know the name."""
        weight = f" {self.order.weight}" if self.order.action == WEIGHT else ""
        return f"'mainstay {self.order.action} {' '.join(self.successor)}{weight}' gives it anew"


def lost_orders(orders: t.Collection[ServerOrder], old: Config, new: Config) -> t.List[LostOrder]:
    """Those that hold about a server of `old` and not about what became of it in `new`."""
    before, after = known_servers(old), known_servers(new)
    gone = [order for order in orders if order.id in before and order.id not in after]
    if not gone:
        return []
    ordered = {order.id for order in orders}
    fresh: t.Dict[t.Optional[str], t.List[ServerId]] = {}
    for one in after:
        if one not in before and one not in ordered:
            fresh.setdefault(address_in(one[1]), []).append(one)
    return [
        LostOrder(order, successor)
        for order in gone
        for successor in _nearest(order.id, fresh.get(address_in(order.server), ()))
    ]


def _nearest(one: ServerId, candidates: t.Sequence[ServerId]) -> t.Sequence[ServerId]:
    """Those of the same service, else of the same endpoint, else all."""
    same_name = [other for other in candidates if other[1] == one[1]]
    same_service = [other for other in candidates if other[0] == one[0]]
    return same_service or same_name or candidates
