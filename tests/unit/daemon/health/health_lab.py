# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A health worker on a scripted clock, with servers and kernel that do what the test says."""

from __future__ import annotations

import typing as t
from collections import Counter

from mainstay.daemon.drain_deadlines import DrainDeadlines
from mainstay.daemon.health.probe_slots import PROBES_AT_ONCE
from mainstay.daemon.health.worker import HealthWorker
from mainstay.daemon.worker import Happening, LogLine, Saying
from mainstay.lvs.effects import NotApplicable, apply_operation, operation_service
from mainstay.lvs.operations import Operation
from mainstay.lvs.table import Destination, DestinationKey, Service, ServiceKey, Table
from mainstay.model.check_config import Check, HttpCheck
from mainstay.model.config import Config, GlobalDefs
from mainstay.model.lvs_config import RealServer, VirtualServer, VirtualServerGroup
from mainstay.model.units import NANOSECONDS_PER_MILLISECOND, Duration, seconds
from mainstay.net.data_plane import (
    CountersUnavailable,
    Counting,
    DataPlaneUnavailable,
    DestinationCounters,
    Refusal,
    Unfinished,
)
from mainstay.net.polling import Poller, Timer
from mainstay.net.probe_run import Done
from mainstay.probes.outcome import ProbeOutcome
from mainstay.probes.task import ProbeTask
from mainstay.probes.verdict import Verdict

from ...scripted_poller import ScriptedPoller

LATENCY = NANOSECONDS_PER_MILLISECOND
UP = Verdict(True, "HTTP 200")
REFUSED = Verdict(False, "connection refused")
SHORTAGE = ProbeOutcome(Verdict(False, "this process has no file descriptors left"), ran=False)

WEB = ServiceKey("TCP", "192.0.2.10", 80)
ONE, TWO = "192.0.2.21", "192.0.2.22"
CHECK = HttpCheck(retry=1, delay_before_retry=seconds(1))


class FakeDataPlane:
    """A kernel as a value. Everything done to it is written down; anything can be refused or missing."""

    def __init__(self) -> None:
        self.table: Table = {}
        self.missing = ""
        """Why the engine is not there; empty when it is."""
        self.unreadable = ""
        """What reading fails with; empty when it works."""
        self.refuse: t.Callable[[Operation], str] = lambda _operation: ""
        self.unfinished = ""
        """What is missing after every edit; empty when edits are complete."""
        self.left: set[ServiceKey] = set()
        """Services with edits that are not complete."""
        self.finished: list[set[ServiceKey]] = []
        """What was finished in each go."""
        self.applied: list[Operation] = []
        self.reads = 0
        self.counted = 0
        """How often the connections were counted."""
        self.uncounted = ""
        """Why connections cannot be counted; empty when they can."""
        self.connections: dict[str, tuple[int, int]] = {}
        """Address of a real server -> its active and inactive connections; others have 3 and 7."""
        self.is_open = False

    def open(self) -> FakeDataPlane:
        self._check_presence()
        self.is_open = True
        return self

    def read(self, keys: t.Collection[ServiceKey] | None = None) -> Table:
        self._check_presence()
        if self.unreadable:
            raise DataPlaneUnavailable(self.unreadable)
        self.reads += 1
        return {key: service for key, service in self.table.items() if keys is None or key in keys}

    def parts(self) -> t.Iterator[Table]:
        for key, service in self.read().items():
            yield {key: service}

    def flush(self) -> None:
        self._check_presence()
        self.table = {}

    def apply(self, operations: t.Sequence[Operation]) -> list[Refusal]:
        self._check_presence()
        refusals = []
        for operation in operations:
            reason = self.refuse(operation)
            if not reason:
                try:
                    self.table = apply_operation(self.table, operation)
                    self.applied.append(operation)
                except NotApplicable as wrong:
                    reason = str(wrong)
            if reason:
                refusals.append(Refusal(operation, reason))
        self.left |= {operation_service(operation) for operation in operations}
        return refusals

    def finish(self) -> t.Generator[None, None, None]:
        while self.left:
            if self.unfinished:
                raise Unfinished(self.unfinished, self.left)
            self.finished.append(self.left)
            self.left = set()
            yield

    def counters(self) -> Counting:
        self._check_presence()
        self.counted += 1
        if self.uncounted:
            raise CountersUnavailable(self.uncounted)
        yield {
            (key, place): DestinationCounters(*self.connections.get(place.address, (3, 7)))
            for key, service in self.table.items()
            for place in service.destinations
        }

    def close(self) -> None:
        self.is_open = False

    def _check_presence(self) -> None:
        if self.missing:
            raise DataPlaneUnavailable(self.missing)

    def pool(self, key: ServiceKey = WEB) -> dict[str, int]:
        """Address -> weight of one service's pool."""
        return {place.address: server.weight for place, server in self.table[key].destinations.items()}


