# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What people ask and order about real servers: servers, drain, maintenance, force, weight, restore.

The health worker is told every order that holds, whenever one changes and in each of its lives before any
configuration. A file of the maintenance_directory counts for as long as it is there, whatever was ordered beside it.
"""

from __future__ import annotations

import typing as t

from ..lvs.keys import ServerId
from ..lvs.overrides import ACTIONS, DRAIN, WEIGHT
from ..model.config import Config
from ..model.problems import shown_value
from ..model.units import as_seconds
from ..net.local_sockets import Peer
from ..net.polling import Poller
from .control import Reply, Request
from .demotions import NotPossible
from .event_journal import EventJournal
from .journal import Journal
from .lost_orders import lost_orders
from .operations_request import BadRequest, Verb, is_rehearsal, may_change, reason_of, text_of, texts_of
from .overrides import (
    MAXIMUM_WEIGHT,
    Overrides,
    ServerOrder,
    find_everywhere,
    find_server,
    find_service,
    known_servers,
)
from .programs.maintenance_directory import MaintenanceDirectory
from .status import StatusRequest, patience_for
from .wall_clock import wall_clock
from .worker_link import WorkerLink

_SUBJECT = "mainstayd"
_SHOWN = 20


class PoolOperations:
    """The operator's side of the pools."""

    def __init__(
        self,
        poller: Poller,
        journal: Journal,
        state_path: str,
        worker: WorkerLink,
        config: t.Callable[[], Config],
        events: EventJournal,
    ) -> None:
        """`worker`: the health worker. `config` gives what runs now."""
        self._poller = poller
        self._journal = journal
        self._worker = worker
        self._config = config
        self._events = events
        self._overrides = Overrides(state_path, journal)
        self._directory = MaintenanceDirectory(poller, journal, state_path, self._files_changed)
        self._files: t.Dict[ServerId, ServerOrder] = {}
        self._told: t.Optional[t.List[t.Dict[str, t.Any]]] = None
        self.verbs: t.Mapping[str, Verb] = {
            "servers": self._servers,
            **{action: self._giver(action) for action in ACTIONS},
        }

    # ---- what the supervisor calls

    def before_configuration(self, config: Config) -> None:
        """This will run soon: its servers are told with their orders before they exist."""
        self._directory.configure(config.global_defs.maintenance_directory)
        both = {**self._directory.orders(self._config()), **self._directory.orders(config)}
        self._tell(both)

    def after_configuration(self, config: Config) -> None:
        """The worker has been handed it; what ran before is still the daemon's configuration."""
        held = {**self._overrides.orders, **self._files}
        for lost in lost_orders(held.values(), self._config(), config)[:_SHOWN]:
            self._journal.warning(_SUBJECT, f"{lost.subject}: {lost.what}; {lost.remedy}")
        self._take_files(config)
        known = known_servers(config)
        unknown = [order for one, order in self._overrides.orders.items() if one not in known]
        for order in unknown[:_SHOWN]:
            what = f"{order.action} of {order.subject} holds, and the configuration has no such server"
            self._journal.info(_SUBJECT, f"{what}; 'mainstay restore {order.service} {order.server}' ends it")

    def stop(self) -> None:
        """The end begins."""
        self._directory.close()

    def status(self) -> t.Dict[str, object]:
        """Sections of the status answer."""
        config = self._config()
        known = known_servers(config) if self._overrides.orders else {}
        orders = [{**order.document(), "known": one in known} for one, order in self._overrides.orders.items()]
        section = {"orders": orders, "problem": self._overrides.problem}
        return {"overrides": {**section, "maintenance_directory": self._directory.status(config)}}

    def knows_service(self, name: str) -> bool:
        """It is configured, or an order is about it."""
        return name in self._config().virtual_servers or bool(self._overrides.of_service(name))

    # ---- verbs

    def _servers(self, request: Request, _peer: Peer, reply: Reply) -> None:
        """The pools as the health worker says, of one service or all; with `servers` also whom those names mean."""
        name = text_of(request, "service") if request.get("service") is not None else None
        meant = {"meant": self._named(name, texts_of(request, "servers"))} if "servers" in request else {}
        if name is not None and not meant:
            find_service(name, self._config())

        def answer(status: t.Mapping[str, t.Any]) -> None:
            section = status["lvs"]
            services = section.get("virtual_servers") or {}
            shown = {key: value for key, value in services.items() if name in (None, key)}
            pools = {"lvs": {**section, "virtual_servers": shown}, **self.status()}
            reply({"ok": True, "as_of": status["as_of"], **pools, **meant})

        StatusRequest(self._poller, {"lvs": self._worker}, {}, patience_for(self._config()), answer)

    def _giver(self, action: str) -> Verb:
        def give(request: Request, peer: Peer, reply: Reply) -> None:
            by, reason = may_change(peer), reason_of(request)
            weight = _weight(request) if action == WEIGHT else None
            service, server = find_server(text_of(request, "service"), text_of(request, "server"), self._config())
            order = ServerOrder(service, server, action, weight, by, wall_clock(), reason)
            if is_rehearsal(request):
                reply({"ok": True, "orders": [order.document()], "dry_run": True})
                return
            self._overrides.give(order)
            self._note(action.upper(), order, by, reason)
            self._answer([order], reply, self._still_come(order))

        return give

    def _named(self, service: t.Optional[str], servers: t.Sequence[str]) -> t.List[t.Dict[str, object]]:
        """Whom an order would be about, those that are not configured any more too; no server: all of the service.

        Raises NotPossible.
        """
        config, orders = self._config(), self._overrides.orders
        known = known_servers(config)
        if service is not None and not (servers and self.knows_service(service)):
            find_service(service, config)
        found: t.Dict[ServerId, None] = {}
        for server in servers:
            ordered = [one for one in orders if one[1] == server and service in (None, one[0])]
            if service is None:
                ordered += find_everywhere(server, config, required=not ordered)
            found.update(dict.fromkeys(ordered or [find_server(str(service), server, config)]))
        if not servers:
            found = {one: None for one in (*known, *orders) if service in (None, one[0])}
        return [{"service": one[0], "server": one[1], "known": one in known} for one in found]

    def restore(self, names: t.Sequence[str], by: str, rehearsal: bool, reply: Reply) -> None:
        """End orders: SERVICE (all about its servers), SERVICE SERVER...; every one without a name.

        `rehearsal`: only say which. Raises NotPossible when there is nothing to end.
        """
        meant = self._meant(names)
        if rehearsal:
            held = [self._overrides.orders[one].document() for one in meant if one in self._overrides.orders]
            reply({"ok": True, "orders": held, "dry_run": True})
            return
        ended = self._overrides.end(meant)
        for order in ended:
            self._note("RESTORE", order, by, f"{order.action} was ordered by {order.by} at {order.at}")
        self._answer(ended, reply)

    def _meant(self, names: t.Sequence[str]) -> t.List[ServerId]:
        if not names:
            return list(self._overrides.orders)
        service, servers = names[0], names[1:]
        if not self.knows_service(service):
            find_service(service, self._config())
        if not servers:
            found = [order.id for order in self._overrides.of_service(service)]
            if not found:
                file = next((order for order in self._files.values() if order.service == service), None)
                raise NotPossible(f"nothing is ordered about servers of virtual_server {service}{_held_by(file)}")
            return found
        return [self._ordered(service, server) for server in servers]

    def _ordered(self, service: str, server: str) -> ServerId:
        """Also of a server that is not configured any more."""
        one = service, server
        if one not in self._overrides.orders:
            one = find_server(service, server, self._config())
        if one not in self._overrides.orders:
            held = _held_by(self._files.get(one))
            raise NotPossible(f"nothing is ordered about {one[1]} of virtual_server {service}{held}")
        return one

    def _still_come(self, order: ServerOrder) -> t.List[str]:
        """Weight 0 is no word to a client whom the data plane remembers."""
        remembered = self._config().virtual_servers[order.service].persistence_timeout
        if not remembered or not (order.action == DRAIN or (order.action == WEIGHT and order.weight == 0)):
            return []
        return [f"clients that it served in the last {as_seconds(remembered):g} s may come back (persistence_timeout)"]

    def _answer(self, orders: t.Sequence[ServerOrder], reply: Reply, told: t.Sequence[str] = ()) -> None:
        self._tell(self._files)
        files = [self._files[order.id].by for order in orders if order.id in self._files]
        notes = [f"{by} holds it in maintenance for as long as it is there" for by in dict.fromkeys(files)]
        documents = [order.document() for order in orders]
        reply({"ok": True, "orders": documents, "notes": [*notes, *told], "problem": self._overrides.problem})

    # ---- telling

    def _note(self, event: str, order: ServerOrder, by: str, reason: str) -> None:
        told = {"kind": "RS", "name": " ".join(order.id), "event": event, "by": by, "reason": reason}
        weight = {"weight": order.weight} if event == WEIGHT.upper() else {}
        self._events.operator({**told, **weight})
        figure = f" {order.weight}" if weight else ""
        self._journal.warning(_SUBJECT, f"{order.subject}: {event}{figure} by {by}: {reason or 'no reason given'}")

    def _files_changed(self) -> None:
        self._take_files(self._config())

    def _take_files(self, config: Config) -> None:
        """Files that came and went are told, as orders of people are."""
        before, self._files = self._files, self._directory.orders(config)
        for one, order in self._files.items():
            if one not in before:
                self._note("MAINTENANCE", order, order.by, "")
        for one, order in before.items():
            if one not in self._files:
                self._note("RESTORE", order, order.by, "the file is gone, or does not mean it any more")
        self._tell(self._files)

    def _tell(self, files: t.Mapping[ServerId, ServerOrder]) -> None:
        orders = {**self._overrides.orders, **files}
        servers = [order.document() for order in orders.values()]
        if servers != self._told:
            self._told = servers
            self._worker.tell("overrides", {"servers": servers})


def _held_by(file: t.Optional[ServerOrder]) -> str:
    return "" if file is None else f"; {file.by} holds {file.server} in maintenance: remove that"


def _weight(request: Request) -> int:
    weight = request.get("weight")
    if not isinstance(weight, int) or isinstance(weight, bool) or not 0 <= weight <= MAXIMUM_WEIGHT:
        raise BadRequest(f"weight = {shown_value(weight)}: must be a whole number from 0 to {MAXIMUM_WEIGHT}")
    return weight
