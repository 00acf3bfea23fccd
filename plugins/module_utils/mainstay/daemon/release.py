# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Remove from the kernel what a daemon that did not end in order left there: `mainstay release`, the unit's
ExecStopPost.

Only what running.json names is touched: addresses with their interface and prefix length, routes and rules where they
have the protocol keepalived, macvlans with our mark, the packet filter table of accept: false, virtual services of the
data plane that was in use, and the threads of lvs_sync_daemon; lvs_timeouts are put back. What is gone already is no
complaint, so running it twice is harmless.

Workers that outlive a killed supervisor end in order by themselves, and hold the lock until they have. They are waited
for: with two of them that is over in seconds.

An address that the host has for good is never touched, even where the configuration lists it as virtual or static:
without it the host would be gone. What we put there has a lease, a static address one of 68 years. Only an instance
without a lease (vip_lease 0) leaves addresses without an end, and of those its owner's (priority 255), and the only
one of the interface that adverts leave from, are still the host's: nobody becomes master without another address to
send from.
"""

from __future__ import annotations

import time
import typing as t
from dataclasses import dataclass, field, replace

from ..lvs.keys import service_keys
from ..lvs.reconcile import operations
from ..lvs.table import ServiceKey
from ..model.config import Config, VrrpInstance
from ..model.defaults import RunningInstance, running_instances
from ..model.lvs_defaults import running_services
from ..model.problems import ConfigError
from ..model.routing import Route, Rule
from ..net import rtnl
from ..net.addresses import AddressProgram, LeasedAddress
from ..net.data_plane import DataPlaneAbsent, DataPlaneUnavailable
from ..net.ipvs_sync import SyncSettings
from ..net.routes import devices_of, interface_indexes
from ..net.routing_socket import RoutingOrders, route_entry, rule_entry
from ..net.rtnl_socket import OrderSocket
from ..vrrp.timers import OWNER_PRIORITY
from . import former_timeouts
from .configuration_files import read_configuration
from .health.engines import open_engine
from .health.loose_ends import left_after
from .leftover_devices import Outcome, remove_filter_table, remove_macvlans
from .leftover_sync import stop_sync
from .run_directory import RunDirectory, RunDirectoryBusy, RunDirectoryUnusable
from .sync_role import sync_settings
from .vrrp.routes import refusal

_PATIENCE = 5.0
"""Seconds until a living holder of the lock is not taken for one that is ending."""
_POLL_INTERVAL = 0.05  # seconds

Place = t.Tuple[t.Optional[str], str, int]
"""Interface, address, prefix length."""


@dataclass(frozen=True)
class Holdings:
    """What is ours in the kernel."""

    addresses: t.FrozenSet[Place] = frozenset()
    endless: t.FrozenSet[Place] = frozenset()
    """Those of them that we may hold without a lease; any other that has no lease is the host's own."""
    senders: t.FrozenSet[str] = frozenset()
    """Interfaces that adverts leave from."""
    services: t.FrozenSet[t.Tuple[str, ServiceKey]] = frozenset()
    """Data plane and service."""
    routes: t.FrozenSet[Route] = frozenset()
    rules: t.FrozenSet[Rule] = frozenset()
    macvlans: t.FrozenSet[str] = frozenset()
    """Names."""
    filters: bool = False
    """The packet filter table may be there."""
    sync: t.FrozenSet[SyncSettings] = frozenset()
    """Of lvs_sync_daemon."""

    def __sub__(self, other: Holdings) -> Holdings:
        return replace(
            self,
            addresses=self.addresses - other.addresses,
            services=self.services - other.services,
            routes=self.routes - other.routes,
            rules=self.rules - other.rules,
            macvlans=self.macvlans - other.macvlans,
            filters=self.filters and not other.filters,
            sync=self.sync - other.sync,
        )

    def __bool__(self) -> bool:
        routing = self.routes or self.rules
        return bool(self.addresses or self.services or routing or self.macvlans or self.filters or self.sync)


