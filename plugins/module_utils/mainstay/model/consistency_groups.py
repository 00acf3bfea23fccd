# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sync groups: who is in them, and that they can only move together (INT-05)."""

from __future__ import annotations

import typing as t

from .config import Config, VrrpInstance, VrrpSyncGroup
from .consistency_tracking import missing, tracked
from .problems import Problem

_ALIKE: t.Sequence[t.Tuple[str, str]] = (
    ("nopreempt", "one would stay master where the other takes over"),
    ("strict_mode", "they would not follow the same rules"),
)


def group_contradictions(config: Config) -> t.Iterator[Problem]:
    """Every one of config.vrrp_sync_groups."""
    yield from _membership(config)
    for group in config.vrrp_sync_groups.values():
        members = [config.vrrp_instances[name] for name in group.group if name in config.vrrp_instances]
        path = f"vrrp_sync_groups.{group.name}"
        yield from _alike(path, members)
        if not group.sync_group_tracking_weight:
            yield from _priorities(path, members)
            yield from _weights(config, group, members)


def _membership(config: Config) -> t.Iterator[Problem]:
    groups: t.Dict[str, str] = {}
    for group in config.vrrp_sync_groups.values():
        for index, name in enumerate(group.group):
            place = f"vrrp_sync_groups.{group.name}.group[{index}]"
            yield from missing(name, config.vrrp_instances, "vrrp_instances", place)
            first = groups.setdefault(name, group.name)
            if first != group.name:
                yield Problem(place, name, f"is already in vrrp_sync_groups.{first}; an instance is in one group.")


def _alike(path: str, members: t.Sequence[VrrpInstance]) -> t.Iterator[Problem]:
    for key, reason in _ALIKE:
        different = [one for one in members if getattr(one, key) != getattr(members[0], key)]
        if different:
            other = different[0]
            message = f"{members[0].name} and {other.name} must have the same {key}: {reason}."
            yield Problem(f"{path}.group", None, message)


def _priorities(path: str, members: t.Sequence[VrrpInstance]) -> t.Iterator[Problem]:
    different = [one for one in members if one.priority != members[0].priority]
    if different:
        first, other = members[0], different[0]
        message = (
            f"{first.name} has priority {first.priority} and {other.name} {other.priority}: on one machine all members "
            "of a group need the same, or the group is torn. Make them equal, or set sync_group_tracking_weight."
        )
        yield Problem(f"{path}.group", None, message)


def _weights(config: Config, group: VrrpSyncGroup, members: t.Sequence[VrrpInstance]) -> t.Iterator[Problem]:
    for member in members:
        for one in tracked(config, member.tracking, f"vrrp_instances.{member.name}"):
            if one.weight:
                message = (
                    f"counts by weight {one.weight} for one member of vrrp_sync_groups.{group.name} alone; move it to "
                    "the group, use weight 0 (FAULT), or set sync_group_tracking_weight there."
                )
                yield Problem(one.path, one.reference.name, message)
