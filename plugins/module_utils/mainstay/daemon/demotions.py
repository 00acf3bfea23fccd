# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an operator took out of the election, kept over restarts and boots: `mainstay demote` and `restore`.

Members of a sync group go together: whoever names one demotes its group. What counts are the names at the time of
the command and those that the groups have now, so that a reload that makes, changes or dissolves a group promotes
nobody by accident.
"""

from __future__ import annotations

import os
import typing as t
from dataclasses import asdict, dataclass

from ..model.config import Config
from ..model.refused import suggestion
from .journal import Journal
from .order_file import OrderFile
from .wall_clock import wall_clock

INSTANCE, GROUP, ALL = "INSTANCE", "GROUP", "ALL"

_FILE = "demoted.json"
_SUBJECT = "demotions"
_TITLES = {INSTANCE: "vrrp_instance", GROUP: "vrrp_sync_group"}


class NotPossible(Exception):
    """The text says why and what to do; nothing was changed."""


@dataclass(frozen=True)
class Demotion:
    """One order of an operator."""

    kind: str
    """INSTANCE, GROUP or ALL."""
    name: str
    """"" for ALL."""
    instances: t.Tuple[str, ...]
    """Whom it meant then; empty for ALL, which means whoever is there."""
    by: str
    """"uid 0"."""
    at: str
    """Wall clock."""
    reason: str
    """The operator's words; "" for none."""

    @property
    def subject(self) -> str:
        """For people: "vrrp_sync_group web"."""
        return "every vrrp_instance" if self.kind == ALL else f"{_TITLES[self.kind]} {self.name}"

    def document(self) -> t.Dict[str, t.Any]:
        """JSON-able."""
        return {**asdict(self), "instances": list(self.instances)}


class Demotions:
    """Those that hold, and the file that keeps them."""

    def __init__(self, folder: str, journal: Journal) -> None:
        """`folder`: the state directory. What cannot be understood in the file is told and ignored."""
        self._file = OrderFile(os.path.join(folder, _FILE), "demoted", journal, _SUBJECT)
        self.orders: t.Tuple[Demotion, ...] = tuple(self._file.read(_order, "nothing is demoted"))

    @property
    def problem(self) -> t.Optional[str]:
        """A sentence as long as the file does not say what holds."""
        return self._file.problem

    def demote(self, names: t.Sequence[str], by: str, reason: str, config: Config) -> t.Tuple[Demotion, ...]:
        """Take these out of the election, everything when no name is given; the orders. Raises NotPossible."""
        given = self.targets(names, by, reason, config)
        replaced = {(one.kind, one.name) for one in given}
        self._keep([one for one in self.orders if (one.kind, one.name) not in replaced] + list(given))
        return given

    def restore(self, names: t.Sequence[str], config: Config) -> t.Tuple[Demotion, ...]:
        """Put these back, everything when no name is given; the orders that end. Raises NotPossible."""
        ended = self.held(names, config)
        self._keep([one for one in self.orders if one not in ended])
        return ended

    def targets(self, names: t.Sequence[str], by: str, reason: str, config: Config) -> t.Tuple[Demotion, ...]:
        """The orders that demoting these would be. Raises NotPossible."""
        now = wall_clock()
        meant = _targets(names, config) if names else [(ALL, "", ())]
        return tuple(Demotion(kind, name, members, by, now, reason) for kind, name, members in meant)

    def held(self, names: t.Sequence[str], config: Config) -> t.Tuple[Demotion, ...]:
        """The orders that restoring these would end, every one when no name is given. Raises NotPossible."""
        if not names:
            return self.orders
        return tuple({one: None for name in names for one in self._orders_for(name, config)})

    def instances(self, config: Config) -> t.FrozenSet[str]:
        """Names of all that are demoted."""
        return frozenset(name for one in self.orders for name in _meant(one, config))

    def order_about(self, name: str, config: Config) -> t.Optional[Demotion]:
        """The order that demotes this instance, if any."""
        return next((one for one in self.orders if name in _meant(one, config)), None)

    def mentions(self, name: str) -> bool:
        """An order names it, whether or not it is still configured."""
        return any(name == one.name or name in one.instances for one in self.orders)

    def status(self) -> t.Dict[str, object]:
        """Section of the status answer."""
        return {"orders": [one.document() for one in self.orders], "problem": self.problem}

    def _orders_for(self, name: str, config: Config) -> t.List[Demotion]:
        found = [one for one in self.orders if one.name == name or (one.kind != ALL and name in _meant(one, config))]
        if not found and any(one.kind == ALL for one in self.orders):
            raise NotPossible(f"{name} is demoted with all the others; 'mainstay restore --all' puts them all back")
        if not found:
            _targets([name], config)  # a misspelt one is told as such
            raise NotPossible(f"{name} is not demoted")
        return found

    # ---- the file

    def _keep(self, orders: t.Sequence[Demotion]) -> None:
        """They hold from now on, even when the disk cannot keep them."""
        self.orders = tuple(orders)
        self._file.write([one.document() for one in orders], "what is demoted now is not after a restart")


def _order(document: t.Mapping[str, t.Any]) -> Demotion:
    """Raises KeyError, TypeError or ValueError for what is none."""
    texts = {key: document[key] for key in ("kind", "name", "by", "at", "reason")}
    instances = document["instances"]
    if not all(isinstance(text, str) for text in (*texts.values(), *instances)):
        raise TypeError("no text")
    if texts["kind"] not in (INSTANCE, GROUP, ALL):
        raise ValueError(texts["kind"])
    return Demotion(instances=tuple(instances), **texts)


def _targets(names: t.Iterable[str], config: Config) -> t.List[t.Tuple[str, str, t.Tuple[str, ...]]]:
    """Kind, name and members of what is meant. Raises NotPossible."""
    targets: t.Dict[t.Tuple[str, str], t.Tuple[str, ...]] = {}
    for name in names:
        group = name if name in config.vrrp_sync_groups else group_of(name, config)
        if group is not None:
            targets[GROUP, group] = config.vrrp_sync_groups[group].group
        elif name in config.vrrp_instances:
            targets[INSTANCE, name] = (name,)
        else:
            raise NotPossible(unknown(name, config))
    return [(kind, name, tuple(members)) for (kind, name), members in targets.items()]


def group_of(name: str, config: Config) -> t.Optional[str]:
    """The sync group of an instance."""
    groups = config.vrrp_sync_groups.items()
    return next((group for group, entry in groups if name in entry.group), None)


def unknown(name: str, config: Config) -> str:
    """A sentence about a name that nothing has."""
    known = sorted({*config.vrrp_instances, *config.vrrp_sync_groups})
    there = suggestion(name, known) or (f" Known are {', '.join(known[:20])}." if known else " None is configured.")
    return f"there is no vrrp_instance or vrrp_sync_group {name[:64]}.{there}"


def _meant(order: Demotion, config: Config) -> t.Set[str]:
    if order.kind == ALL:
        return set(config.vrrp_instances)
    groups = {group_of(name, config) for name in order.instances} - {None}
    if order.kind == GROUP and order.name in config.vrrp_sync_groups:
        groups.add(order.name)
    members = (config.vrrp_sync_groups[group].group for group in groups if group is not None)
    return {*order.instances, *(name for group in members for name in group)}
