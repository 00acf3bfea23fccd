# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the module ha_maintenance orders about real servers. Private to this collection.

The daemon says whom names mean and which orders hold; nothing here reads its files. One order holds for each server of
each service, so what is wanted is compared with it and only what differs is asked for.
"""

from __future__ import annotations

import typing as t

from ._daemon import Answer, Daemon
from .mainstay.daemon.drained import Looks, look_at, server_section

ServerId = t.Tuple[str, str]
Params = t.Mapping[str, t.Any]

ACTIONS = {"drained": "drain", "maintenance": "maintenance", "forced": "force", "weighted": "weight"}
"""Verb of the daemon that brings about a state; `restored` ends them all."""

_SERVING = ("up", "warming", "backup", "unchecked")
"""States of a server that nobody has ordered anything about and that its checks trust."""


class ServerOrders:
    """Real servers, what is ordered about them, and what is wanted instead."""

    def __init__(self, daemon: Daemon, params: Params) -> None:
        self._daemon = daemon
        self._state: str = params["state"]
        self._action = ACTIONS.get(self._state)
        self._weight: t.Optional[int] = params["weight"]
        self._reason: str = params["reason"]
        service = params["virtual_server"]
        self._question = {
            "servers": params["real_server"] or [],
            **({} if service is None else {"service": service}),
        }
        self._looks = Looks()
        self._answer = daemon.ask("servers", **self._question)
        self.before = self._described()

    @property
    def meant(self) -> t.List[ServerId]:
        """Whom the names mean; with `restored` also those that the configuration has no more."""
        return [(one["service"], one["server"]) for one in self._answer["meant"]]

    @property
    def wanted(self) -> t.Dict[str, str]:
        """By server: what is ordered about it when this has been carried out."""
        return dict.fromkeys(self.before, _words(self._action, self._weight))

    def carry_out(self) -> t.List[str]:
        """Order what differs; what the daemon has to complain of. Raises Failure."""
        different = [one for one in self.meant if self.before[" ".join(one)] != _words(self._action, self._weight)]
        told = [self._order(*one) for one in different]
        self._answer = self._daemon.ask("servers", **self._question)
        return [problem for problem in dict.fromkeys(told) if problem] + self._held_by_files()

    def missing(self, patience: float) -> str:
        """What is missing until the daemon has done it; empty when nothing is."""
        self._answer = self._daemon.ask("servers", patience, **self._question)
        if not self._answer["lvs"].get("alive"):
            return "the health worker does not answer, see 'mainstay status'"
        left = [f"{' '.join(one)}: {why}" for one in self.meant for why in [self._unfinished(*one)] if why]
        certain = self._looks.confirm(self._answer, not left) or not self._drains
        if not left and not certain:
            return "the second look, which has to confirm the first, was not in time"
        return "; ".join(left)

    def results(self) -> t.Dict[str, t.Any]:
        """What the module returns of them."""
        orders = self._orders()
        return {"real_servers": [self._result(one, orders.get(one)) for one in self.meant]}

    # ---- what the daemon says

    def _orders(self) -> t.Dict[ServerId, t.Mapping[str, t.Any]]:
        return {(one["service"], one["server"]): one for one in self._answer["overrides"]["orders"]}

    def _described(self) -> t.Dict[str, str]:
        orders = self._orders()
        held = {one: orders.get(one, {}) for one in self.meant}
        return {" ".join(one): _words(order.get("action"), order.get("weight")) for one, order in held.items()}

    def _result(self, one: ServerId, order: t.Optional[Answer]) -> t.Dict[str, t.Any]:
        section = server_section(self._answer, *one) or {}
        told = {key: section.get(key) for key in _TOLD}
        return {"virtual_server": one[0], "real_server": one[1], "order": order, **told}

    def _held_by_files(self) -> t.List[str]:
        """Files of the maintenance_directory are stronger than any order."""
        if self._action == "maintenance":
            return []
        directory = self._answer["overrides"].get("maintenance_directory") or {}
        names = {" ".join(one) for one in self.meant}
        return [
            f"the file {directory.get('path')}/{file} holds {', '.join(sorted(names.intersection(held)))} in"
            " maintenance for as long as it is there"
            for file, held in (directory.get("files") or {}).items()
            if names.intersection(held)
        ]

    # ---- what is ordered

    def _order(self, service: str, server: str) -> t.Optional[str]:
        if self._action is None:
            return self._daemon.order("restore", names=[service, server], of="servers")
        weight = {"weight": self._weight} if self._action == "weight" else {}
        return self._daemon.order(self._action, service=service, server=server, reason=self._reason, **weight)

    # ---- what is waited for

    @property
    def _drains(self) -> bool:
        return self._action == "drain" or (self._action == "weight" and self._weight == 0)

    def _unfinished(self, service: str, server: str) -> str:
        if self._drains:
            look = look_at(self._answer, service, server)
            return "" if look.drained else look.text()
        section = server_section(self._answer, service, server)
        if section is None:
            # A server that the configuration has no more is restored to nothing.
            return "" if self._action is None else "the health worker does not know it"
        return _not_restored(section) if self._action is None else self._not_taken(section)

    def _not_taken(self, section: Answer) -> str:
        order = section.get("override") or {}
        if (order.get("action"), order.get("weight")) != (self._action, self._weight):
            return "the health worker has not taken the order yet"
        if self._action == "maintenance":
            return "it is still in the pool" if section.get("in_pool") else ""
        if self._action == "force" and not section.get("in_pool"):
            return "it is not in the pool yet"
        return ""


def _not_restored(section: Answer) -> str:
    order = section.get("override")
    if order:
        return f"{order.get('action')} by {order.get('by')} still holds"
    if section.get("state") not in _SERVING:
        return f"it is {section.get('state')}: {section.get('reason') or 'no reason given'}"
    expected = section.get("state") != "backup" and section.get("weight") != 0
    if expected and not (section.get("in_pool") and section.get("effective_weight")):
        return "it takes no new connections yet"
    return ""


def _words(action: t.Optional[str], weight: t.Optional[int]) -> str:
    if action is None:
        return "as configured"
    return f"{action} {weight}" if action == "weight" else action


_TOLD = (
    "state",
    "reason",
    "in_pool",
    "weight",
    "effective_weight",
    "active_connections",
    "inactive_connections",
)
"""What is returned of the health worker's words about a server."""
