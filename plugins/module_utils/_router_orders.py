# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the module ha_maintenance orders about virtual routers. Private to this collection.

Members of a sync group go together, so names are compared by the instances that they mean.
"""

from __future__ import annotations

import typing as t

from ._daemon import Daemon
from ._patience import Failure

_EVERYONE = "every vrrp_instance"
_DEMOTED, _IN_ELECTION = "demoted", "in the election"


class RouterOrders:
    """Instances and groups, which of them are demoted, and what is wanted instead."""

    def __init__(self, daemon: Daemon, params: t.Mapping[str, t.Any]) -> None:
        self._daemon = daemon
        self._demote: bool = params["state"] == "demoted"
        self._reason: str = params["reason"]
        self._all = bool(params["all_instances"])
        self._names: t.List[str] = params["vrrp_instance"] or []
        self._status = daemon.ask("status")
        self._subjects = self._found_subjects()
        self.before = {name: _DEMOTED if self._is_demoted(name) else _IN_ELECTION for name in self._subjects}

    @property
    def wanted(self) -> t.Dict[str, str]:
        """By name: whether it is demoted when this has been carried out."""
        return dict.fromkeys(self.before, _DEMOTED if self._demote else _IN_ELECTION)

    def carry_out(self) -> t.List[str]:
        """Order what differs; what the daemon has to complain of. Raises Failure."""
        different = [name for name in self._subjects if self._differs(name)]
        if not self._demote and not self._all and self._everyone_is_demoted:
            raise Failure("every vrrp_instance is demoted by one order; only all_instances=true puts them back")
        if not different:
            return []
        problem = self._order(different)
        self._status = self._daemon.ask("status")
        return [] if problem is None else [problem]

    def _order(self, different: t.Sequence[str]) -> t.Optional[str]:
        names: t.Dict[str, t.Any] = {"all": True} if self._all else {"names": list(different)}
        verb, more = ("demote", {"reason": self._reason}) if self._demote else ("restore", {"of": "instances"})
        return self._daemon.order(verb, **names, **more)

    def missing(self, patience: float) -> str:
        """What is missing until the daemon has done it; empty when nothing is."""
        self._status = self._daemon.ask("status", patience)
        if not self._status["vrrp"].get("alive"):
            return "the vrrp worker does not answer, see 'mainstay status'"
        left = [f"vrrp_instance {name}: {why}" for name in self._instances() for why in [self._unfinished(name)] if why]
        return "; ".join(left)

    def results(self) -> t.Dict[str, t.Any]:
        """What the module returns of them."""
        running = self._running()
        return {
            "vrrp_instances": [
                {"name": name, **{key: running[name].get(key) for key in ("state", "demoted", "master")}}
                for name in self._instances()
                if name in running
            ]
        }

    # ---- what the daemon says

    def _found_subjects(self) -> t.List[str]:
        """What is compared: the names, or with all_instances every order that ends."""
        if not self._all:
            return self._names
        return [_EVERYONE] if self._demote else [order["name"] or _EVERYONE for order in self._orders] or [_EVERYONE]

    @property
    def _orders(self) -> t.Sequence[t.Mapping[str, t.Any]]:
        return t.cast("t.Sequence[t.Mapping[str, t.Any]]", self._status["demotions"]["orders"])

    @property
    def _everyone_is_demoted(self) -> bool:
        return any(order["kind"] == "ALL" for order in self._orders)

    def _running(self) -> t.Mapping[str, t.Mapping[str, t.Any]]:
        return t.cast("t.Mapping[str, t.Mapping[str, t.Any]]", self._status["vrrp"].get("instances") or {})

    def _members(self, name: str) -> t.Set[str]:
        """The instances that a name means."""
        groups = self._status["vrrp"].get("groups") or {}
        group = name if name in groups else self._running().get(name, {}).get("group")
        return set(groups[group]["members"]) if group in groups else {name}

    def _instances(self) -> t.List[str]:
        """Everyone that this is about."""
        if self._all:
            return sorted(self._running())
        return sorted({instance for name in self._names for instance in self._members(name)})

    def _is_demoted(self, name: str) -> bool:
        if name == _EVERYONE or self._everyone_is_demoted:
            return self._everyone_is_demoted
        held = {instance for order in self._orders for instance in order["instances"]}
        held |= {member for instance in held for member in self._members(instance)}
        held |= {order["name"] for order in self._orders}
        return self._members(name) <= held

    def _differs(self, name: str) -> bool:
        """Whether to ask for it. The daemon is asked for a name that nobody has, too: it knows a near one."""
        groups = self._status["vrrp"].get("groups") or {}
        known = name == _EVERYONE or name in self._running() or name in groups
        return self._is_demoted(name) != self._demote or not (known or self._is_demoted(name))

    # ---- what is waited for

    def _unfinished(self, name: str) -> str:
        running = self._running().get(name)
        if running is None:
            return "the vrrp worker does not run it"
        if bool(running.get("demoted")) != self._demote:
            return "the vrrp worker has not taken the order yet"
        if self._demote and running.get("state") == "MASTER":
            return "it is still master, nobody else takes over"
        if not self._demote and running.get("state") not in ("MASTER", "BACKUP"):
            return f"it is in state {running.get('state')}"
        return ""