class ScriptedRun:
    """A probe whose answer was decided before it was sent."""

    def __init__(self, poller: Poller, outcome: ProbeOutcome, done: Done, latency: Duration = LATENCY) -> None:
        self._timer: Timer = poller.call_at(poller.now() + latency, lambda _now: done(outcome))

    def cancel(self) -> None:
        self._timer.cancel()


class HealthLab:
    """One worker, two engines, and as many servers as are configured."""

    def __init__(self, probes_at_once: int = PROBES_AT_ONCE) -> None:
        self.poller = ScriptedPoller()
        self._probes_at_once = probes_at_once
        self.run_directory: str | None = None
        """Where a worker notes what the one after it should know; None: nowhere."""
        self.ipvs, self.nftables = FakeDataPlane(), FakeDataPlane()
        self.answers: dict[str, Verdict | ProbeOutcome] = {}
        """Address -> what its probes say; others are up."""
        self.silent: set[str] = set()
        """Addresses whose probes fail when their time is over."""
        self.probes: list[tuple[int, str]] = []
        """Instant and address of every probe started."""
        self.sayings: list[Saying] = []
        self.opened: list[int] = []
        """Instants at which an engine was opened, or could not be."""
        self.addresses = ScriptedAddresses()
        self.worker = self.new_worker()

    def new_worker(self) -> HealthWorker:
        """A fresh process on the same kernel."""
        engines = {"ipvs": self.ipvs, "nftables": self.nftables}

        def open_engine(name: str) -> FakeDataPlane:
            self.opened.append(self.poller.now())
            return engines[name].open()

        return HealthWorker(
            self.poller,
            self.sayings.append,
            open_engine,
            self._run_check,
            addresses=self.addresses,
            probes_at_once=self._probes_at_once,
            drains=DrainDeadlines(self.run_directory),
        )

    def worker_dies(self) -> None:
        """Nothing of it goes on, and a new one stands on the same kernel at the same time."""
        self.poller = ScriptedPoller(self.poller.now())
        self.worker = self.new_worker()

    def configure(
        self, *services: VirtualServer, groups: t.Sequence[VirtualServerGroup] = (), **global_defs: t.Any
    ) -> None:
        config = Config(
            GlobalDefs(**global_defs),
            virtual_servers={one.name: one for one in services},
            virtual_server_groups={one.name: one for one in groups},
        )
        self.worker.configure(config, self.poller.now())

    def tell(self, verb: str, **arguments: t.Any) -> None:
        """What the supervisor tells the worker."""
        self.worker.tell(verb, arguments, self.poller.now())

    def order(self, *orders: dict[str, t.Any]) -> None:
        """The operators' orders from now on; what a story does not say has a usual value."""
        usual = {"service": "web", "weight": None, "by": "anna", "at": "2026-11-22T10:00:00+01:00", "reason": "work"}
        self.tell("overrides", servers=[{**usual, **one} for one in orders])

    def run(self, duration: float) -> None:
        """Let `duration` seconds pass."""
        self.poller.run_for(seconds(duration))

    def probes_of(self, address: str) -> list[int]:
        return [instant for instant, probed in self.probes if probed == address]

    @property
    def lines(self) -> list[LogLine]:
        return [one for one in self.sayings if isinstance(one, LogLine)]

    def happenings(self, kind: str = "") -> list[tuple[str, str]]:
        """Name and event of everything that happened to services (VS) or servers (RS), in order."""
        found = [one for one in self.sayings if isinstance(one, Happening)]
        return [(one.name, one.event) for one in found if kind in ("", one.kind)]

    def last_happening(self, name: str) -> Happening:
        return [one for one in self.sayings if isinstance(one, Happening) and one.name == name][-1]

    def said(self, part: str) -> list[str]:
        """Log lines that contain `part`, as the journal shows them."""
        lines = [f"{line.level}: {line.subject}: {line.message}" for line in self.lines]
        return [line for line in lines if part in line]

    def repeated(self) -> list[LogLine]:
        return [line for line, times in Counter(self.lines).items() if times > 1]

    def status(self) -> dict[str, t.Any]:
        return self.worker.status(self.poller.now())

    def servers(self, name: str = "web") -> dict[str, dict[str, t.Any]]:
        """The status of one service's real servers by address."""
        return {one["address"]: one for one in self.status()["virtual_servers"][name]["real_servers"]}

    def _run_check(
        self, poller: Poller, tasks: t.Sequence[ProbeTask], timeout: Duration, done: Done
    ) -> ScriptedRun:
        address = tasks[0].address
        self.probes.append((poller.now(), address))
        if address in self.silent:
            return ScriptedRun(poller, ProbeOutcome(Verdict(False, "no connection")), done, timeout)
        answer = self.answers.get(address, UP)
        outcome = ProbeOutcome(answer) if isinstance(answer, Verdict) else answer
        return ScriptedRun(poller, outcome, done)


