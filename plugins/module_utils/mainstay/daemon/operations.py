# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What people ask of a running daemon beside its status: explain, events, demote, restore, and what plan needs. What
they order about real servers is in operations_pools.

Whoever may open the control socket may ask. Whoever changes something has to be root or the daemon's own user, as the
kernel says (SO_PEERCRED), and stands in the event journal with it.
"""

from __future__ import annotations

import typing as t

from ..model.config import Config
from ..model.dump import config_document, hide_secrets, secrets_in
from ..model.refused import suggestion
from ..model.units import NANOSECONDS_PER_MILLISECOND, Instant
from ..net.local_sockets import Peer
from ..net.polling import Poller
from .control import Reply, Request, refusal
from .demotions import Demotion, Demotions, NotPossible, unknown
from .event_journal import MAXIMUM_ASKED, EventJournal
from .journal import Journal
from .operations_pools import PoolOperations
from .operations_request import BadRequest, Verb, is_rehearsal, masters, may_change, reason_of, text_of
from .worker import Arguments, Happening
from .worker_link import WorkerLink

PATIENCE = 500 * NANOSECONDS_PER_MILLISECOND
"""So long an explanation waits for the worker."""

_SUBJECT = "mainstayd"
_EVENTS = 50
_SILENT = "the vrrp worker does not answer; see 'mainstay status'"


class Operations:
    """The operator's side of one run of the daemon."""

    def __init__(
        self,
        poller: Poller,
        journal: Journal,
        state_path: str,
        worker: WorkerLink,
        health: WorkerLink,
        config: t.Callable[[], Config],
    ) -> None:
        """`worker`: the vrrp worker, `health`: the health worker. `config` gives what runs now."""
        self._poller = poller
        self._journal = journal
        self._worker = worker
        self._config = config
        self.events = EventJournal(state_path, journal)
        self._demotions = Demotions(state_path, journal)
        self._pools = PoolOperations(poller, journal, state_path, health, config, self.events)
        self.verbs: t.Mapping[str, Verb] = {
            "explain": self._checked(self._explain),
            "events": self._checked(self._recent_events),
            "demote": self._checked(self._demote),
            "restore": self._checked(self._restore),
            "running": self._checked(self._running),
            **{verb: self._checked(serve) for verb, serve in self._pools.verbs.items()},
        }

    def happened(self, happening: Happening, now: Instant) -> None:
        """A worker tells what happened."""
        self.events.happened(happening, now)

    def status(self) -> t.Dict[str, object]:
        """Sections of the status answer."""
        return {"demotions": self._demotions.status(), "events": self.events.status(), **self._pools.status()}

    def before_configuration(self, config: Config) -> None:
        """This will run soon: nobody is put back because a group loses a member or its name on the way."""
        self._tell(self._demotions.instances(self._config()) | self._demotions.instances(config))
        self._pools.before_configuration(config)

    def after_configuration(self, config: Config) -> None:
        """The worker has been handed it."""
        self._tell(self._demotions.instances(config))
        self._pools.after_configuration(config)

    def stop(self) -> None:
        """The end begins: nothing that comes now changes an order."""
        self._pools.stop()

    def reloaded(self, result: t.Mapping[str, t.Any]) -> None:
        """A reload ended with this answer."""
        if result.get("ok"):
            self.events.daemon("RELOAD", _listed(result.get("changed") or ["nothing changed"]))
        else:
            problems = [f"{one['path']}: {one['message']}" for one in result.get("problems") or ()]
            self.events.daemon("RELOAD_REFUSED", _listed(problems))

    # ---- explain

    def _explain(self, request: Request, _peer: Peer, reply: Reply) -> None:
        name, config = text_of(request, "instance"), self._config()
        if name not in config.vrrp_instances:
            reply(refusal(_no_instance(name, config)))
            return
        waiting = _Waiting(self._poller, lambda answer: reply(self._explanation(name, answer)))
        waiting.cancel = self._worker.ask("explain", {"instance": name}, waiting.take)

    def _explanation(self, name: str, answer: t.Optional[t.Dict[str, t.Any]]) -> t.Mapping[str, object]:
        if answer is None:
            return refusal(_SILENT)
        order = self._demotions.order_about(name, self._config())
        return {**answer, "demotion": None if order is None else order.document()}

    # ---- events

    def _recent_events(self, request: Request, _peer: Peer, reply: Reply) -> None:
        count, name = request.get("count", _EVENTS), request.get("name")
        if not isinstance(count, int) or isinstance(count, bool) or not 1 <= count <= MAXIMUM_ASKED:
            raise BadRequest(f"count must be a whole number from 1 to {MAXIMUM_ASKED}")
        recent = self.events.recent(count, None if name is None else text_of(request, "name"))
        reply({"ok": True, "events": recent.events, "damaged": recent.damaged, **self.events.status()})

    # ---- demote and restore

    def _demote(self, request: Request, peer: Peer, reply: Reply) -> None:
        by, names = may_change(peer), _names(request, "instances or groups")
        if is_rehearsal(request):
            _foresee(self._demotions.targets(names, by, reason_of(request), self._config()), reply)
            return
        orders = self._demotions.demote(names, by, reason_of(request), self._config())
        self._changed("DEMOTE", orders, by, lambda order: order.reason, reply)

    def _restore(self, request: Request, peer: Peer, reply: Reply) -> None:
        by, names = may_change(peer), _names(request, "instances or groups, or a service and some of its servers")
        if self._means_servers(request, names):
            self._pools.restore(names, by, is_rehearsal(request), reply)
            return
        self._known_to_restore(names)
        if is_rehearsal(request):
            _foresee(self._demotions.held(names, self._config()), reply)
            return
        orders = self._demotions.restore(names, self._config())
        self._changed("RESTORE", orders, by, lambda order: f"was demoted by {order.by} at {order.at}", reply)

    def _known_to_restore(self, names: t.Iterable[str]) -> None:
        """Where there are services too, a misspelt name may mean one. Raises NotPossible."""
        config = self._config()
        known = {*config.vrrp_instances, *config.vrrp_sync_groups, *config.virtual_servers}
        for name in names if config.virtual_servers else ():
            if name not in known and not self._demotions.mentions(name):
                there = suggestion(name, sorted(known)) or f" Known are {', '.join(sorted(known)[:20])}."
                what = "vrrp_instance, vrrp_sync_group or virtual_server"
                raise NotPossible(f"there is no {what} {name[:64]}.{there}")

    def _means_servers(self, request: Request, names: t.Sequence[str]) -> bool:
        """`restore SERVICE [SERVER...]` against `restore INSTANCE|GROUP...`. Raises BadRequest when it may be both."""
        said = request.get("of")
        if said is not None:
            if said not in ("instances", "servers"):
                raise BadRequest("of must be instances or servers")
            return bool(said == "servers")
        config = self._config()
        routers = {*config.vrrp_instances, *config.vrrp_sync_groups}
        is_service = bool(names) and self._pools.knows_service(names[0])
        if is_service and routers.issuperset(names):
            what = f"{names[0]} is a virtual_server and a vrrp_instance or vrrp_sync_group"
            raise BadRequest(f"{what}; add --of servers or --of instances")
        return is_service

    def _changed(
        self, event: str, orders: t.Sequence[Demotion], by: str, reason: t.Callable[[Demotion], str], reply: Reply
    ) -> None:
        demoted = self._demotions.instances(self._config())
        self._tell(demoted)
        for order in orders:
            told = {"kind": order.kind, "name": order.name, "instances": list(order.instances)}
            self.events.operator({**told, "event": event, "by": by, "reason": reason(order)})
            self._journal.warning(_SUBJECT, f"{order.subject}: {event} by {by}: {reason(order) or 'no reason given'}")
        done = [order.document() for order in orders]
        reply({"ok": True, "orders": done, "demoted": sorted(demoted), "problem": self._demotions.problem})

    def _tell(self, demoted: t.Iterable[str]) -> None:
        self._worker.tell("demoted", {"instances": sorted(demoted)})

    # ---- what a plan is compared with

    def _running(self, request: Request, peer: Peer, reply: Reply) -> None:
        """The running configuration without its secrets; for root a keyed digest of each, to compare with."""
        document = config_document(self._config())
        salt = text_of(request, "salt").encode("utf-8")
        digests = fingerprints(document, salt) if peer.uid in masters() else None
        reply({"ok": True, "document": hide_secrets(document), "fingerprints": digests})

    def _checked(self, serve: Verb) -> Verb:
        def checked(request: Request, peer: Peer, reply: Reply) -> None:
            try:
                serve(request, peer, reply)
            except (BadRequest, NotPossible) as error:
                reply(refusal(str(error)))

        return checked


