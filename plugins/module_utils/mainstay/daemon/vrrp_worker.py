# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The vrrp worker: every virtual router of this machine, in one thread that does nothing else.

It owns what the routers share (the order socket, the mirror of links, one port for each interface), and gives each
virtual router a runner. A reload compares instance by instance, by what makes it the same virtual router to its
peers: interface, virtual_router_id and version. What is equal is not touched, what left or moved is stopped and
started, everything else goes on under its new settings, and be it under a new name.

The first configuration waits until the kernel has been read: whoever starts on a guess finds no interface and cannot
see that its addresses are still there under an unexpired lease.
"""

from __future__ import annotations

import os
import typing as t

from ..model.config import Config, VrrpInstance
from ..model.units import NANOSECONDS_PER_MILLISECOND, Instant, seconds
from ..net.links import LinkMirror
from ..net.polling import Poller
from ..net.rtnl_socket import ListenerSocket, OrderSocket
from ..net.standing import standing_of
from ..vrrp.timers import OWNER_PRIORITY
from .log_limit import LogLimit
from .vrrp_instance_runner import InstanceRunner, Kernel
from .vrrp_port import VrrpPort
from .vrrp_status import vrrp_status
from .worker import LogLine, Say

# After a reload a new instance must not mistake for the host's own what another has just released.
_PATIENCE = 100 * NANOSECONDS_PER_MILLISECOND
# Where links come and go without end, notifications are lost again and again.
_PERIOD = seconds(60)


class VrrpWorker:
    """Implements daemon/worker.Worker for vrrp_instances."""

    def __init__(self, reactor: Poller, say: Say) -> None:
        """Raises OSError when the kernel gives no netlink socket."""
        self._poller = reactor
        self._say = say
        self._orders = OrderSocket()
        self._mirror = LinkMirror(reactor, self._orders, ListenerSocket(), self._links_changed)
        self._kernel = Kernel(reactor, self._orders, self._mirror)
        self._ports: t.Dict[str, VrrpPort] = {}
        self._runners: t.Dict[str, InstanceRunner] = {}
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
            wanted, self._waiting = self._waiting.vrrp_instances, None
            first, self._started = not self._started, True
            self._run(wanted, now, may_adopt=first)

    def _run(self, wanted: t.Mapping[str, VrrpInstance], now: Instant, may_adopt: bool) -> None:
        self._virtual = _virtual_addresses(wanted.values())
        self._stop_all_but(wanted, now)
        self._open_ports(wanted)
        self._change(wanted, now)
        # A new instance has to see what the others have just let go.
        self._mirror.catch_up(now, _PATIENCE)
        self._start(wanted, now, may_adopt)
        for runner in self._runners.values():
            runner.look(now)  # another list of virtual addresses may have changed what can be a source
        self._close_idle_ports()

    def status(self, now: Instant) -> t.Dict[str, object]:
        """The "vrrp" section of the status answer."""
        return vrrp_status(self._runners, _is_real_time(), now)

    def stop(self, now: Instant) -> None:
        """Every master says so with priority 0 and gives its addresses back."""
        self._stop_all_but({}, now)
        self._close_idle_ports()
        if self._opened:
            self._mirror.close()
        self._orders.close()

    # ---- what a configuration changes

    def _stop_all_but(self, wanted: t.Mapping[str, VrrpInstance], now: Instant) -> None:
        names = {_identity(instance): name for name, instance in wanted.items()}
        present, self._runners = self._runners, {}
        for runner in present.values():
            name = names.get(_identity(runner.instance))
            if name is None:
                runner.stop(now)
            else:
                self._runners[name] = runner

    def _change(self, wanted: t.Mapping[str, VrrpInstance], now: Instant) -> None:
        changed = {name: runner for name, runner in self._runners.items() if runner.instance != wanted[name]}
        for name, runner in changed.items():
            runner.adopt_settings(wanted[name])
        holders = [runner.addresses for runner in self._runners.values() if runner.addresses.taken]
        kept = {leased.key for addresses in holders for leased in addresses.addresses}
        for runner in changed.values():
            runner.addresses.let_go(kept)
        for runner in changed.values():
            runner.go_on(now)

    def _start(self, wanted: t.Mapping[str, VrrpInstance], now: Instant, may_adopt: bool) -> None:
        for name, instance in wanted.items():
            if name not in self._runners:
                runner = InstanceRunner(instance, self._kernel, self._ports[instance.interface], self._say)
                self._runners[name] = runner
                runner.start(now, may_adopt)

    def _open_ports(self, wanted: t.Mapping[str, VrrpInstance]) -> None:
        for instance in wanted.values():
            if instance.interface not in self._ports:
                self._ports[instance.interface] = self._port(instance.interface)
        for port in self._ports.values():
            self._settle(port)

    def _port(self, device: str) -> VrrpPort:
        return VrrpPort(self._poller, device, self._say, self._links_changed)

    def _close_idle_ports(self) -> None:
        for device, port in list(self._ports.items()):
            if not port.in_use:
                port.close()
                del self._ports[device]

    # ---- what the kernel changes

    def _links_changed(self, names: t.FrozenSet[str], now: Instant) -> None:
        if not self._started:
            self._run_waiting(now)
        for port in self._ports.values():
            if port.device in names:
                self._settle(port)
        for runner in self._runners.values():
            if not names.isdisjoint(runner.devices):
                runner.look(now)
        self._tell_mirror(now)

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
        port.settle(standing_of(self._mirror, port.device, self._virtual, present))


def _identity(instance: VrrpInstance) -> t.Tuple[str, int, int]:
    """What makes it the same virtual router to its peers."""
    return instance.interface, instance.virtual_router_id, instance.version


def _virtual_addresses(instances: t.Iterable[VrrpInstance]) -> t.FrozenSet[str]:
    """Addresses that come and go, and so cannot be a source; an owner's are its interface's own."""
    return frozenset(
        virtual.address
        for instance in instances
        for virtual in instance.virtual_ipaddress
        if instance.priority != OWNER_PRIORITY
    )


def _is_real_time() -> bool:
    return os.sched_getscheduler(0) in (os.SCHED_RR, os.SCHED_FIFO)
