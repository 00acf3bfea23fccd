# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps the kernel's table equal to the desired one.

Theory of operation. `desired` is what should be, `current` what the kernel is known to hold: the last reading and
the edits since. An edit that follows a verdict is computed from the two without reading first, so it reaches the
kernel within milliseconds. Every CHECK_PERIOD the table is read again; what somebody else changed shows as a
difference, is reported and repaired.

    a verdict  -> adjust()     one service, in the same turn of the loop
    a reload   -> keep()       all services; those that left the configuration are removed
    a timer    -> _check()     read, report, repair: a large table in parts, with turns of the loop in between

What an edit leaves to be done follows in later turns (loose_ends.py); before an engine is closed all of it is done.

What the kernel refuses is kept with its reason and tried again at every check, but said once.
An engine that is missing or fails is opened again, soon at first (engines.ReopenPauses), and all edits that came up
meanwhile are carried out then; VRRP, in another process, does not notice.

`owned` are the services that a configuration of ours named: only these are ever removed, so a service that an
operator added with ipvsadm stays.
"""

from __future__ import annotations

import collections
import typing as t

from ...lvs.effects import operation_service
from ...lvs.operations import Operation
from ...lvs.reconcile import operations
from ...lvs.table import Service, ServiceKey, Table
from ...model.units import Duration, Instant, as_seconds, seconds
from ...net.data_plane import DataPlane, DataPlaneUnavailable, Refusal
from ...net.polling import Due, Poller, Timer
from ..pages.table_words import by_service, drift_sentence, refusal_sentence, telling
from ..worker import LogLine, Say
from .connection_count import ConnectionCount
from .engine_change import AwaitedEngine, FormerEngine
from .engines import OpenEngine, ReopenPauses, owns_whole_table
from .errand import TURN
from .loose_ends import LooseEnds
from .survey import Survey

CHECK_PERIOD = seconds(5)

# A stale idea of the table is cured by one reading; what is refused after that is refused for good.
_ATTEMPTS = 2

_NO_TABLE: Table = {}
_Answer = t.TypeVar("_Answer")


class PoolKeeper:
    """One engine and one desired table."""

    def __init__(
        self, poller: Poller, say: Say, open_engine: OpenEngine, came: t.Callable[[Instant], None] = lambda _now: None
    ) -> None:
        """`came` is called when an engine that was not there has been opened and read, before it is edited."""
        self.engine = ""
        self.current: t.Dict[ServiceKey, Service] = {}
        """What the kernel holds, as far as known."""
        self.connections = ConnectionCount(poller, self._ask)
        self._poller = poller
        self._say = say
        self._open_engine = open_engine
        self._tell_came = came
        self._plane: t.Optional[DataPlane] = None
        self._former: t.Optional[FormerEngine] = None
        """Emptied as soon as the one after it holds the table."""
        self._awaited = AwaitedEngine(poller, say, open_engine, self._came)
        self._lost = ""
        """Why there is no engine, with the remedy; empty when there is one or none is wanted."""
        self._pauses = ReopenPauses()
        self._desired: t.Dict[ServiceKey, Service] = {}
        self._owned: t.Dict[ServiceKey, str] = {}
        self._refused: t.Dict[ServiceKey, t.Tuple[Refusal, ...]] = {}
        self._repairs: t.Dict[ServiceKey, int] = {}
        self._dirty: t.Set[ServiceKey] = set()
        self._timer: t.Optional[Timer] = None
        self._survey = Survey(iter(()))
        self._loose_ends = LooseEnds(poller, lambda key, why: self._say(LogLine("error", self._subject(key), why)))

    def use(self, engine: str) -> None:
        """Work on this engine from now on and read its table; what is ours leaves the one before with the next keep().

        An engine that is not there does not replace one that is: that one serves on until the other has come.
        """
        self._awaited.forget()
        if engine == self.engine:
            return
        if self._plane is None:
            self.rest()
            self.engine = engine
            self._open()
            return
        plane = self._awaited.open(engine, self.engine)
        if plane is not None:
            self._replace(engine, plane)

    def own(self, services: t.Mapping[ServiceKey, str]) -> None:
        """These services are ours to remove; the names are for the journal."""
        self._owned.update(services)

    def keep(self, desired: Table) -> None:
        """Make this the table, now; every service in it has to be owned."""
        self._desired = dict(desired)
        self._settle(self._ours())
        self._leave_former()

    def adjust(self, service: Service) -> None:
        """One service changed: carried out in this turn of the loop, with all others that change in it."""
        if not self._dirty:
            self._poller.call_at(self._poller.now(), self._settle_dirty)
        self._desired[service.key] = service
        self._dirty.add(service.key)

    def rest(self) -> None:
        """Remove what is ours from the kernel and use no engine from now on."""
        self._awaited.forget()
        self._desired = {}
        self._read()
        self._settle(self._ours())
        self._leave_former()
        self._owned.clear()
        self._repairs.clear()
        self._let_go()
        self._pauses.forget()
        self.engine, self._lost = "", ""

    @property
    def error(self) -> t.Optional[str]:
        """Why there is no engine, or not the configured one, the remedy, and the pause before the next attempt; None
        when all is well.
        """
        lost = [f"{self._lost}; tried again in {as_seconds(self._pauses.latest):g} s"] if self._lost else []
        awaited = [self._awaited.error] if self._awaited.error else []
        return "; ".join([*awaited, *lost]) or None

    @property
    def away(self) -> bool:
        """Is there no engine to ask?"""
        return self._plane is None

    @property
    def serving(self) -> t.Optional[str]:
        """Name of the engine that holds the table; None while there is none."""
        return None if self._plane is None else self.engine

    def refusals(self, key: ServiceKey) -> t.List[str]:
        """What the kernel did not take of this service, or does not let be finished, as sentences."""
        left = self._loose_ends.why(key)
        return [refusal.reason for refusal in telling(self._refused.get(key, ()))] + [left] * bool(left)

    def repairs(self, key: ServiceKey) -> int:
        """How often somebody else's change of this service was undone."""
        return self._repairs.get(key, 0)

    def flush(self) -> None:
        """Take everything out of the engine, whoever put it there; what is desired comes back with the next edit."""
        self._ask(lambda plane: plane.flush(), None)
        self._read()

    # ---- the engine: open, lost, open again

    def _open(self) -> None:
        try:
            self._plane = self._open_engine(self.engine)
        except DataPlaneUnavailable as unavailable:
            self._lose(str(unavailable))
            return
        self._begin()

    def _begin(self) -> None:
        self._next(CHECK_PERIOD, self._check)
        self._read()
        if self._plane is not None:
            self._found()

    def _came(self, engine: str, plane: DataPlane) -> None:
        """The engine that was waited for: it gets the table, and the one that served until now is left clean."""
        self._replace(engine, plane)
        self._settle(self._ours())
        self._leave_former()

    def _replace(self, engine: str, plane: DataPlane) -> None:
        """Work on this one; the one before keeps its table for the moment, so that clients always find one."""
        if self._plane is not None:
            self._former = FormerEngine(self.engine, self._plane, frozenset(self._owned))
            self._loose_ends.drop()
            self._plane = None
        self._let_go()
        self._repairs.clear()
        self._pauses.forget()
        self.engine, self._lost, self._plane = engine, "", plane
        self._begin()

    def _leave_former(self) -> None:
        """Only for an engine that holds the table: one that was lost on the way leaves the former one serving."""
        if self._former is not None and self._plane is not None:
            former, self._former = self._former, None
            # A new worker finds what the one before put there, and owns it only since it has its configuration.
            former._replace(owned=former.owned | frozenset(self._owned)).leave(self._say)

    def _found(self) -> None:
        if self._lost:
            self._say(LogLine("info", "mainstayd", f"data_plane {self.engine} is available now"))
        self._lost = ""

    def _lose(self, reason: str) -> None:
        self._let_go()
        if reason != self._lost:
            self._say(LogLine("error", "mainstayd", f"data_plane {self.engine} is not available: {reason}"))
        self._lost = reason
        self._next(self._pauses.next(), self._reopen)

    def _let_go(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self.connections.forget()
        plane, self._plane = self._plane, None
        if plane is not None:
            self._loose_ends.complete(plane)
            plane.close()
        self._survey = Survey(iter(()))
        self.current = {}
        self._refused.clear()

    def _reopen(self, now: Instant) -> None:
        self._open()
        if self._plane is not None:
            self._tell_came(now)
        self._settle(self._ours())
        self._leave_former()

    def _next(self, period: Duration, due: Due) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._poller.call_at(self._poller.now() + period, due)

    def _ask(self, question: t.Callable[[DataPlane], _Answer], otherwise: _Answer) -> _Answer:
        """Ask the engine; `otherwise` when there is none, or none any more."""
        if self._plane is None:
            return otherwise
        try:
            return question(self._plane)
        except DataPlaneUnavailable as unavailable:
            self._lose(str(unavailable))
            return otherwise

    # ---- the table: read, compare, edit

    def _read(self) -> None:
        self.current = dict(self._ask(lambda plane: plane.read(), _NO_TABLE))

    def _read_again(self, keys: t.Collection[ServiceKey]) -> None:
        """Of these services only: reading all of a large table takes a tenth of a second."""
        found = self._ask(lambda plane: plane.read(keys), _NO_TABLE)
        if self._plane is not None:
            self._note(keys, found)

    def _note(self, keys: t.Iterable[ServiceKey], found: Table) -> None:
        """These services are in the kernel as `found`, or not at all."""
        for key in keys:
            if key not in found:
                self.current.pop(key, None)
            elif self.current.get(key) != found[key]:  # else the same value goes on, for those who know it
                self.current[key] = found[key]

    def _ours(self, among: t.Optional[t.Collection[ServiceKey]] = None) -> t.Set[ServiceKey]:
        """Every service (of these) that we may edit or remove, or of which something is left to do."""
        kinds: t.List[t.Mapping[ServiceKey, t.Any]] = [self._desired, self._owned, self._refused]
        if owns_whole_table(self.engine):
            kinds.append(self.current)
        if among is None:
            return set().union(*kinds)
        return {key for key in among if any(key in kind for kind in kinds)}

    def _edits(self, keys: t.Collection[ServiceKey]) -> t.List[Operation]:
        current = {key: self.current[key] for key in keys if key in self.current}
        desired = {key: self._desired[key] for key in keys if key in self._desired}
        return operations(current, desired, keys)

    def _settle_dirty(self, _now: Instant) -> None:
        keys, self._dirty = self._dirty, set()
        self._settle(keys)

    def _settle(self, keys: t.Set[ServiceKey]) -> None:
        """Bring these services to what is desired of them."""
        refused: t.List[Refusal] = []
        for _attempt in range(_ATTEMPTS):
            refused = self._carry_out(keys)
            if not refused:
                break
            self._read_again(keys)
        if self._plane is not None:
            self._note_refused(keys, refused)
            self._forget_removed(keys)

    def _carry_out(self, keys: t.Set[ServiceKey]) -> t.List[Refusal]:
        edits = self._edits(keys)
        if not edits:
            return []
        self._survey.skip(keys)
        self.connections.edited(edits)
        nothing: t.List[Refusal] = []
        refused = self._ask(lambda plane: plane.apply(edits), nothing)
        if self._plane is not None:
            self._loose_ends.begin(self._plane)
            if not refused:
                self._note(keys, self._desired)
        return refused

    def _check(self, now: Instant) -> None:
        plane = self._plane
        self._survey = Survey(iter(()) if plane is None else plane.parts())
        self._go_on(now)

    def _go_on(self, _now: Instant) -> None:
        """Read, report and repair part by part, until everything is read or the turn has taken long enough."""
        until = self._poller.now() + TURN
        while self._poller.now() < until:
            part = self._ask(lambda _plane: self._survey.part(), None)
            if self._plane is None:
                return
            if part is None:
                self._end_check()
                return
            self._note(part, part)
            self._repair(self._ours(part))
        self._next(0, self._go_on)

    def _end_check(self) -> None:
        """What no part has named is not in the kernel."""
        self._next(CHECK_PERIOD, self._check)
        self._pauses.forget()
        if self._plane is not None:
            self._loose_ends.begin(self._plane)
        missing = self._survey.missing({*self.current, *self._ours()})
        self._note(missing, _NO_TABLE)
        self._repair(self._ours(missing))

    def _repair(self, keys: t.Set[ServiceKey]) -> None:
        keys = keys - self._dirty  # what is different there is a change of ours that is about to be carried out
        known = [one.operation for key in keys for one in self._refused.get(key, ())]
        self._report_drift([edit for edit in self._edits(keys) if edit not in known])
        self._settle(keys)

    def _forget_removed(self, keys: t.Iterable[ServiceKey]) -> None:
        for key in keys:
            if key not in self._desired:
                self._repairs.pop(key, None)
                if key not in self.current:
                    self._owned.pop(key, None)

    # ---- what is said about it

    def _report_drift(self, repairs: t.Sequence[Operation]) -> None:
        told = []
        for key, edits in by_service(repairs, operation_service).items():
            self._repairs[key] = self._repairs.get(key, 0) + 1
            told.append((self._subject(key), drift_sentence(edits, self.current.get(key))))
        self._tell("warning", told)

    def _note_refused(self, keys: t.Collection[ServiceKey], refused: t.Sequence[Refusal]) -> None:
        refused_at = by_service(refused, lambda refusal: operation_service(refusal.operation))
        told = []
        for key in keys:
            known = self.refusals(key)
            self._refused.pop(key, None)
            if key in refused_at:
                self._refused[key] = tuple(refused_at[key])
            new = [one for one in telling(self._refused.get(key, ())) if one.reason not in known]
            told += [(self._subject(key), refusal_sentence(refusal)) for refusal in new]
        self._tell("error", told)

    def _tell(self, level: str, told: t.Iterable[t.Tuple[str, str]]) -> None:
        """A group may have thousands of entries in the same trouble; that is one line."""
        for (subject, sentence), times in collections.Counter(told).items():
            again = f" ({times} times)" if times > 1 else ""
            self._say(LogLine(level, subject, f"{sentence}{again}"))

    def _subject(self, key: ServiceKey) -> str:
        return f"virtual_server {self._owned.get(key, str(key))}"