def _foresee(orders: t.Iterable[Demotion], reply: Reply) -> None:
    reply({"ok": True, "orders": [order.document() for order in orders], "dry_run": True})


def fingerprints(document: t.Mapping[str, t.Any], salt: bytes) -> t.Dict[str, str]:
    """One of each secret, by its path. Whoever asks brings the salt, so that two answers cannot be compared."""
    # Loaded by who needs it: it brings OpenSSL along.
    import hashlib
    import hmac

    found = secrets_in(document)
    return {path: hmac.new(salt, text.encode("utf-8"), hashlib.sha256).hexdigest() for path, text in found.items()}


class _Waiting:
    """One answer of the worker, or None when that takes too long."""

    def __init__(self, poller: Poller, done: t.Callable[[t.Optional[Arguments]], None]) -> None:
        self.cancel: t.Callable[[], None] = lambda: None
        self._done: t.Optional[t.Callable[[t.Optional[Arguments]], None]] = done
        self._deadline = poller.call_at(poller.now() + PATIENCE, self._too_slow)

    def take(self, answer: t.Optional[Arguments]) -> None:
        done, self._done = self._done, None
        self._deadline.cancel()
        if done is not None:
            done(answer)

    def _too_slow(self, _now: Instant) -> None:
        self.cancel()
        self.take(None)


def _names(request: Request, whom: str) -> t.List[str]:
    """Empty for all of them, which has to be said. Raises BadRequest."""
    names = request.get("names", [])
    if not isinstance(names, list) or not all(isinstance(name, str) and name for name in names):
        raise BadRequest("names must be a list of names")
    if bool(names) == (request.get("all") is True):
        raise BadRequest(f"name {whom}, or ask for all of them, one of both")
    return names


def _no_instance(name: str, config: Config) -> str:
    group = config.vrrp_sync_groups.get(name)
    if group is not None:
        return f"{name} is a vrrp_sync_group; explain one of its members: {', '.join(group.group)}"
    return unknown(name, config)


def _listed(texts: t.Sequence[str]) -> str:
    """A few of them: an event is one line."""
    more = f" and {len(texts) - 5} more" if len(texts) > 5 else ""
    return "; ".join(texts[:5]) + more
