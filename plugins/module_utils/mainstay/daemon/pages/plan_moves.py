# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which virtual IPs a reload would move, as far as one machine can know.

Certain is what this machine does by itself: it lets an address go, or it hears a lesser master. What depends on peers
is told as possible: backups are silent, so nobody knows their priorities, nor whether they have the new settings too.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ...model.config import Config
from ...model.defaults import RunningInstance, running_instances
from ...vrrp.actions import State
from ..demotions import group_of
from ..vrrp.port import identity
from .page_words import Section, section_of

_MASTER, _BACKUP = State.MASTER.value, State.BACKUP.value


@dataclass(frozen=True)
class Move:
    """One instance whose addresses would move, or may."""

    instance: str
    addresses: t.Tuple[str, ...]
    certain: bool
    why: str


class _Continuing(t.NamedTuple):
    """A virtual router that stays the same one to its peers."""

    old: RunningInstance
    new: RunningInstance
    status: Section
    reauthenticated: bool


def moves(old: Config, new: Config, vrrp: Section, reauthenticated: t.Container[str] = ()) -> t.List[Move]:
    """`vrrp`: that section of the status. `reauthenticated`: names of instances with other authentication, which the
    configurations need not have.
    """
    before, after = running_instances(old), running_instances(new)
    by_identity = {identity(instance): instance for instance in after.values()}
    statuses = {name: section_of(section_of(vrrp, "instances"), name) for name in before}
    staying = {
        name: _Continuing(instance, by_identity[identity(instance)], statuses[name], name in reauthenticated)
        for name, instance in before.items()
        if identity(instance) in by_identity
    }
    kept = _held(one.new for one in staying.values() if one.status.get("state") == _MASTER)
    found: t.List[Move] = []
    for name, instance in before.items():
        if name in staying:
            found += _of_continuing(staying[name], kept, old, new)
        elif statuses[name].get("state") == _MASTER:
            found += _of_leaving(instance, after.get(name), kept, new)
    return found


def _of_leaving(
    old: RunningInstance, new: t.Optional[RunningInstance], kept: t.AbstractSet[str], config: Config
) -> t.Iterator[Move]:
    lost = _lost(old, kept)
    why = "leaves the configuration: a backup takes over" if new is None else _other_router(old, new)
    if lost:
        yield Move(old.name, lost, True, why)
    group = None if new is None else group_of(old.name, config)
    if group is not None:
        others = tuple(name for name in config.vrrp_sync_groups[group].group if name != old.name)
        why = f"vrrp_sync_group {group} yields with {old.name}: also {', '.join(others)}"
        yield Move(old.name, (), False, why)


def _other_router(old: RunningInstance, new: RunningInstance) -> str:
    changed = [
        f"{key} {before} -> {after}"
        for key, before, after in (
            (key, getattr(old, key), getattr(new, key))
            for key in ("interface", "virtual_router_id", "version", "family", "mcast_dst_ip", "use_vmac")
        )
        if before != after
    ]
    changed = changed or ["multicast and unicast_peer changed places"]
    outcome = "a backup takes over; if there is none, the addresses come back after a whole wait"
    return f"becomes another virtual router to its peers ({', '.join(changed)}): {outcome}"


def _of_continuing(one: _Continuing, kept: t.AbstractSet[str], old: Config, new: Config) -> t.Iterator[Move]:
    state = one.status.get("state")
    if state == _MASTER:
        lost = _lost(one.old, kept)
        if lost:
            yield Move(one.old.name, lost, True, "not an address of this machine's masters any more")
        remaining = _texts(one.new)
        for risk in (*_risks(one), *_group_risk(one, old, new)):
            yield Move(one.old.name, remaining, False, risk)
    elif state == _BACKUP:
        why = _takeover(one)
        if why:
            in_group = group_of(one.new.name, new) is not None
            yield Move(one.new.name, _texts(one.new), not in_group, why + (", with its group" if in_group else ""))


def _takeover(one: _Continuing) -> str:
    """Why a backup would become master, or nothing."""
    theirs, effective = one.status.get("master_priority"), one.status.get("effective_priority")
    if theirs is None or effective is None or one.status.get("demoted") or one.new.nopreempt:
        return ""
    was_above = effective > theirs and not one.old.nopreempt
    priority = min(254, max(1, effective + one.new.priority - one.old.priority))
    if priority <= theirs or was_above:
        return ""
    return f"comes here: with priority {priority} it preempts {one.status.get('master')}, which advertises {theirs}"


def _risks(one: _Continuing) -> t.Iterator[str]:
    for risk in _RISKS:
        text = risk(one)
        if text:
            yield text


def _lower_priority(one: _Continuing) -> str:
    before, after = one.old.priority, one.new.priority
    lower = f"priority {before} -> {after}: a backup above {after} takes over (backups are silent: theirs is not known)"
    return lower if after < before else ""


def _fewer_peers(one: _Continuing) -> str:
    gone = {peer.address for peer in one.old.unicast_peer} - {peer.address for peer in one.new.unicast_peer}
    return f"{', '.join(sorted(gone))} hears this machine no more and becomes master too, if it runs on" if gone else ""


def _other_interval(one: _Continuing) -> str:
    changed = one.old.advert_int != one.new.advert_int and one.new.version == 2
    return _until_peers("another advert_int (version 2)") if changed else ""


def _other_authentication(one: _Continuing) -> str:
    return _until_peers("other authentication") if one.reauthenticated else ""


def _other_list(one: _Continuing) -> str:
    before, after = ({virtual.address for virtual in each.virtual_ipaddress} for each in (one.old, one.new))
    return _until_peers("another list of virtual_ipaddress") if before != after else ""


def _other_tracking(one: _Continuing) -> str:
    changed = one.old.tracking != one.new.tracking
    return (
        "other things are tracked: what is down or has no result yet lowers the priority or is FAULT" if changed else ""
    )


def _until_peers(what: str) -> str:
    return f"{what}: peers that do not have it yet discard our adverts and become master too"


def _group_risk(one: _Continuing, old: Config, new: Config) -> t.Iterator[str]:
    before, after = group_of(one.old.name, old), group_of(one.new.name, new)
    if before != after:
        yield f"vrrp_sync_group {before or 'none'} -> {after or 'none'}: where a member cannot be master, none is"


_RISKS: t.Sequence[t.Callable[[_Continuing], str]] = (
    _lower_priority,
    _fewer_peers,
    _other_interval,
    _other_authentication,
    _other_list,
    _other_tracking,
)


def _held(instances: t.Iterable[RunningInstance]) -> t.FrozenSet[str]:
    return frozenset(text for instance in instances for text in _texts(instance))


def _lost(instance: RunningInstance, kept: t.AbstractSet[str]) -> t.Tuple[str, ...]:
    return tuple(text for text in _texts(instance) if text not in kept)


def _texts(instance: RunningInstance) -> t.Tuple[str, ...]:
    """Addresses with the interface that carries them."""
    addresses = (*instance.virtual_ipaddress, *instance.virtual_ipaddress_excluded)
    return tuple(f"{one.address}/{one.prefix_length} on {one.dev or instance.interface}" for one in addresses)
