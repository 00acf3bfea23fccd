# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The vrrp worker's section of the status answer."""

from __future__ import annotations

import os
import typing as t

from ...model.defaults import RunningInstance
from ...model.units import Instant, as_seconds
from ...vrrp.actions import State
from ...vrrp.conflicts import address_text
from ..wall_clock import wall_clock
from .discards import Discards, merged
from .groups import GroupRunner
from .instance_runner import InstanceRunner
from .port import VrrpPort
from .statistics import error_statistics, instance_statistics
from .tracking import TrackingBook


def vrrp_status(
    runners: t.Mapping[str, InstanceRunner],
    groups: t.Mapping[str, GroupRunner],
    tracking: TrackingBook,
    ports: t.Collection[VrrpPort],
    real_time: bool,
    now: Instant,
) -> t.Dict[str, object]:
    """JSON-able, in the shape the command line and the modules expect."""
    return {
        "alive": True,
        "pid": os.getpid(),
        "as_of": now,
        "real_time": real_time,
        "groups": {name: _group_status(group, tracking) for name, group in sorted(groups.items())},
        "instances": {name: instance_status(runner, tracking, now) for name, runner in sorted(runners.items())},
        "interfaces": _interfaces(runners.values(), ports),
        "statistics": error_statistics(*_discards(runners.values(), ports)),
    }


def _interfaces(runners: t.Collection[InstanceRunner], ports: t.Collection[VrrpPort]) -> t.Dict[str, object]:
    """What came for all virtual routers on each, and for none of them."""
    devices = sorted({port.device for port in ports})
    return {
        device: {
            "virtual_routers": sum(runner.port.device == device for runner in runners),
            "unread": sum(port.unread for port in ports if port.device == device),
            "statistics": error_statistics(
                *_discards(
                    [runner for runner in runners if runner.port.device == device],
                    [port for port in ports if port.device == device],
                )
            ),
        }
        for device in devices
    }


def _discards(runners: t.Iterable[InstanceRunner], ports: t.Iterable[VrrpPort]) -> t.List[Discards]:
    return [*(runner.reception.discards for runner in runners), *(port.discards for port in ports)]


def _group_status(runner: GroupRunner, tracking: TrackingBook) -> t.Dict[str, object]:
    return {
        "state": runner.state.value,
        "since": runner.report.since,
        "members": list(runner.group.group),
        "last_transition": runner.report.last_transition,
        "transitions": runner.report.transitions,
        "trackers": tracking.group_status(runner.group),
    }


def instance_status(runner: InstanceRunner, tracking: TrackingBook, now: Instant) -> t.Dict[str, object]:
    """Everything about one instance."""
    instance, router = runner.instance, runner.router
    addresses = (*instance.virtual_ipaddress, *instance.virtual_ipaddress_excluded)
    virtual = [f"{one.address}/{one.prefix_length}" for one in addresses]
    return {
        "state": router.state.value,
        "since": runner.report.since,
        "interface": instance.interface,
        "virtual_router_id": instance.virtual_router_id,
        "priority": instance.priority,
        "effective_priority": router.effective_priority,
        "priority_because": [
            {"name": one.name, "change": one.change, "since": wall_clock(now - one.since)}
            for one in router.priority.why
        ],
        "demoted": runner.influences.demoted,
        "faults": _faults(runner),
        "group": None if runner.group is None else runner.group.name,
        "trackers": tracking.instance_status(instance.name),
        "version": instance.version,
        "family": instance.family,
        "unicast_peers": [peer.address for peer in instance.unicast_peer],
        "authentication": _authentication(instance),
        "addresses": virtual,
        "addresses_held": runner.addresses.held(),
        "routes": runner.routes.configured,
        "routes_held": runner.routes.held,
        "master": _master(runner),
        "last_transition": runner.report.last_transition,
        "transitions": runner.report.transitions,
        "advert_int": as_seconds(instance.advert_int),
        "vip_lease": round(as_seconds(runner.addresses.lease)),
        "problems": _problems(runner, now),
        "counters": _counters(runner),
        "statistics": instance_statistics(runner),
        "master_priority": _master_priority(runner),
    }


def _faults(runner: InstanceRunner) -> t.List[str]:
    """Every cause that has to go before it can leave FAULT."""
    of_group = runner.influences.group_fault
    return [*runner.router.own_faults, *([of_group] if of_group else [])]


def _authentication(instance: RunningInstance) -> t.Optional[str]:
    """How adverts are authenticated, and never by what."""
    if instance.auth_hmac is not None:
        return f"HMAC, {instance.auth_hmac.mode}, key {instance.auth_hmac.active_key}"
    return None if instance.authentication is None else instance.authentication.auth_type


def _master(runner: InstanceRunner) -> t.Optional[str]:
    """Who is master as far as this router knows: itself, the one it last heard, or nobody."""
    if runner.router.state is State.MASTER:
        return runner.port.standing.source
    heard = runner.router.master
    return None if heard is None else address_text(heard, runner.instance.family)


def _master_priority(runner: InstanceRunner) -> t.Optional[int]:
    """What that master advertises."""
    if runner.router.state is State.MASTER:
        return runner.router.effective_priority
    return runner.router.master_priority


def _problems(runner: InstanceRunner, now: Instant) -> t.List[str]:
    standing = runner.port.standing
    found = _faults(runner) or ([] if standing.usable else [standing.cause])
    if runner.influences.demoted:
        found.append("demoted by an operator: it counts as priority 1 and takes nothing over")
    lowered = [f"{one.name} {one.change:+d}" for one in runner.router.priority.why if one.change < 0]
    if lowered:
        effective, priority = runner.router.effective_priority, runner.instance.priority
        found.append(f"priority is {effective} instead of {priority}: {', '.join(lowered)}")
    if runner.advertiser.problem is not None:
        found.append(runner.advertiser.problem)
    return [*found, *runner.possessions.problems, *runner.report.alarms(now)]


def _counters(runner: InstanceRunner) -> t.Dict[str, object]:
    return {
        "adverts_sent": runner.advertiser.sent,
        "adverts_received": runner.adverts_received,
        "priority_zero_sent": runner.advertiser.priority_zero_sent,
        "priority_zero_received": runner.priority_zero_received,
        "send_failures": runner.advertiser.send_failures,
        # What came for no router of ours is counted once per interface and shown by each router on it.
        "discarded": merged(runner.reception.discards, runner.port.discards),
    }