@dataclass(frozen=True)
class Report:
    """What a removal did."""

    removed: t.List[str] = field(default_factory=list)
    refused: t.List[str] = field(default_factory=list)
    remarks: t.List[str] = field(default_factory=list)
    """What else did not go as it should although nothing is left, as flows that live on."""

    def add(self, outcome: Outcome) -> None:
        """What else was done."""
        self.removed.extend(outcome.removed)
        self.refused.extend(outcome.refused)

    def sentences(self) -> t.List[str]:
        """All of it."""
        return self.removed + self.refused + self.remarks


def holdings(configs: t.Iterable[Config]) -> Holdings:
    """What daemons that run these configurations may hold."""
    addresses: t.Set[Place] = set()
    endless: t.Set[Place] = set()
    senders: t.Set[str] = set()
    services: t.Set[t.Tuple[str, ServiceKey]] = set()
    routes: t.Set[Route] = set()
    rules: t.Set[Rule] = set()
    running: t.List[RunningInstance] = []
    sync: t.Set[t.Optional[SyncSettings]] = set()
    for config in configs:
        addresses |= _static_places(config)
        routes.update(config.static_routes)
        rules.update(config.static_rules)
        for instance in config.vrrp_instances.values():
            places = _places(instance)
            addresses |= places
            endless |= places if instance.vip_lease == 0 and instance.priority != OWNER_PRIORITY else set()
            senders.add(instance.interface)
            routes.update(instance.virtual_routes)
            rules.update(instance.virtual_rules)
        running += running_instances(config).values()
        for service in running_services(config).values():
            services.update((config.global_defs.data_plane, key) for key in service_keys(service))
        sync.add(sync_settings(config))
    return Holdings(
        frozenset(addresses),
        frozenset(endless),
        frozenset(senders),
        frozenset(services),
        frozenset(routes),
        frozenset(rules),
        frozenset(one.carrier for one in running if one.use_vmac),
        any(one.use_vmac or one.guarded for one in running),
        frozenset(one for one in sync if one is not None),
    )


def _static_places(config: Config) -> t.Set[Place]:
    default = config.global_defs.default_interface
    return {(one.dev or default, one.address, one.prefix_length) for one in config.static_ipaddress}


def _places(instance: VrrpInstance) -> t.Set[Place]:
    addresses = (*instance.virtual_ipaddress, *instance.virtual_ipaddress_excluded)
    return {(instance.device_of(vip), vip.address, vip.prefix_length) for vip in addresses}


def remove(ours: Holdings) -> Report:
    """Take it out of the kernel of this network namespace."""
    report = Report()
    if ours.routes or ours.rules:  # before the addresses, which some of them name
        _remove_routing(ours, report)
    if ours.addresses:
        _remove_addresses(ours, report)
    outcomes = [remove_macvlans(ours.macvlans)] if ours.macvlans else []
    outcomes += [remove_filter_table()] if ours.filters else []  # after the addresses that it kept quiet
    outcomes += [stop_sync(ours.sync)] if ours.sync else []
    for outcome in outcomes:
        report.add(outcome)
    for plane in sorted({plane for plane, _key in ours.services}):
        _remove_services(plane, {key for name, key in ours.services if name == plane}, report)
    return report


def run_release(config_path: str, run_path: str, write: t.Callable[[str], object]) -> int:
    """The command: 0 when nothing of ours is left, else 1. `write` gets lines of text."""
    try:
        directory = _locked(run_path)
    except RunDirectoryUnusable as error:
        write(f"nothing was removed: {error}\n")
        return 1
    try:
        report = remove(holdings(_left_behind(directory, config_path, write)))
        report.add(former_timeouts.put_back(run_path))
        for sentence in report.sentences():
            write(sentence + "\n")
        if not report.refused:
            directory.forget_running()
        return 1 if report.refused else 0
    finally:
        directory.close()


def _locked(run_path: str) -> RunDirectory:
    """Raises RunDirectoryBusy when somebody still has the lock after the patience, and RunDirectoryUnusable."""
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            return RunDirectory(run_path)
        except RunDirectoryBusy:
            if time.monotonic() > deadline:
                raise
        time.sleep(_POLL_INTERVAL)


