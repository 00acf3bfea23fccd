# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The health worker: checks, pools and the table in the kernel.

    a check ends -> SharedCheck judges -> CheckBook knows who follows -> ServiceKeeper decides -> PoolKeeper -> kernel

It only puts the parts together. CheckBook runs every check, each once however many servers follow it; one ServiceKeeper
for each virtual_server decides who serves and tells what changed; PoolKeeper makes the kernel's table what it should
be and keeps it so. SyncKeeper does that for the threads that synchronise connections with other machines.
"""

from __future__ import annotations

import typing as t

from ...lvs.health import CheckHistory
from ...lvs.keys import ServerId, service_keys
from ...lvs.overrides import Override
from ...lvs.table import Table
from ...model.check_config import Check
from ...model.config import Config, GlobalDefs
from ...model.lvs_defaults import RunningService, running_services
from ...model.units import Duration, Instant, as_seconds, seconds
from ...net.check_run import start_check
from ...net.ipvs_sync import SyncControl
from ...net.ipvs_timeouts import TimeoutControl
from ...net.polling import Poller, Timer
from ...probes.outcome import ProbeOutcome
from ...probes.task import ProbeTask
from .. import pool_memory, sync_role
from ..check_tasks import check_tasks
from ..drain_deadlines import DrainDeadlines
from ..former_timeouts import FormerTimeouts
from ..log_limit import LogLimit
from ..scheduling import raise_open_files
from ..worker import DATA_PLANE, SERVED_BY, Arguments, LogLine, Say
from .adoption import NOTHING_FOUND, found_in
from .check_book import CheckBook
from .engines import OpenEngine, open_engine
from .held_addresses import AddressWatch, HeldAddresses
from .leaving_watch import LeavingWatch
from .pool_keeper import PoolKeeper
from .probe_slots import PROBES_AT_ONCE, RESERVED_DESCRIPTORS, ProbeSlots, slots_within
from .service_keeper import ServiceKeeper, Tools
from .shared_check import Bench, RunCheck, SharedCheck
from .status import HealthStatus
from .suspension import suspended
from .sync_keeper import OpenControl, SyncKeeper
from .timeout_keeper import OpenTimeouts, TimeoutKeeper

_HOUR = seconds(3600)
_LISTEN_AGAIN = seconds(10)


class HealthWorker:
    """Implements daemon/worker.Worker for virtual_servers."""

    def __init__(
        self,
        reactor: Poller,
        say: Say,
        open_engine: OpenEngine = open_engine,
        run_check: RunCheck = start_check,
        open_sync: OpenControl = SyncControl,
        addresses: t.Optional[AddressWatch] = None,
        open_timeouts: OpenTimeouts = TimeoutControl,
        former_timeouts: t.Optional[FormerTimeouts] = None,
        probes_at_once: int = PROBES_AT_ONCE,
        drains: t.Optional[DrainDeadlines] = None,
    ) -> None:
        """`addresses`: None is those of this machine. `former_timeouts`, `drains`: None forgets them with this
        process.
        """
        self._poller = reactor
        self._say = say
        self._keepers: t.Dict[str, ServiceKeeper] = {}
        self._overrides: t.Dict[ServerId, Override] = {}
        self._was_down: t.FrozenSet[ServerId] = frozenset()
        """In the life before this one."""
        self._served_by: t.Optional[str] = None
        """The engine of the worker before."""
        self._limit = LogLimit(_HOUR)
        slots = ProbeSlots(probes_at_once, reactor.now, self._probe_was_late)
        self._book = CheckBook(Bench(reactor, slots, build_tasks, run_check, self._judged))
        self._pools = PoolKeeper(reactor, say, open_engine, self._adopt_late)
        self._leaving = LeavingWatch(reactor, self._pools, lambda: tuple(self._keepers.values()))
        self._addresses = HeldAddresses(reactor) if addresses is None else addresses
        self._status = HealthStatus(self._book, self._pools, self._addresses, slots)
        self._sync = SyncKeeper(reactor, say, open_sync)
        self._timeouts = TimeoutKeeper(reactor, say, open_timeouts, former_timeouts)
        self._drains = DrainDeadlines() if drains is None else drains
        self._drains.load()
        self._tools = Tools(reactor, say, self._book, self._adjust, self._drains)
        self._defs = GlobalDefs()
        self._started = False
        self._unadopted = False
        """There was no engine at the first configuration: what the kernel holds is yet to be looked at."""
        self._listening_again: t.Optional[Timer] = None
        self._verbs: t.Mapping[str, t.Callable[[Arguments, Instant], None]] = {
            sync_role.VERB: self._sync.want,
            "tracked": self._take_results,
            "overrides": self._take_orders,
            pool_memory.VERB: self._take_memory,
            SERVED_BY: self._take_served_by,
        }

    def configure(self, config: Config, now: Instant) -> None:
        """Run these services.

        The first call adopts what the kernel holds. Later ones leave every unchanged check, state and entry as
        it is; services that are gone leave the kernel. Without services no engine is opened, so a machine that
        only does VRRP needs none.
        """
        services = running_services(config)
        self._defs = config.global_defs
        if services and self._served_by and not self._started:
            self._pools.use(self._served_by)
        if services:
            self._pools.use(self._defs.data_plane)
        else:
            self._pools.rest()
        if not self._pools.away:
            self._adopt_late(now)
        self._timeouts.want(self._defs.lvs_timeouts)
        standing = self._pools.current
        found = NOTHING_FOUND
        if not self._started:
            found = found_in(standing, services.values(), self._overrides).without(self._was_down)
            self._take_foreign()
            self._unadopted = bool(services) and self._pools.away
        self._started = True
        self._book.configure(services.values(), now, found)
        self._follow_addresses(services.values(), now)
        self._keep(services, standing, now)

    def status(self, now: Instant) -> t.Dict[str, object]:
        """The "lvs" section of the status answer."""
        section = self._status.section(self._defs.data_plane, self._keepers.values(), now)
        return {**section, "sync_daemon": self._sync.status(), "lvs_timeouts": {"problem": self._timeouts.problem}}

    def tell(self, verb: str, arguments: Arguments, now: Instant) -> None:
        """How connections are to be synchronised, what the checks of others found, what operators ordered."""
        self._verbs[verb](arguments, now)

    def ask(self, verb: str, _arguments: Arguments, _now: Instant) -> t.Dict[str, object]:
        """Answer DATA_PLANE: the one that serves, if any; and why the configured one does not, None when it does, or
        nothing is to be served.
        """
        if verb != DATA_PLANE:
            return {"ok": False, "error": f"the health worker cannot answer {verb}"}
        error = self._pools.error
        problem = None if error is None else f"data_plane {self._defs.data_plane}: {error}"
        return {"ok": True, "serving": self._pools.serving, "problem": problem}

    def stop(self, _now: Instant) -> None:
        """End the checks, tell the end where omega asks for it, then remove our services from the kernel; those of
        others stay, unless lvs_flush_on_stop is all.
        """
        self._book.close()
        self._leaving.end()
        self._close_addresses()
        for keeper in self._keepers.values():
            keeper.end()
        if self._defs.lvs_flush_on_stop == "all":
            self._pools.flush()
        self._pools.rest()
        self._note_drains(lambda: self._drains.keep({}))
        self._timeouts.stop()
        self._sync.stop()

    # ---- the configuration

    def _keep(
        self, services: t.Mapping[str, RunningService], standing: Table, now: Instant, adopt: bool = False
    ) -> None:
        """One keeper for each service: those of before go on, those that are gone end. `adopt`: what stands in the
        kernel is news to all of them.
        """
        gone = [name for name in self._keepers if name not in services]
        heirs = {key: name for name, one in services.items() for key in service_keys(one)} if gone else {}
        for name in gone:
            ended = self._keepers.pop(name)
            ended.end(removed=True, heirs={heirs[key] for key in ended.keys if key in heirs})
        for name, service in services.items():
            keeper = self._keepers.get(name)
            if keeper is None:
                self._keepers[name] = ServiceKeeper(self._tools, service, self._overrides, standing, now)
            else:
                keeper.configure(service, self._overrides, now)
            if keeper is not None and adopt:
                keeper.adopt(standing, now)
        self._keepers = {name: self._keepers[name] for name in services}
        self._pools.own({key: name for name, keeper in self._keepers.items() for key in keeper.keys})
        self._pools.keep({key: one for keeper in self._keepers.values() for key, one in keeper.desired.items()})
        self._note_drains(lambda: self._drains.keep({name: one.leaving for name, one in self._keepers.items()}))
        if any(keeper.leaving for keeper in self._keepers.values()):
            self._leaving.begin()

    def _adopt_late(self, now: Instant) -> None:
        """The engine has come: what the first configuration would have found there counts now."""
        if not self._unadopted:
            return
        self._unadopted = False
        standing, services = dict(self._pools.current), [keeper.service for keeper in self._keepers.values()]
        self._book.distrust(found_in(standing, services, self._overrides).out, now)
        self._take_foreign()
        self._keep({service.name: service for service in services}, standing, now, adopt=True)

    def _take_foreign(self) -> None:
        """lvs_flush: what others have in the kernel is ours to remove, and goes with the first table that we keep. Ours
        is adopted all the same: flushing it would reset its connections for nothing.
        """
        if self._defs.lvs_flush:
            self._pools.own({key: str(key) for key in self._pools.current})

    def _follow_addresses(self, services: t.Iterable[RunningService], now: Instant) -> None:
        """Know this machine's addresses while there is a service whose checks depend on them."""
        if any(service.ha_suspend for service in services):
            self._open_addresses(now)
        else:
            self._close_addresses()
        self._book.rest_services(suspended(services, self._addresses.holds), now)

    def _open_addresses(self, now: Instant) -> None:
        """Without them every address counts as held: what should rest is checked, which harms nobody."""
        if self._listening_again is not None:
            self._listening_again.cancel()
        self._listening_again = None
        try:
            self._addresses.open(self._addresses_changed, now)
        except OSError as error:
            self._listening_again = self._poller.call_at(now + _LISTEN_AGAIN, self._listen_again)
            if self._limit.allows("addresses", now):
                why = f"the addresses of this machine cannot be followed: {error.strerror or error}"
                self._say(LogLine("error", "mainstayd", f"{why}; ha_suspend rests no checks until they can"))

    def _listen_again(self, now: Instant) -> None:
        self._open_addresses(now)
        self._addresses_changed(now)

    def _close_addresses(self) -> None:
        if self._listening_again is not None:
            self._listening_again.cancel()
        self._listening_again = None
        self._addresses.close()

    def _addresses_changed(self, now: Instant) -> None:
        services = [keeper.service for keeper in self._keepers.values()]
        self._book.rest_services(suspended(services, self._addresses.holds), now)

    # ---- what comes in while it runs

    def _judged(self, check: SharedCheck, before: CheckHistory, outcome: ProbeOutcome, now: Instant) -> None:
        """A result came: every server that follows the check hears of it."""
        for service, server in check.followers:
            keeper = self._keepers.get(service)
            if keeper is not None:
                keeper.tell(server, check, before, outcome, now)

    def _note_drains(self, note: t.Callable[[], None]) -> None:
        """A drain is carried out all the same; only a new life would not know how long it has lasted."""
        try:
            note()
        except OSError as error:
            if self._limit.allows("drains", self._poller.now()):
                self._say(LogLine("warning", "mainstayd", f"how long drains last cannot be noted: {error}"))

    def _probe_was_late(self, waited: Duration) -> None:
        if self._limit.allows("late", self._poller.now()):
            had = f"one had to wait for {as_seconds(waited):.1f} s, longer than its delay_loop"
            remedy = "a larger delay_loop, a smaller connect_timeout or a higher LimitNOFILE helps"
            self._say(LogLine("warning", "mainstayd", f"too many checks hang at once: {had}; {remedy}"))

    def _take_results(self, arguments: Arguments, now: Instant) -> None:
        for check, before in self._book.take_results(arguments["results"], now):
            keeper = self._keepers.get(check.follower[0])
            if keeper is not None and before.health != check.history.health:
                keeper.judged(check.follower[1], check.history, now)

    def _take_orders(self, arguments: Arguments, now: Instant) -> None:
        """All orders that hold; those about servers that no service has are kept for when there is one."""
        self._overrides = {(one["service"], one["server"]): _override(one) for one in arguments["servers"]}
        for keeper in self._keepers.values():
            keeper.order(self._overrides, now)

    def _take_memory(self, arguments: Arguments, _now: Instant) -> None:
        """Counts for the first configuration of this life alone."""
        names = (name.partition(" ") for name in arguments["servers"])
        self._was_down = frozenset((service, server) for service, _space, server in names)

    def _take_served_by(self, arguments: Arguments, _now: Instant) -> None:
        """As was_down."""
        self._served_by = arguments["engine"]

    def _adjust(self, keeper: ServiceKeeper) -> None:
        for service in keeper.desired.values():
            self._pools.adjust(service)
        self._note_drains(lambda: self._drains.note(keeper.service.name, keeper.leaving))
        if keeper.leaving:
            self._leaving.begin()


def worker_with_descriptors(
    reactor: Poller, say: Say, former_timeouts: FormerTimeouts, drains: DrainDeadlines
) -> HealthWorker:
    """One for a process of its own: with as many descriptors as its probes may need."""
    descriptors = raise_open_files(PROBES_AT_ONCE + RESERVED_DESCRIPTORS)
    return HealthWorker(
        reactor, say, former_timeouts=former_timeouts, probes_at_once=slots_within(descriptors), drains=drains
    )


def build_tasks(check: Check, address: str, port: int) -> t.Sequence[ProbeTask]:
    """What to say to the target."""
    return check_tasks(check, address, port)


def _override(order: t.Mapping[str, t.Any]) -> Override:
    return Override(order["action"], order["weight"], order["by"], order["at"], order["reason"])
