# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Contradictions within one virtual router (version, timers, election), and between two that would be one."""

from __future__ import annotations

import typing as t

from .config import Config, VrrpInstance
from .defaults import RunningInstance, running
from .dump import seconds_in_file
from .leasing import outlives_refresh, refresh_period
from .problems import Problem
from .units import NANOSECONDS_PER_SECOND, as_seconds, seconds
from .vrrp_config import OWNER

_UNICAST = "unicast"
_LONGEST_V3 = seconds(40.95)
_Judge = t.Callable[[str, VrrpInstance, RunningInstance], t.Iterator[Problem]]


def instance_contradictions(config: Config) -> t.Iterator[Problem]:
    """Every one of config.vrrp_instances."""
    yield from _same_router(config)
    yield from _same_macvlan(config)
    yield from _same_virtual_mac(config)
    for instance in config.vrrp_instances.values():
        path = f"vrrp_instances.{instance.name}"
        as_run = running(instance, config.global_defs)
        for judge in _JUDGES:
            yield from judge(path, instance, as_run)


def _same_router(config: Config) -> t.Iterator[Problem]:
    """INT-02: what peers could not tell apart."""
    seen: t.Dict[t.Tuple[object, ...], str] = {}
    for instance in config.vrrp_instances.values():
        path = f"vrrp_instances.{instance.name}"
        as_run = running(instance, config.global_defs)
        destination = _UNICAST if instance.unicast_peer else as_run.mcast_dst_ip
        number = instance.virtual_router_id
        first = seen.setdefault((instance.interface, as_run.family, destination, number), path)
        if first != path:
            message = f"is already used on {instance.interface} by {first}; give each virtual router its own."
            yield Problem(f"{path}.virtual_router_id", number, message)


def _same_macvlan(config: Config) -> t.Iterator[Problem]:
    names = {instance.interface: f"vrrp_instances.{one}" for one, instance in config.vrrp_instances.items()}
    for instance in config.vrrp_instances.values():
        path = f"vrrp_instances.{instance.name}"
        if instance.use_vmac:
            name = instance.carrier
            first = names.setdefault(name, path)
            if first != path:
                message = f"the macvlan {name} is already named by {first}; give this one a vmac_name of its own."
                yield Problem(f"{path}.vmac_name", instance.vmac_name, message)


def _same_virtual_mac(config: Config) -> t.Iterator[Problem]:
    """The MAC is made of family and virtual_router_id alone, and one interface has it once."""
    seen: t.Dict[t.Tuple[object, ...], str] = {}
    for instance in config.vrrp_instances.values():
        path = f"vrrp_instances.{instance.name}"
        if instance.use_vmac:
            number = instance.virtual_router_id
            first = seen.setdefault((instance.interface, instance.family, number), path)
            if first != path:
                message = f"has the virtual MAC of {first} on {instance.interface}; with use_vmac give it its own."
                yield Problem(f"{path}.virtual_router_id", number, message)


def _version(path: str, instance: VrrpInstance, as_run: RunningInstance) -> t.Iterator[Problem]:
    interval = seconds_in_file(instance.advert_int)
    if instance.version == 2 and instance.family == 6:
        yield Problem(f"{path}.version", 2, "IPv6 has version 3 only; leave version out.")
    elif as_run.version == 2 and (instance.advert_int % NANOSECONDS_PER_SECOND):
        message = "must be whole seconds with version 2; round it, or use version 3."
        yield Problem(f"{path}.advert_int", interval, message)
    elif as_run.version == 3 and instance.advert_int > _LONGEST_V3:
        yield Problem(f"{path}.advert_int", interval, "must be at most 40.95 with version 3; only version 2 has more.")
    if as_run.version == 2 and instance.learn_interval_max is not None:
        value = seconds_in_file(instance.learn_interval_max)
        yield Problem(f"{path}.learn_interval_max", value, "version 2 learns no interval; leave it out.")
    elif instance.learn_interval_max is not None and instance.learn_interval_max < instance.advert_int:
        value = seconds_in_file(instance.learn_interval_max)
        yield Problem(f"{path}.learn_interval_max", value, f"must be at least advert_int, {interval}.")
    if instance.v3_checksum != "auto" and (as_run.version == 2 or instance.family == 6):
        message = "concerns version 3 over IPv4 alone; leave it out."
        yield Problem(f"{path}.v3_checksum", instance.v3_checksum, message)