def _left_behind(directory: RunDirectory, config_path: str, write: t.Callable[[str], object]) -> t.List[Config]:
    """From running.json; the configuration itself stands in when that file is damaged."""
    try:
        return directory.read_running()
    except (OSError, ValueError, ConfigError) as error:
        write(f"running.json cannot be used ({error}); taking {config_path} instead\n")
    try:
        return [read_configuration(config_path)]
    except ConfigError as error:
        write(f"{error}\n")
        return []


def _remove_addresses(ours: Holdings, report: Report) -> None:
    try:
        orders = OrderSocket()
    except OSError as error:
        report.refused.append(f"virtual addresses stay: no netlink socket ({error.strerror})")
        return
    try:
        leased = _held(orders, ours)
        complaints = AddressProgram(orders, leased, 0).release()
        remaining = {one.key for one in _held(orders, ours)}
    except OSError as error:
        report.refused.append(f"virtual addresses stay: {error}")
        return
    finally:
        orders.close()
    report.removed.extend(f"removed {one} from {one.device}" for one in leased if one.key not in remaining)
    report.refused.extend(complaints)


def _remove_routing(ours: Holdings, report: Report) -> None:
    present = interface_indexes()
    # A route through an interface that is gone went with it.
    routes = [route for route in ours.routes if devices_of(route) <= set(present)]
    entries = [rule_entry(rule) for rule in ours.rules]
    entries += [route_entry(route, present.__getitem__) for route in routes]
    try:
        orders = RoutingOrders()
    except OSError as error:
        report.refused.append(f"routes and rules stay: no netlink socket ({error.strerror})")
        return
    try:
        outcome = orders.remove(sorted(entries, key=lambda entry: entry.text))
    finally:
        orders.close()
    report.removed.extend(f"removed {entry.text}" for entry in outcome.done)
    report.refused.extend(refusal(entry, answer, "removed") for entry, answer in outcome.refused)


def _held(orders: OrderSocket, ours: Holdings) -> t.List[LeasedAddress]:
    """Those of our addresses that the kernel has, with the index of their interface."""
    names = {link.index: link.name for link in orders.dump(rtnl.RTM_GETLINK) if isinstance(link, rtnl.Link)}
    held = [one for one in orders.dump(rtnl.RTM_GETADDR) if isinstance(one, rtnl.HeldAddress)]
    return [LeasedAddress(one.key, names[one.key.index]) for one in removable(held, names, ours)]


def removable(
    held: t.Sequence[rtnl.HeldAddress], names: t.Mapping[int, str], ours: Holdings
) -> t.List[rtnl.HeldAddress]:
    """What of the kernel's addresses is ours to remove; `names` of the links by index."""
    listed = [one for one in held if _place(one, names) in ours.addresses]
    others = {(one.key.index, one.key.family) for one in held if one not in listed}

    def is_spare(one: rtnl.HeldAddress) -> bool:
        """The host can do without: adverts do not leave from there, or it has another address of that family."""
        return names[one.key.index] not in ours.senders or (one.key.index, one.key.family) in others

    return [
        one for one in listed if one.valid_seconds is not None or (_place(one, names) in ours.endless and is_spare(one))
    ]


def _place(held: rtnl.HeldAddress, names: t.Mapping[int, str]) -> Place:
    return names.get(held.key.index), held.key.address, held.key.prefix_length


def _remove_services(plane: str, keys: t.Set[ServiceKey], report: Report) -> None:
    try:
        engine = open_engine(plane)
    except DataPlaneAbsent:
        return
    except DataPlaneUnavailable as error:
        report.refused.append(f"virtual services stay in {plane}: {error}")
        return
    try:
        before = engine.read()
        refusals = engine.apply(operations(before, {}, keys))
        after = engine.read()
        left = left_after(engine)
    except DataPlaneUnavailable as error:
        report.refused.append(f"virtual services stay in {plane}: {error}")
        return
    finally:
        engine.close()
    gone = sorted(keys & (set(before) - set(after)))
    report.removed.extend(f"removed virtual service {key} from {plane}" for key in gone)
    report.refused.extend(refusal.reason for refusal in refusals)
    report.remarks.extend([] if left is None else [str(left)])
