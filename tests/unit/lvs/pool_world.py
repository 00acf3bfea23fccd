# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A service that lives: results, orders, reloads, connections and time come by chance, and everything is watched.

From check results to the kernel's table it runs what the daemon runs, edit by edit; a table stands for the kernel.
"""

from __future__ import annotations

import random
import typing as t

from mainstay.lvs import desired, draining, pool, reconcile, server_health
from mainstay.lvs.damping import suppressed
from mainstay.lvs.effects import apply_operation
from mainstay.lvs.health import CheckHistory, CheckPolicy, first_history, judge
from mainstay.lvs.keys import destination_key, server_text, service_keys, sorry_lb_kind
from mainstay.lvs.member import Member, Pool
from mainstay.lvs.overrides import ACTIONS, WEIGHT, Override
from mainstay.lvs.table import Service, ServiceKey, Table
from mainstay.model.check_config import MiscCheck
from mainstay.model.lvs_defaults import RunningServer, RunningService
from mainstay.model.units import seconds
from mainstay.probes.verdict import Verdict

from .pools import SORRY, order, real, web
from .promises import Decision, complaints, report

POLICY = CheckPolicy(seconds(6), 1, seconds(1), rise=2)
CHECKS = (MiscCheck(),)


class Wrong(AssertionError):
    """What the world has seen that must not be."""


class PoolWorld:
    """One service under one seed."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.now = seconds(100)
        self.service = self.any_service()
        self.histories: dict[str, CheckHistory] = {}
        self.orders: dict[str, Override] = {}
        self.pool: Pool | None = None
        self.book: draining.LeavingBook = {}
        self.table: Table = {}
        self.serving_since: dict[str, int] = {}
        self.decided_on: tuple[RunningService, list[Member]] | None = None
        self.decided_shortly = 0
        """So often the few that had changed were all that had to be looked at."""
        self.diary: list[str] = []

    def any_service(self) -> RunningService:
        draw = self.chance
        servers = [
            real(
                number, draw.choice((0, 1, 2, 10, 10)), port=draw.choice((80, 80, 8080)), checks=CHECKS,
                backup=draw.random() < 0.2, slow_start=draw.choice((0, seconds(40))),
            )
            for number in draw.sample(range(21, 26), draw.randint(1, 5))
        ]  # fmt: skip
        needed = draw.randint(1, 12)
        return web(
            *servers, quorum=needed, hysteresis=draw.randrange(min(needed, 3)), pool_floor=draw.choice((0, 0, 40)),
            sorry_server=draw.choice((None, SORRY)), sorry_server_inhibit=draw.random() < 0.3,
            inhibit_on_failure=draw.random() < 0.3, flap_damping=draw.choice((0, seconds(30))),
            drain_timeout=draw.choice((0, seconds(60))), lb_kind=draw.choice(("NAT", "NAT", "DR")),
        )  # fmt: skip

    # ---- what happens

    def step(self) -> None:
        happen = self.chance.choice((self.result, self.result, self.result, self.order, self.reload, self.time_passes))
        happen()
        self.decide()

    def result(self) -> None:
        name = self.chance.choice(self.names())
        ok = self.chance.random() < 0.5
        verdict = Verdict(ok, "exit status", self.chance.choice((None, None, 0, 5)) if ok else None)
        for _turn in range(self.chance.choice((1, 2))):
            self.histories[name] = judge(self.history(name), verdict, self.now)[0]
        self.diary.append(f"{name}: {verdict.ok} {verdict.weight}")

    def order(self) -> None:
        name = self.chance.choice([*self.names(), "192.0.2.99:80"])
        self.orders.pop(name, None)
        if self.chance.random() < 0.5:
            action = self.chance.choice(ACTIONS)
            self.orders[name] = order(action, self.chance.randint(0, 3) if action == WEIGHT else None)
        self.diary.append(f"{name}: {self.orders.get(name)}")

    def reload(self) -> None:
        self.service = self.any_service()
        self.diary.append(f"reload: {self.service}")

    def time_passes(self) -> None:
        """To a moment before which nothing changes, or to the one that the decision named."""
        assert self.pool is not None
        end = self.pool.next_change
        if end is not None and end <= self.now:
            raise Wrong(f"the next change is in the past: {end}, now {self.now}")
        until = self.now + seconds(self.chance.choice((1, 5, 30, 100)))
        last_quiet = until if end is None else min(until, end - 1)
        early = pool.decide(self.service, self.members(), self.pool, last_quiet)
        if self.kernel_view(early) != self.kernel_view(self.pool):
            raise Wrong(f"changes at {last_quiet}, before the time that it named ({end})")
        self.now = until if end is None else min(until, end)
        self.count()
        self.diary.append(f"time: {self.now}")

    def count(self) -> None:
        places = {(key, server) for key, entry in self.table.items() for server in entry.destinations}
        connections = {place: self.chance.choice((0, 3)) for place in sorted(places)}
        self.book = draining.still_leaving(self.book, connections, self.now)
        self.carry_out()

    # ---- what follows

    def decide(self) -> None:
        before, members = self.pool, self.members()
        self.pool = pool.decide(self.service, members, before, self.now)
        half_life, memories = self.service.flap_damping, self.pool.memories
        damped = frozenset(name for name in memories if suppressed(memories[name].penalty, half_life, self.now))
        decision = Decision(self.service, members, before, self.pool, self.now, damped)
        broken = list(complaints(decision))
        if broken:
            raise Wrong("\n".join([*broken, report(decision), *self.diary[-8:]]))
        self.ramps(before, decision)
        self.the_short_way_leads_there_too(before, members)
        stood = self.table
        self.book = draining.leaving_after(self.book, self.service, self.pool, stood, self.now)
        self.carry_out()
        self.nobody_was_cut(stood)

    def the_short_way_leads_there_too(self, before: Pool | None, members: list[Member]) -> None:
        """Who looks only at those that have changed comes to the same decision and the same table."""
        decided_on, self.decided_on = self.decided_on, (self.service, members)
        if before is None or self.pool is None or decided_on is None or decided_on[0] is not self.service:
            return
        changes = [(old, new) for old, new in zip(decided_on[1], members) if old != new]
        short = pool.decide_changes(self.service, changes, before, self.now)
        if short is None:
            return
        self.decided_shortly += 1
        if short != self.pool or list(short.placed) != list(self.pool.placed):
            raise Wrong(f"on {changes} alone it is {short}, on all {self.pool}")
        stood, wanted = self.kernel_view(before), self.kernel_view(self.pool)
        table = desired.changed_services(self.service, before, short, stood)
        if table is not None and table != wanted:
            raise Wrong(f"the few edits lead to {table}, wanted is {wanted}")
        if draining.leaving_after({}, self.service, short, stood, self.now):
            raise Wrong("somebody leaves, whom the short way does not see")

    def carry_out(self) -> None:
        """Edit by edit; a pool that serves before and afterwards serves all the time."""
        assert self.pool is not None
        wanted = desired.desired_services(self.service, self.pool, self.book)
        first = self.table
        for edit in reconcile.operations(first, wanted, set(first)):
            self.table = apply_operation(self.table, edit)
            for key in set(first) & set(wanted):
                if serving(first[key]) and serving(wanted[key]) and not serving(self.table[key]):
                    raise Wrong(f"{key} is empty after {edit}")
        if self.table != wanted:
            raise Wrong("the edits do not arrive")
        self.exactly_these_serve()

    def exactly_these_serve(self) -> None:
        """Those of the decision, whoever else stands in the table."""
        assert self.pool is not None
        chosen = [one for one in self.service.real_servers if self.pool.placed[server_text(one)].serving]
        sorry = self.service.sorry_server
        for key, entry in self.table.items():
            expected = {destination_key(key, one, one.lb_kind) for one in chosen}
            if sorry is not None and self.pool.sorry_in:
                expected.add(destination_key(key, sorry, sorry_lb_kind(self.service)))
            serve = {one.key for one in entry.destinations.values() if one.weight}
            if serve != expected:
                raise Wrong(f"{serve} serve, decided were {expected}")

    def ramps(self, before: Pool | None, decision: Decision) -> None:
        """Who failed or was in maintenance comes back with less than all, and has all of it after slow_start."""
        for member in decision.members:
            placed = decision.pool.placed[member.name]
            began = self.serving_since.setdefault(member.name, self.now) if placed.serving else None
            if began is None:
                self.serving_since.pop(member.name, None)
                continue
            full, slow_start = decision.full(member), member.server.slow_start
            if self.now - began >= slow_start and placed.weight != full:
                raise Wrong(f"{member.name} serves since {began} and still has weight {placed.weight} of {full}")
            was = before.placed.get(member.name) if before is not None else None
            cold = was is not None and not was.serving and was.state in ("down", "maintenance")
            at_once = placed.state == "forced" or member.name in decision.pool.floor_holds
            if cold and not at_once and slow_start and full > 1 and placed.weight == full:
                raise Wrong(f"{member.name} came back with all its weight")

    def nobody_was_cut(self, stood: Table) -> None:
        for key in set(stood) & set(service_keys(self.service)):
            gone = set(stood[key].destinations) - set(self.table[key].destinations) - self.known(key)
            if gone and self.service.drain_timeout:
                raise Wrong(f"{gone} left the configuration and lost its connections")

    # ---- what is known

    def names(self) -> list[str]:
        return [server_text(server) for server in self.service.real_servers]

    def history(self, name: str) -> CheckHistory:
        return self.histories.setdefault(name, first_history(POLICY, self.now))

    def members(self) -> list[Member]:
        return [self.member(server) for server in self.service.real_servers]

    def member(self, server: RunningServer) -> Member:
        name = server_text(server)
        health = server_health.server_health(server, [self.history(name).health], self.now)
        return Member(server, health, self.orders.get(name))

    def known(self, key: ServiceKey) -> set[t.Any]:
        known = {destination_key(key, server, server.lb_kind) for server in self.service.real_servers}
        sorry = self.service.sorry_server
        return known if sorry is None else known | {destination_key(key, sorry, sorry_lb_kind(self.service))}

    def kernel_view(self, made: Pool) -> t.Any:
        return desired.desired_services(self.service, made, {})


def serving(entry: Service) -> bool:
    return any(one.weight for one in entry.destinations.values())
