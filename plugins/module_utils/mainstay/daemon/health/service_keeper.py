# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One virtual_server while the daemon runs: what its checks and orders make of its pool, and who has to be told.

    a result that changes a server's health  ┐
    an order of an operator                  ├─> members -> decide() -> desired_services() -> PoolKeeper, in this turn
    the time that a decision named           ┘                       └> PoolReport

A decision is made anew only when something that it looks at has changed: with a thousand servers in a pool most results
change nothing but the age of the last one. Where it is a few servers that have changed, it is made of the one before.
"""

from __future__ import annotations

import typing as t
from dataclasses import replace

from ...lvs.candidate import full_weight
from ...lvs.desired import changed_services, desired_services
from ...lvs.draining import LeavingBook, Place, leaving_after, still_leaving
from ...lvs.health import DOWN, WAITING, CheckHistory
from ...lvs.keys import destination_key, server_text, service_keys
from ...lvs.member import Member, Memory, Pool
from ...lvs.overrides import Overrides
from ...lvs.pool import decide, decide_changes
from ...lvs.server_health import ServerHealth, server_health
from ...lvs.slow_start import begun_before
from ...lvs.table import Service, ServiceKey, Table
from ...model.lvs_defaults import RunningServer, RunningService
from ...model.units import Instant
from ...net.polling import Poller, Timer
from ...probes.outcome import ProbeOutcome
from ..drain_deadlines import DrainDeadlines
from ..worker import Say
from .check_book import CheckBook
from .pool_report import PoolReport
from .shared_check import SharedCheck

Adjust = t.Callable[["ServiceKeeper"], None]
"""What the keeper desires now should be in the kernel before this turn of the loop ends."""

_NOBODY_LEAVES: LeavingBook = {}


class Tools(t.NamedTuple):
    """What all services share."""

    poller: Poller
    say: Say
    book: CheckBook
    adjust: Adjust
    drains: DrainDeadlines


class ServiceKeeper:
    """Decides for one virtual_server, by its name; the configuration of it may change."""

    def __init__(self, tools: Tools, service: RunningService, overrides: Overrides, found: Table, now: Instant) -> None:
        """`found` is what stands in the kernel: who leaves already goes on leaving."""
        self.service = service
        self.keys = service_keys(service)
        self.report = PoolReport(service.name, tools.say)
        self.leaving: LeavingBook = _NOBODY_LEAVES
        """Servers that keep their connections although they have left the pool."""
        self._tools = tools
        self._overrides = overrides
        self._members: t.Dict[str, Member] = {}
        self._changed: t.Optional[t.Dict[str, Member]] = None
        """Those that are not any more as they were decided on, as they were; None: everybody may be one of them."""
        self._waiting = 0
        """So many of them wait for their first check."""
        self._take_members(self._new_members(now))
        self._timer: t.Optional[Timer] = None
        self._since: t.Dict[str, Instant] = {}
        self.desired: t.Mapping[ServiceKey, Service] = {key: found[key] for key in self.keys if key in found}
        self.pool = Pool()
        # What the quorum was nobody knows: a pool that has just been made counts it as up.
        self._take(decide(service, list(self._members.values()), Pool(memories=self._warming(now)), now), now)
        self.report.first(self.pool)

    # ---- what changes from outside

    def configure(self, service: RunningService, overrides: Overrides, now: Instant) -> None:
        """Run this from now on; the caller puts `desired` into the kernel, with that of all other services.

        Where nothing has changed nothing is done: its checks go on as they are, so there is nothing to decide.
        """
        if service == self.service and overrides is self._overrides:
            return
        before, self.service, self._overrides = self._members, service, overrides
        self.keys = service_keys(service)
        self._take_members(self._new_members(now))
        if service.omega:
            self.report.gone((member for name, member in before.items() if name not in self._members), self.pool)
        self._decide(now)

    def adopt(self, found: Table, now: Instant) -> None:
        """What stands in the kernel shows only now: as at the start, but with what checks have said since."""
        self._take_members(self._new_members(now))
        self.desired = {key: found[key] for key in self.keys if key in found}
        self.pool = replace(self.pool, memories={**self.pool.memories, **self._warming(now)})
        self._decide(now)

    def order(self, overrides: Overrides, now: Instant) -> None:
        """These are the operators' orders now."""
        self._overrides = overrides
        members = self._new_members(now)
        if members != self._members:
            self._take_members(members)
            self._decide_and_adjust(now)

    def tell(self, server: str, check: SharedCheck, before: CheckHistory, outcome: ProbeOutcome, now: Instant) -> None:
        """One check of the server was carried out."""
        if not outcome.ran:
            if check.newly_hindered:
                self.report.hindered(server, before.health.state, check.hindrance)
            return
        after = check.history.health
        if after is not before.health and after != before.health:
            self.judged(server, check.history, now)
        if outcome.verdict.ok:
            self.report.noted(server, outcome.verdict.notes, now)
        elif check.check.log_all_failures and after.state == before.health.state:
            self.report.failed(server, check.check.type, outcome.verdict.reason)

    def judged(self, server: str, history: CheckHistory, now: Instant) -> None:
        """One of the server's checks, now in this state, has a result."""
        before = self._members[server]
        member = self._members[server] = self._new_member(before.server, now)
        self._waiting += (member.health.state == WAITING) - (before.health.state == WAITING)
        if self._changed is not None and member.health != before.health:
            self._changed.setdefault(server, before)
        round_ends = not self._waiting and before.health.state == WAITING
        if round_ends or _decisive(member.health) != _decisive(before.health):
            self._decide_and_adjust(now, _tries(history))

    def count(self, connections: t.Mapping[Place, int], now: Instant) -> None:
        """So many connections have the servers that leave: who has none left, or no time, is gone."""
        after = still_leaving(self.leaving, connections, now)
        if len(after) == len(self.leaving):
            return
        for place in self.leaving:
            if place not in after:
                self._tell_gone(place, connections.get(place, 0))
        self.leaving = after
        self._want()
        self._tools.adjust(self)

    def end(self, removed: bool = False, heirs: t.Collection[str] = ()) -> None:
        """The service is not kept any more, because the daemon stops or because it left the configuration. `heirs`:
        who keeps what it had in the kernel.
        """
        self._cancel_timer()
        if self.service.omega:
            self.report.ended(self._members.values(), self.pool)
        if removed and heirs:
            names = ", ".join(sorted(heirs))
            self.report.line("info", f"left the configuration; in the kernel virtual_server {names} goes on with it")
        elif removed:
            self.report.line("info", "left the configuration and is removed from the kernel")

    # ---- what others want to know

    def member(self, server: str) -> Member:
        """A real server by its name."""
        return self._members[server]

    def members(self) -> t.Iterable[Member]:
        """All real servers, in the order of the configuration."""
        return self._members.values()

    def since(self, server: str) -> Instant:
        """When the server came into its state."""
        return self._since[server]

    def refreshed(self, now: Instant) -> Pool:
        """The decision with the reasons of the latest results, which alone change nothing."""
        if self._changed is None or self._changed:
            self._decide(now)
        return self.pool

    # ---- deciding

    def _new_members(self, now: Instant) -> t.Dict[str, Member]:
        made = (self._new_member(server, now) for server in self.service.real_servers)
        return {member.name: member for member in made}

    def _warming(self, now: Instant) -> t.Dict[str, Memory]:
        """Servers that stand on their way to full weight: slow_start goes on from where the kernel shows them."""
        found = {}
        for member in self._members.values():
            weight = self._standing_weight(member)
            if weight and member.override is None and member.health.in_pool:
                begun = begun_before(full_weight(member), member.server.slow_start, weight, now)
                if begun is not None:
                    found[member.name] = Memory(cold=True, warming_since=begun)
        return found

    def _standing_weight(self, member: Member) -> int:
        """The least in its services; 0 where it is in none, or not asked about because it has no slow_start."""
        server = member.server
        if not server.slow_start:
            return 0
        pools = [(one.destinations, destination_key(key, server, server.lb_kind)) for key, one in self.desired.items()]
        return min((pool[place].weight for pool, place in pools if place in pool), default=0)

    def _take_members(self, members: t.Dict[str, Member]) -> None:
        self._members, self._changed = members, None
        self._waiting = sum(member.health.state == WAITING for member in members.values())

    def _new_member(self, server: RunningServer, now: Instant) -> Member:
        key = (self.service.name, server_text(server))
        healths = [check.history.health for check in self._tools.book.row(key)]
        old = self._members.get(key[1])
        # Of a server without checks: it is what it is since it was first seen.
        seen = old.health.since if old is not None and not old.server.checks else now
        return Member(server, server_health(server, healths, seen), self._overrides.get(key))

    def _decide_and_adjust(self, now: Instant, tries: str = "") -> None:
        before = self.desired
        self._decide(now, tries)
        if self.desired != before:
            self._tools.adjust(self)

    def _decide(self, now: Instant, tries: str = "") -> None:
        before = self.pool
        if not self._take_changes(now):
            self._take(decide(self.service, list(self._members.values()), before, now), now)
        self.report.changed(self._members, before, self.pool, tries)

    def _take_changes(self, now: Instant) -> bool:
        """Decide on those that have changed alone; False where that would not be the whole decision."""
        if self._changed is None or self.leaving:
            return False
        changes = [(old, self._members[name]) for name, old in self._changed.items()]
        pool = decide_changes(self.service, changes, self.pool, now)
        desired = None if pool is None else changed_services(self.service, self.pool, pool, self.desired)
        if pool is None or desired is None:
            return False
        self._note(pool, now)
        self.desired = desired
        return True

    def _take(self, pool: Pool, now: Instant) -> None:
        """This is the decision; what it means for the kernel stands in `desired` then."""
        self._note(pool, now)
        book = leaving_after(self.leaving, self.service, pool, self.desired, now, self._tools.drains.known)
        self.report.leaving({server for _key, server in book} - {server for _key, server in self.leaving}, self.service)
        self.leaving = book or _NOBODY_LEAVES
        self._want()

    def _note(self, pool: Pool, now: Instant) -> None:
        """Remember the decision, since when each server is in its state, and when it has to be made again."""
        before, self.pool, self._changed = self.pool, pool, {}
        for server, placed in pool.placed.items():
            was = before.placed.get(server)
            if was is not placed and (was is None or was.state != placed.state):
                self._since[server] = now
        if self._since.keys() != pool.placed.keys():
            self._since = {server: self._since[server] for server in pool.placed}
        self._cancel_timer()
        if pool.next_change is not None:
            self._timer = self._tools.poller.call_at(max(pool.next_change, now + 1), self._due)

    def _want(self) -> None:
        self.desired = desired_services(self.service, self.pool, self.leaving)

    def _due(self, now: Instant) -> None:
        self._timer = None
        self._decide_and_adjust(now)

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None

    def _tell_gone(self, place: Place, connections: int) -> None:
        why = f"drain_timeout is over, {connections} connections are cut" if connections else "it has no connections"
        self.report.line("info", f"real_server {place[1]} has left the pool: {why}")


def _decisive(health: ServerHealth) -> t.Tuple[object, ...]:
    """What makes another decision. That a server on trust has passed its first check does not: in a large pool that
    would be one decision for each server.
    """
    return health.state == DOWN, health.weight, health.in_pool


def _tries(history: CheckHistory) -> str:
    """How often it failed, where it had more than one try."""
    if history.health.state != DOWN or history.failures < 2:
        return ""
    return f" ({history.failures} of {history.policy.retry + 1} tries)"
