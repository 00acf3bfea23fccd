# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The vrrp worker: every virtual router of this machine, in one thread that does nothing else.

It owns what the routers share (the order socket, the mirror of links, one port for each interface), and gives each
virtual router a runner. A reload compares instance by instance, by what makes it the same virtual router to its
peers: interface, virtual_router_id and version. What is equal is not touched, what left or moved is stopped and
started, everything else goes on under its new settings, and be it under a new name.

The first configuration waits until the kernel has been read: whoever starts on a guess finds no interface and cannot
see that its addresses are still there under an unexpired lease. Members of a sync group adopt all together or not at
all.

What instances track is weighed whenever a result or the configuration changes; an instance hears of it only when that
comes to another priority or another cause of FAULT.
"""

from __future__ import annotations

import functools
import os
import time
import typing as t

from ...model.config import Config
from ...model.defaults import RunningInstance, running_instances
from ...model.units import NANOSECONDS_PER_MILLISECOND, Instant, seconds
from ...net.links import LinkMirror
from ...net.polling import Poller
from ...net.rtnl_socket import ListenerSocket, OrderSocket
from ...net.standing import standing_of
from ...vrrp.timers import OWNER_PRIORITY
from ...vrrp.tracking import Assessment
from ..log_limit import LogLimit
from ..worker import Arguments, LogLine, Say
from ..worker_process import BuildWorker
from .bfd import BfdSessions
from .explain import explanation
from .groups import Groups, groups_by_member
from .guard import AcceptGuard
from .instance_runner import InstanceRunner
from .kernel import Kernel
from .macvlans import Macvlans
from .pacing import AnnouncementPacing
from .port import PortKey, VrrpPort, identity, port_key
from .routing_claims import SharedRouting
from .secondaries import PromotedSecondaries
from .starting import Starting
from .startup_delay import boot_instant, hold_until
from .static_network import StaticNetwork
from .status import vrrp_status
from .strangers import Strangers
from .tracking import BFD, Result, TrackingBook

# After a reload a new instance must not mistake for the host's own what another has just released.
_PATIENCE = 100 * NANOSECONDS_PER_MILLISECOND
# Where links come and go without end, notifications are lost again and again.
_PERIOD = seconds(60)


class VrrpWorker:
    """Implements daemon/worker.Worker for vrrp_instances."""

    def __init__(self, reactor: Poller, say: Say, daemon_started: Instant = 0) -> None:
        """`daemon_started`: its startup delay counts from then on. Raises OSError when there is no netlink socket."""
        self._poller = reactor
        self._say = say
        self._orders = OrderSocket()
        self._mirror = LinkMirror(reactor, self._orders, ListenerSocket(), self._links_changed)
        self._pacing = AnnouncementPacing(reactor)
        self._routing = SharedRouting(reactor, self._look_at_routes)
        self._static = StaticNetwork(self._orders, self._mirror, self._routing, say)
        self._guard = AcceptGuard(reactor, say, self._look_at_everybody)
        self._macvlans = Macvlans(self._orders, self._mirror, self._guard, say)
        shared = self._pacing, self._routing, self._guard, self._macvlans
        self._kernel = Kernel(reactor, self._orders, self._mirror, *shared)
        self._ports: t.Dict[PortKey, VrrpPort] = {}
        self._runners: t.Dict[str, InstanceRunner] = {}
        self._groups = Groups(say)
        self._starting = Starting(reactor, self._groups)
        self._tracking = TrackingBook(self._mirror)
        self._secondaries = PromotedSecondaries(self._orders, self._mirror, say)
        self._strangers = Strangers(reactor)
        self._bfd = BfdSessions(reactor, self._strangers, say, functools.partial(self.note, BFD))
        self._config = Config()
        self._demoted: t.FrozenSet[str] = frozenset()
        self._daemon_started = daemon_started
        self._virtual: t.FrozenSet[str] = frozenset()
        self._limit = LogLimit(_PERIOD)
        self._overruns_told = 0
        self._waiting: t.Optional[Config] = None
        self._opened = False
        self._started = False

    def configure(self, config: Config, now: Instant) -> None:
        """Run these instances; the first call adopts what the kernel still holds for us."""
        self._waiting = config
        if not self._opened:
            self._opened = True
            self._mirror.open(now)
        self._run_waiting(now)
        self._tell_mirror(now)

    def _run_waiting(self, now: Instant) -> None:
        if self._waiting is not None and self._mirror.known:
            self._config, self._waiting = self._waiting, None
            self._pacing.follow(self._config)
            first, self._started = not self._started, True
            self._run(self._config, now, may_adopt=first)

    def _run(self, config: Config, now: Instant, may_adopt: bool) -> None:
        self._starting.finish(now)
        wanted = running_instances(config)
        self._static.configure(config, now)
        self._mirror.catch_up(now, _PATIENCE)  # what is always there may be what adverts are sent from
        self._virtual = _virtual_addresses(wanted.values())
        self._tracking.configure(config, now)
        self._secondaries.want(frozenset(one.interface for one in wanted.values() if one.promote_secondaries))
        staying = self._staying(wanted)
        self._groups.loosen(config.vrrp_sync_groups, staying)
        self._stop_all_but(staying, wanted, now)
        self._open_ports(wanted)
        self._macvlans.want(wanted.values())
        self._mirror.catch_up(now, _PATIENCE)  # addresses are placed on them
        self._change(wanted, now)
        self._macvlans.drop()
        # A new instance has to see what the others have just let go.
        self._mirror.catch_up(now, _PATIENCE)
        fresh = self._build(wanted)
        self._groups.compose(config.vrrp_sync_groups, self._runners)
        self._start(fresh, now, may_adopt)
        self._groups.settle(now)
        self._bfd.configure(config.bfd_instances, now)
        self._weigh(now)
        for runner in self._runners.values():
            runner.look(now)  # another list of virtual addresses may have changed what can be a source
        self._close_idle_ports()

    def status(self, now: Instant) -> t.Dict[str, object]:
        """The "vrrp" section of the status answer."""
        ports = self._ports.values()
        told = vrrp_status(self._runners, self._groups.runners, self._tracking, ports, _is_real_time(), now)
        return {**told, "static": self._static.status(), "bfd_instances": self._bfd.status()}

    def tell(self, verb: str, arguments: Arguments, now: Instant) -> None:
        """Results of trackers ("tracked") and demotions ("demoted"), each the whole of it."""
        _TOLD[verb](self, arguments, now)

    def ask(self, verb: str, arguments: Arguments, now: Instant) -> t.Dict[str, object]:
        """Answer "explain": why an instance is in its state, and what would change it."""
        if verb != "explain":
            return {"ok": False, "error": f"the vrrp worker cannot answer {verb}"}
        runner = self._runners.get(str(arguments.get("instance")))
        if runner is None:
            known = ", ".join(sorted(self._runners)) or "none"
            return {"ok": False, "error": f"there is no vrrp_instance {arguments.get('instance')}; there are {known}"}
        return explanation(runner, self._groups.runners, self._tracking, now)

    def note(self, kind: str, name: str, outcome: Result, why: str, now: Instant) -> None:
        """A result that this worker found out by itself (BFD)."""
        if self._tracking.findings.note(kind, name, outcome, why, now):
            self._weigh(now)

    def stop(self, now: Instant) -> None:
        """Every master says so with priority 0 and gives its addresses back."""
        self._starting.finish(now)
        self._stop_all_but({}, self._runners, now)
        self._macvlans.stop()
        self._guard.close()
        self._bfd.stop(now)
        self._secondaries.want(frozenset())
        self._close_idle_ports()
        self._static.stop()
        self._routing.close()
        if self._opened:
            self._mirror.close()
        self._orders.close()

    # ---- what a configuration changes

    def _staying(self, wanted: t.Mapping[str, RunningInstance]) -> t.Dict[str, InstanceRunner]:
        """Those that stay the same virtual routers, by the names that they will have."""
        names = {identity(instance): name for name, instance in wanted.items()}
        present = {names.get(identity(runner.instance)): runner for runner in self._runners.values()}
        return {name: runner for name, runner in present.items() if name is not None}

    def _stop_all_but(self, staying: t.Mapping[str, InstanceRunner], wanted: t.Container[str], now: Instant) -> None:
        present, self._runners = self._runners, dict(staying)
        for name, runner in present.items():
            if runner not in staying.values():
                runner.stop(now, dropped=name not in wanted)

    def _change(self, wanted: t.Mapping[str, RunningInstance], now: Instant) -> None:
        members = groups_by_member(self._config.vrrp_sync_groups.values())
        changed = {
            name: runner
            for name, runner in self._runners.items()
            if runner.instance != wanted[name] or runner.in_group != (name in members)
        }
        for name, runner in changed.items():
            runner.move_to(self._ports[port_key(wanted[name])])
            runner.adopt_settings(wanted[name], name in members)
        holders = [runner.addresses for runner in self._runners.values() if runner.addresses.taken]
        kept = {leased.place for addresses in holders for leased in addresses.addresses}
        for runner in changed.values():
            runner.addresses.let_go(kept)
        for name, runner in changed.items():
            runner.go_on(self._assessment(name, wanted[name].priority), now)

    def _build(self, wanted: t.Mapping[str, RunningInstance]) -> t.List[InstanceRunner]:
        """Runners for what is new."""
        members = groups_by_member(self._config.vrrp_sync_groups.values())
        fresh = {name: instance for name, instance in wanted.items() if name not in self._runners}
        for name, instance in fresh.items():
            port = self._ports[port_key(instance)]
            self._runners[name] = InstanceRunner(instance, self._kernel, port, self._say, name in members)
        return [self._runners[name] for name in fresh]

    def _start(self, fresh: t.Sequence[InstanceRunner], now: Instant, may_adopt: bool) -> None:
        for runner in fresh:
            runner.make_ready(now)
            self._influence(runner, now)
        held = hold_until(self._config.global_defs, self._daemon_started, boot_instant())
        self._starting.begin(fresh, may_adopt, held if held > now else None, now)

    def _open_ports(self, wanted: t.Mapping[str, RunningInstance]) -> None:
        for key in {port_key(instance) for instance in wanted.values()} - set(self._ports):
            self._ports[key] = self._port(key)
        for port in self._ports.values():
            self._settle(port)

    def _port(self, key: PortKey) -> VrrpPort:
        """Several ports of one interface and family may hear the same datagram."""

        def known_elsewhere(virtual_router_id: int) -> bool:
            place = key.device, key.wanted.family
            others = (one for other, one in self._ports.items() if other != key)
            return any(one.serves(virtual_router_id) for one in others if (one.device, one.key.wanted.family) == place)

        return VrrpPort(self._poller, self._strangers, key, self._say, self._links_changed, known_elsewhere)

    def _close_idle_ports(self) -> None:
        for key, port in list(self._ports.items()):
            if not port.in_use:
                port.close()
                del self._ports[key]

    # ---- what is tracked

    def _weigh(self, now: Instant) -> None:
        for runner in self._runners.values():
            self._influence(runner, now)
        self._starting.results_came(now)

    def _influence(self, runner: InstanceRunner, now: Instant) -> None:
        name = runner.instance.name
        runner.influence(self._assessment(name, runner.instance.priority), name in self._demoted, now)

    def _assessment(self, name: str, priority: int) -> Assessment:
        return self._tracking.assess(name, priority)

    def _hear_results(self, arguments: Arguments, now: Instant) -> None:
        if self._tracking.findings.tell(arguments["results"], now):
            self._weigh(now)

    def _hear_demotions(self, arguments: Arguments, now: Instant) -> None:
        self._demoted = frozenset(arguments["instances"])
        self._weigh(now)

    # ---- what the kernel changes

    def _links_changed(self, names: t.FrozenSet[str], now: Instant) -> None:
        if not self._started:
            self._run_waiting(now)
        self._static.look(now)
        self._routing.look_soon()
        self._secondaries.look(names)
        if self._macvlans.look(names):
            self._look_at_everybody(now)
        for port in self._ports.values():
            if port.device in names:
                self._settle(port)
        if self._tracking.findings.look(names, now):
            self._weigh(now)
        for runner in self._runners.values():
            if not names.isdisjoint(runner.devices):
                runner.look(now)
        self._tell_mirror(now)

    def _look_at_everybody(self, now: Instant) -> None:
        for runner in self._runners.values():
            runner.look(now)

    def _look_at_routes(self, now: Instant) -> None:
        for runner in self._runners.values():
            runner.possessions.look_at_routes(now)
        self._static.look_at_routes(now)

    def _tell_mirror(self, now: Instant) -> None:
        problem = self._mirror.problem
        if problem:
            self._warn("unread", f"links and addresses cannot be read: {problem}; tried again every 0.1 s", now)
        elif self._mirror.overruns > self._overruns_told:
            self._overruns_told = self._mirror.overruns
            self._warn("lost", "notifications of the kernel were lost; links and addresses are read anew", now)

    def _warn(self, kind: str, message: str, now: Instant) -> None:
        if self._limit.allows(kind, now):
            self._say(LogLine("warning", "vrrp worker", message))

    def _settle(self, port: VrrpPort) -> None:
        present = port.standing.source
        port.settle(standing_of(self._mirror, port.device, self._virtual, present, port.key.wanted))


def _virtual_addresses(instances: t.Iterable[RunningInstance]) -> t.FrozenSet[str]:
    """Addresses that come and go, and so cannot be a source; an owner's are its interface's own."""
    return frozenset(
        virtual.address
        for instance in instances
        for virtual in (*instance.virtual_ipaddress, *instance.virtual_ipaddress_excluded)
        if instance.priority != OWNER_PRIORITY
    )


def _is_real_time() -> bool:
    return os.sched_getscheduler(0) in (os.SCHED_RR, os.SCHED_FIFO)


def worker_of_a_daemon_that_starts_now() -> BuildWorker:
    """How it builds its vrrp workers: the first one, and those that follow a death."""
    started = time.monotonic_ns()
    return lambda reactor, say: VrrpWorker(reactor, say, started)


_TOLD: t.Mapping[str, t.Callable[[VrrpWorker, Arguments, Instant], None]] = {
    "tracked": VrrpWorker._hear_results,
    "demoted": VrrpWorker._hear_demotions,
}
