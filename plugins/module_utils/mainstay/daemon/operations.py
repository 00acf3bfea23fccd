# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What people ask of a running daemon beside its status: explain, events, demote, restore, and what plan needs.

Whoever may open the control socket may ask. Whoever changes something has to be root or the daemon's own user, as the
kernel says (SO_PEERCRED), and stands in the event journal with it.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import typing as t

from ..model.config import Config
from ..model.dump import config_document, hide_secrets, secrets_in
from ..model.units import NANOSECONDS_PER_MILLISECOND, Instant
from ..net.local_sockets import Peer
from ..net.polling import Poller
from .control import Reply, Request, refusal
from .demotions import Demotion, Demotions, NotPossible, unknown
from .event_journal import MAXIMUM_ASKED, EventJournal
from .journal import Journal
from .worker import Arguments, Happening
from .worker_link import WorkerLink

PATIENCE = 500 * NANOSECONDS_PER_MILLISECOND
"""So long an explanation waits for the worker."""
MAXIMUM_REASON = 200

_SUBJECT = "mainstayd"
_EVENTS = 50
_SILENT = "the vrrp worker does not answer; see 'mainstay status'"

Verb = t.Callable[[Request, Peer, Reply], None]


class BadRequest(Exception):
    """The text says what is wrong with a request."""


class Operations:
    """The operator's side of one run of the daemon."""

    def __init__(
        self, poller: Poller, journal: Journal, state_path: str, worker: WorkerLink, config: t.Callable[[], Config]
    ) -> None:
        """`worker`: the vrrp worker. `config` gives what runs now."""
        self._poller = poller
        self._journal = journal
        self._worker = worker
        self._config = config
        self.events = EventJournal(state_path, journal)
        self._demotions = Demotions(state_path, journal)
        self.verbs: t.Mapping[str, Verb] = {
            "explain": self._checked(self._explain),
            "events": self._checked(self._recent_events),
            "demote": self._checked(self._demote),
            "restore": self._checked(self._restore),
            "running": self._checked(self._running),
        }

    def happened(self, happening: Happening, now: Instant) -> None:
        """A worker tells what happened."""
        self.events.happened(happening, now)

    def status(self) -> t.Dict[str, object]:
        """Sections of the status answer."""
        return {"demotions": self._demotions.status(), "events": self.events.status()}

    def before_configuration(self, config: Config) -> None:
        """This will run soon: nobody is put back because a group loses a member or its name on the way."""
        self._tell(self._demotions.instances(self._config()) | self._demotions.instances(config))

    def after_configuration(self, config: Config) -> None:
        """The worker has been handed it."""
        self._tell(self._demotions.instances(config))

    def reloaded(self, result: t.Mapping[str, t.Any]) -> None:
        """A reload ended with this answer."""
        if result.get("ok"):
            self.events.daemon("RELOAD", _listed(result.get("changed") or ["nothing changed"]))
        else:
            problems = [f"{one['path']}: {one['message']}" for one in result.get("problems") or ()]
            self.events.daemon("RELOAD_REFUSED", _listed(problems))

    # ---- explain

    def _explain(self, request: Request, _peer: Peer, reply: Reply) -> None:
        name, config = _text(request, "instance"), self._config()
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
        recent = self.events.recent(count, None if name is None else _text(request, "name"))
        reply({"ok": True, "events": recent.events, "damaged": recent.damaged, **self.events.status()})

    # ---- demote and restore

    def _demote(self, request: Request, peer: Peer, reply: Reply) -> None:
        by, names = _may_change(peer), _names(request)
        reason = request.get("reason", "")
        if not isinstance(reason, str) or len(reason) > MAXIMUM_REASON or not reason.isprintable():
            raise BadRequest(f"reason must be text of at most {MAXIMUM_REASON} printable characters")
        orders = self._demotions.demote(names, by, reason, self._config())
        self._changed("DEMOTE", orders, by, lambda order: order.reason, reply)

    def _restore(self, request: Request, peer: Peer, reply: Reply) -> None:
        by, names = _may_change(peer), _names(request)
        orders = self._demotions.restore(names, self._config())
        self._changed("RESTORE", orders, by, lambda order: f"was demoted by {order.by} at {order.at}", reply)

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
        salt = _text(request, "salt").encode("utf-8")
        digests = fingerprints(document, salt) if peer.uid in _masters() else None
        reply({"ok": True, "document": hide_secrets(document), "fingerprints": digests})

    def _checked(self, serve: Verb) -> Verb:
        def checked(request: Request, peer: Peer, reply: Reply) -> None:
            try:
                serve(request, peer, reply)
            except (BadRequest, NotPossible) as error:
                reply(refusal(str(error)))

        return checked


def fingerprints(document: t.Mapping[str, t.Any], salt: bytes) -> t.Dict[str, str]:
    """One of each secret, by its path. Whoever asks brings the salt, so that two answers cannot be compared."""
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


def _masters() -> t.Set[int]:
    return {0, os.geteuid()}


def _may_change(peer: Peer) -> str:
    """Who it is. Raises BadRequest."""
    if peer.uid not in _masters():
        raise BadRequest(f"uid {peer.uid} may look but not change anything; become root")
    return f"uid {peer.uid}"


def _text(request: Request, key: str) -> str:
    text = request.get(key)
    if not isinstance(text, str) or not text:
        raise BadRequest(f"the request needs {key}, a text")
    return text


def _names(request: Request) -> t.List[str]:
    """Of instances and groups; empty for all of them, which has to be said. Raises BadRequest."""
    names = request.get("names", [])
    if not isinstance(names, list) or not all(isinstance(name, str) and name for name in names):
        raise BadRequest("names must be a list of names")
    if bool(names) == (request.get("all") is True):
        raise BadRequest("name instances or groups, or ask for all of them, one of both")
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