def _authentication(path: str, instance: VrrpInstance, as_run: RunningInstance) -> t.Iterator[Problem]:
    hmac = instance.auth_hmac
    if instance.authentication is not None and as_run.version == 3:
        message = "VRRP version 3 has none; leave it out, use auth_hmac, or set version to 2."
        yield Problem(f"{path}.authentication", None, message)
    if instance.authentication is not None and hmac is not None:
        yield Problem(f"{path}.authentication", None, "excludes auth_hmac; keep one of the two.")
    if hmac is None:
        return
    seen: t.Set[int] = set()
    for index, key in enumerate(hmac.keys):
        if key.key_id in seen:
            yield Problem(f"{path}.auth_hmac.keys[{index}].id", key.key_id, "is given twice; each key has its own.")
        seen.add(key.key_id)
    if hmac.active_key not in seen:
        known = ", ".join(str(one) for one in sorted(seen))
        yield Problem(f"{path}.auth_hmac.active_key", hmac.active_key, f"is no id of keys; known are {known}.")
    if hmac.time_window is not None and hmac.anti_replay == "monotonic":
        value = seconds_in_file(hmac.time_window)
        yield Problem(f"{path}.auth_hmac.time_window", value, "anti_replay monotonic has no window; leave it out.")


def _election(path: str, instance: VrrpInstance, _as_run: RunningInstance) -> t.Iterator[Problem]:
    delay = seconds_in_file(instance.preempt_delay)
    owner = instance.priority == OWNER
    if instance.nopreempt and owner:
        message = "excludes priority 255: the owner of the addresses always takes over."
        yield Problem(f"{path}.nopreempt", True, message)
    if instance.nopreempt and instance.state == "MASTER":
        message = "excludes state MASTER; leave state out: a working master is to be left alone."
        yield Problem(f"{path}.nopreempt", True, message)
    if instance.nopreempt and instance.preempt_delay:
        yield Problem(f"{path}.preempt_delay", delay, "excludes nopreempt: there is nothing to delay.")
    if instance.preempt_delay and instance.state == "MASTER":
        yield Problem(f"{path}.preempt_delay", delay, "excludes state MASTER; leave state out.")
    if instance.preempt_delay and owner:
        yield Problem(f"{path}.preempt_delay", delay, "excludes priority 255: the owner takes over at once.")
    if instance.state == "BACKUP" and owner:
        yield Problem(f"{path}.state", "BACKUP", "the owner of the addresses (255) starts as master; leave it out.")
    if instance.accept is False and owner:
        yield Problem(f"{path}.accept", False, "the owner of the addresses (255) always answers; leave it out.")


def _macvlan(path: str, instance: VrrpInstance, _as_run: RunningInstance) -> t.Iterator[Problem]:
    if instance.use_vmac:
        return
    for key, value in (("vmac_name", instance.vmac_name), ("vmac_xmit_base", instance.vmac_xmit_base)):
        if value:
            yield Problem(f"{path}.{key}", value, "does nothing without use_vmac; set that, or leave this out.")


def _lease(path: str, instance: VrrpInstance, _as_run: RunningInstance) -> t.Iterator[Problem]:
    lease, advert_int = instance.vip_lease, instance.advert_int
    if lease is None or outlives_refresh(lease, advert_int):
        return
    period = f"{as_seconds(refresh_period(advert_int)):g} s with advert_int {as_seconds(advert_int):g} s"
    message = (
        f"must be longer than the refresh period, {period}, or a living master loses its addresses; "
        "leave it out for the largest safe lease, 0 is no lease."
    )
    yield Problem(f"{path}.vip_lease", lease // NANOSECONDS_PER_SECOND, message)


_JUDGES: t.Sequence[_Judge] = (_version, _authentication, _election, _macvlan, _lease)
