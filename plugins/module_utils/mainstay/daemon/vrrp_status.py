# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The vrrp worker's section of the status answer."""

from __future__ import annotations

import ipaddress
import os
import typing as t

from ..model.units import Instant, as_seconds
from ..vrrp.actions import State
from .vrrp_discards import merged
from .vrrp_instance_runner import InstanceRunner


def vrrp_status(runners: t.Mapping[str, InstanceRunner], real_time: bool, now: Instant) -> t.Dict[str, object]:
    """JSON-able, in the shape the command line and the modules expect."""
    return {
        "alive": True,
        "pid": os.getpid(),
        "as_of": now,
        "real_time": real_time,
        "instances": {name: _instance_status(runner, now) for name, runner in sorted(runners.items())},
    }


def _instance_status(runner: InstanceRunner, now: Instant) -> t.Dict[str, object]:
    instance, router = runner.instance, runner.router
    virtual = [f"{one.address}/{one.prefix_length}" for one in instance.virtual_ipaddress]
    return {
        "state": router.state.value,
        "since": runner.report.since,
        "interface": instance.interface,
        "virtual_router_id": instance.virtual_router_id,
        "priority": instance.priority,
        "effective_priority": router.effective_priority,
        "addresses": virtual,
        "addresses_held": runner.addresses.held(),
        "master": _master(runner),
        "last_transition": runner.report.last_transition,
        "transitions": runner.report.transitions,
        "advert_int": as_seconds(instance.advert_int),
        "vip_lease": round(as_seconds(runner.addresses.lease)),
        "problems": _problems(runner, now),
        "counters": _counters(runner),
    }


def _master(runner: InstanceRunner) -> t.Optional[str]:
    """Who is master as far as this router knows: itself, the one it last heard, or nobody."""
    if runner.router.state is State.MASTER:
        return runner.port.standing.source
    heard = runner.router.master
    return None if heard is None else str(ipaddress.IPv4Address(heard))


def _problems(runner: InstanceRunner, now: Instant) -> t.List[str]:
    standing = runner.port.standing
    found = [] if standing.usable else [standing.cause]
    if runner.advertiser.problem is not None:
        found.append(runner.advertiser.problem)
    return [*found, *runner.addresses.problems, *runner.report.alarms(now)]


def _counters(runner: InstanceRunner) -> t.Dict[str, object]:
    return {
        "adverts_sent": runner.advertiser.sent,
        "adverts_received": runner.adverts_received,
        "priority_zero_sent": runner.advertiser.priority_zero_sent,
        "priority_zero_received": runner.priority_zero_received,
        "send_failures": runner.advertiser.send_failures,
        # What came for no router of ours is counted once per interface and shown by each router on it.
        "discarded": merged(runner.discards, runner.port.discards),
    }
