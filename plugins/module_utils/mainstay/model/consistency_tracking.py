# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What instances and groups track: it has to exist, once, and an owner's priority does not move."""

from __future__ import annotations

import typing as t

from .config import Config
from .problems import Problem
from .refused import suggestion
from .tracking import TrackReference
from .vrrp_config import OWNER, Tracking

_DEFINED_IN = {
    "track_script": "vrrp_scripts",
    "track_file": "track_files",
    "track_process": "vrrp_track_processes",
    "track_bfd": "bfd_instances",
}


class Tracked(t.NamedTuple):
    """One reference where it stands."""

    path: str
    key: str
    """track_interface, track_script ..."""
    reference: TrackReference
    weight: int
    """The one that counts; 0: down is FAULT."""


def tracked(config: Config, tracking: Tracking, path: str) -> t.Iterator[Tracked]:
    """Every reference with its effective weight; one of an unknown definition has what it says itself, or 0."""
    for key in ("track_interface", *_DEFINED_IN):
        definitions = getattr(config, _DEFINED_IN[key]) if key in _DEFINED_IN else {}
        for index, reference in enumerate(getattr(tracking, key)):
            inherited = getattr(definitions.get(reference.name), "weight", 0)
            weight = inherited if reference.weight is None else reference.weight
            yield Tracked(f"{path}.{key}[{index}]", key, reference, weight)


def tracking_contradictions(config: Config) -> t.Iterator[Problem]:
    """Every one of instances and groups."""
    for instance in config.vrrp_instances.values():
        path = f"vrrp_instances.{instance.name}"
        yield from _unknown(config, instance.tracking, path)
        if instance.priority == OWNER:
            yield from _weights_of_an_owner(config, instance.tracking, path, instance.name)
    for group in config.vrrp_sync_groups.values():
        path = f"vrrp_sync_groups.{group.name}"
        yield from _unknown(config, group.tracking, path)
        owners = [name for name in group.group if _priority(config, name) == OWNER]
        if owners:
            yield from _weights_of_an_owner(config, group.tracking, path, owners[0])


def _unknown(config: Config, tracking: Tracking, path: str) -> t.Iterator[Problem]:
    seen: t.Set[t.Tuple[str, str]] = set()
    for one in tracked(config, tracking, path):
        name = one.reference.name
        if (one.key, name) in seen:
            yield Problem(one.path, name, "is given twice; once is enough.")
        seen.add((one.key, name))
        if one.key in _DEFINED_IN:
            yield from missing(name, getattr(config, _DEFINED_IN[one.key]), _DEFINED_IN[one.key], one.path)


def missing(name: str, known: t.Collection[str], section: str, path: str) -> t.Iterator[Problem]:
    """A problem unless `section` has an object of this name."""
    if name not in known:
        there = suggestion(name, known) or (f" Known are {', '.join(sorted(known)[:20])}." if known else "")
        yield Problem(path, name, f"is not defined in {section}.{there}")


def _weights_of_an_owner(config: Config, tracking: Tracking, path: str, owner: str) -> t.Iterator[Problem]:
    """OWN-02."""
    for one in tracked(config, tracking, path):
        if one.weight:
            message = (
                f"counts by weight {one.weight}, but the priority of {owner} is 255 and never changes; "
                "use weight 0 (FAULT), or a priority below 255."
            )
            yield Problem(one.path, one.reference.name, message)


def _priority(config: Config, name: str) -> int:
    instance = config.vrrp_instances.get(name)
    return 0 if instance is None else instance.priority