class ScriptedAddresses:
    """The addresses of this machine, as the story moves them."""

    def __init__(self) -> None:
        self.held = {WEB.address}
        self.failure = ""
        """Why they cannot be followed; empty when they can."""
        self._changed: t.Callable[[int], None] | None = None

    @property
    def is_open(self) -> bool:
        return self._changed is not None

    def holds(self, address: str) -> bool:
        return address in self.held

    def open(self, changed: t.Callable[[int], None], _now: int) -> None:
        if self.failure:
            raise OSError(24, self.failure)
        self._changed = self._changed or changed

    def close(self) -> None:
        self._changed = None

    def become(self, held: set[str], now: int) -> None:
        """The machine holds exactly these from now on."""
        self.held = held
        if self._changed is not None:
            self._changed(now)


def real(address: str, *checks: Check, **more: t.Any) -> RealServer:
    """One server of a pool; with the usual check when the story names none."""
    return RealServer(address=address, **{"port": 80, "checks": checks or (CHECK,), **more})


def unchecked(address: str, **more: t.Any) -> RealServer:
    return RealServer(address=address, port=80, **more)


def hand_made(key: ServiceKey, *addresses: str, weight: int = 1) -> Service:
    """An entry that somebody, or a former daemon, put into the kernel."""
    places = [DestinationKey(address, 80) for address in addresses]
    return Service(key, "wlc", destinations={place: Destination(place, "NAT", weight) for place in places})


def web(*addresses: str, **more: t.Any) -> VirtualServer:
    """The service of most stories: every server with an HTTP check."""
    servers = more.pop("real_servers", tuple(real(address) for address in addresses))
    defaults: dict[str, t.Any] = {"name": "web", "address": WEB.address, "port": WEB.port, "protocol": "TCP"}
    return VirtualServer(**{**defaults, "delay_loop": seconds(6), "real_servers": servers, **more})
