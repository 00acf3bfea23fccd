# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Edits of the table and refusals of the kernel, arranged and worded for people."""

from __future__ import annotations

import typing as t

from ...lvs.operations import (
    AddDestination,
    AddService,
    Operation,
    RemoveDestination,
    RemoveService,
    SetDestination,
    SetService,
)
from ...lvs.table import Service, ServiceKey, Tunnel
from ...net.data_plane import Refusal

_SHOWN = 3
_Item = t.TypeVar("_Item")


def drift_sentence(repairs: t.Sequence[Operation], found: t.Optional[Service]) -> str:
    """What somebody else had changed in one service, told from the edits that undo it and what was found."""
    whole = [edit for edit in repairs if isinstance(edit, AddService)]
    told: t.Sequence[Operation] = whole or repairs
    findings = [_finding(edit, found) for edit in told]
    if len(findings) > _SHOWN:
        findings[_SHOWN:] = [f"{len(findings) - _SHOWN} more differences"]
    return f"somebody else changed the kernel's table, repaired: {', '.join(findings)}"


def _finding(repair: Operation, found: t.Optional[Service]) -> str:
    if isinstance(repair, AddService):
        return "the service was missing"
    if isinstance(repair, SetService):
        return "it had " + _differences(found, repair.service, _SERVICE_WORDS)
    if isinstance(repair, RemoveService):
        return "the service is not configured"
    if isinstance(repair, AddDestination):
        return f"real_server {repair.destination.key} was missing"
    if isinstance(repair, SetDestination):
        key = repair.destination.key
        stood = None if found is None else found.destinations.get(key)
        return f"real_server {key} had " + _differences(stood, repair.destination, _SERVER_WORDS)
    if isinstance(repair, RemoveDestination):
        return f"real_server {repair.key} does not belong there"
    raise TypeError(repair)


def _differences(found: object, wanted: object, words: t.Mapping[str, str]) -> str:
    """weight 9 instead of 1, lb_kind DR instead of NAT."""
    if found is None:
        return "other settings"
    pairs = ((word, getattr(found, name), getattr(wanted, name)) for name, word in words.items())
    told = (f"{word} {_shown(is_)} instead of {_shown(should)}" for word, is_, should in pairs if is_ != should)
    return " and ".join(told)


def _shown(value: object) -> str:
    """As in the configuration file, or close to it."""
    if isinstance(value, Tunnel):
        return f"{value.kind} port {value.port} {value.checksum}" if value.port else f"{value.kind} {value.checksum}"
    if isinstance(value, frozenset):
        return " ".join(sorted(value)) or "none"
    return "none" if value in (None, "") else str(value)


_SERVICE_WORDS = {
    "lb_algo": "lb_algo",
    "flags": "flags",
    "persistence_timeout": "persistence_timeout",
    "persistence_granularity": "persistence_granularity",
    "persistence_engine": "persistence_engine",
}
_SERVER_WORDS = {
    "weight": "weight",
    "lb_kind": "lb_kind",
    "tunnel": "tunnel",
    "upper_threshold": "uthreshold",
    "lower_threshold": "lthreshold",
}


def by_service(
    items: t.Sequence[_Item], service_of: t.Callable[[_Item], ServiceKey]
) -> t.Dict[ServiceKey, t.List[_Item]]:
    """Items grouped by the service they are about, in their order."""
    grouped: t.Dict[ServiceKey, t.List[_Item]] = {}
    for item in items:
        grouped.setdefault(service_of(item), []).append(item)
    return grouped


def telling(refused: t.Sequence[Refusal]) -> t.Tuple[Refusal, ...]:
    """When the service itself was refused, that its servers were too is no news."""
    services = tuple(refusal for refusal in refused if isinstance(refusal.operation, AddService))
    return services or tuple(refused)


def refusal_sentence(refusal: Refusal) -> str:
    """For the journal."""
    return f"refused by the kernel: {refusal.reason}"
