# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sections of pools and groups: real servers, the sorry server, what a group serves, timeouts of ip_vs."""

from __future__ import annotations

import typing as t

from .group_text import addresses_in, endpoint_mapping, entry_mapping
from .json_text import join
from .lvs_config import GroupEntry, LvsTimeouts, RealServer, SorryServer
from .nested_checks import NESTED_CHECKS
from .nested_items import MAXIMUM_LIST, list_of, short, spelling
from .walk import ReadNested, Walk

_MAXIMUM_SERVICES = 4096
"""Of one entry: every address and port of it is a service of the kernel."""


def _real_server(walk: Walk, item: object, path: str) -> t.Optional[RealServer]:
    if isinstance(item, t.Mapping) and item.get("check") is not None and item.get("checks") is not None:
        walk.note(join(path, "checks"), None, "cannot stand beside check: put all of them into checks.")
        return None
    values = walk.section("real_server", item, path)
    if values is None:
        return None
    check, checks = values.pop("check", None), values.pop("checks", ())
    return RealServer(checks=(check,) if check is not None else checks, checks_listed=check is None, **values)


def _sorry_server(walk: Walk, value: object, path: str) -> t.Optional[SorryServer]:
    values = short(
        walk, value, path, spelling(endpoint_mapping), lambda mapping: walk.section("sorry_server", mapping, path)
    )
    return SorryServer(**values) if values is not None else None


def _group_entry(walk: Walk, item: object, path: str) -> t.Optional[GroupEntry]:
    return t.cast(
        t.Optional[GroupEntry],
        short(walk, item, path, spelling(entry_mapping), lambda mapping: _entry(walk, mapping, path)),
    )


def _entry(walk: Walk, mapping: object, path: str) -> t.Optional[GroupEntry]:
    values = walk.section("group_entry", mapping, path)
    if values is None:
        return None
    entry = GroupEntry(**values)
    fault = _entry_fault(entry)
    if fault:
        walk.note(path, None, fault)
        return None
    return entry


def _entry_fault(entry: GroupEntry) -> str:
    """What is wrong with an entry as a whole; empty when nothing is."""
    if (entry.address is None) == (not entry.fwmark):
        return "must have an address or a fwmark, and not both."
    if entry.address is None:
        extra = entry.last_address is not None or entry.port or entry.last_port is not None
        return "is a fwmark, which has no port and no last address." if extra else ""
    if entry.family:
        return "has an address, which tells the family; leave family out."
    return _range_fault(entry)


def _range_fault(entry: GroupEntry) -> str:
    if entry.last_address is not None and (":" in str(entry.address)) != (":" in entry.last_address):
        return "must have both ends of the range in one family."
    if entry.last_port is not None and (not entry.port or entry.last_port < entry.port):
        return "must have the lower port first, and port 0 in no range."
    addresses = addresses_in(entry)
    if addresses < 1:
        return "must have the lower address first."
    ports = 1 if entry.last_port is None else entry.last_port - entry.port + 1
    if addresses * ports > _MAXIMUM_SERVICES:
        return f"is {addresses * ports} services of the kernel; one entry may be {_MAXIMUM_SERVICES} at most."
    return ""


def _lvs_timeouts(walk: Walk, value: object, path: str) -> t.Optional[LvsTimeouts]:
    values = walk.section("lvs_timeouts", value, path)
    return LvsTimeouts(**values) if values is not None else None


NESTED_LVS: t.Mapping[str, ReadNested] = {
    "real_servers": list_of(0, MAXIMUM_LIST, "real servers", _real_server),
    "sorry_server": _sorry_server,
    "group_entries": list_of(1, MAXIMUM_LIST, "entries", _group_entry),
    "lvs_timeouts": _lvs_timeouts,
    **NESTED_CHECKS,
}
