# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the kernel would have to serve twice: addresses, ranges and firewall marks, within a group and between services.

Single addresses and marks, of which there may be thousands, are looked up; only ranges are compared one by one.
"""

from __future__ import annotations

import ipaddress
import typing as t

from .config import Config, VirtualServer
from .consistency_services import served_entries
from .group_text import entry_text
from .lvs_config import GroupEntry
from .problems import Problem


class _Span(t.NamedTuple):
    """What one entry covers."""

    protocol: str
    """Of a mark its family."""
    addresses: t.Tuple[int, int, int]
    """Version, first and last; version 0 of marks, first and last the mark."""
    ports: t.Tuple[int, int]

    @property
    def single(self) -> bool:
        """Whether it is one key of the kernel's table."""
        return self.addresses[1] == self.addresses[2] and self.ports[0] == self.ports[1]

    def meets(self, other: _Span) -> bool:
        """Whether both cover something."""
        return (
            self.protocol == other.protocol
            and self.addresses[0] == other.addresses[0]
            and self.addresses[1] <= other.addresses[2]
            and other.addresses[1] <= self.addresses[2]
            and self.ports[0] <= other.ports[1]
            and other.ports[0] <= self.ports[1]
        )


class _Seen:
    """Who covers what, in the order of the configuration."""

    def __init__(self) -> None:
        self._singles: t.Dict[_Span, str] = {}
        self._ranges: t.List[t.Tuple[_Span, str]] = []

    def first_of(self, spans: t.Iterable[_Span], who: str) -> str:
        """Who covered something of them before; `who` when nobody did, who is remembered."""
        firsts = [self._first(span, who) for span in spans]
        return next((first for first in firsts if first != who), who)

    def _first(self, span: _Span, who: str) -> str:
        found = self._singles.get(span)
        if found is None:
            found = next((other for known, other in self._ranges if known.meets(span)), None)
        if found is None and not span.single:
            found = next((other for known, other in self._singles.items() if known.meets(span)), None)
        if found is not None:
            return found
        if span.single:
            self._singles[span] = who
        else:
            self._ranges.append((span, who))
        return who


def served_contradictions(config: Config) -> t.Iterator[Problem]:
    """Everything served twice, at the path of the later of the two places."""
    yield from _within_groups(config)
    seen = _Seen()
    for service in config.virtual_servers.values():
        yield from _between_services(service, config, seen)


def _within_groups(config: Config) -> t.Iterator[Problem]:
    for group in config.virtual_server_groups.values():
        seen = _Seen()
        for index, entry in enumerate(group.entries):
            place = f"virtual_server_groups.{group.name}.entries[{index}]"
            first = seen.first_of(_spans(entry, ""), place)
            if first != place:
                yield Problem(place, entry_text(entry), f"overlaps {first}; each address and mark is served once.")


def _between_services(service: VirtualServer, config: Config, seen: _Seen) -> t.Iterator[Problem]:
    path = f"virtual_servers.{service.name}"
    for entry in served_entries(service, config):
        first = seen.first_of(_spans(entry, service.protocol or ""), path)
        if first != path:
            message = f"is already served by {first}; merge the two pools."
            yield Problem(_place(service, path), _shown(service, entry), message)
            return


def _place(service: VirtualServer, path: str) -> str:
    key = next(key for key in ("virtual_server_group", "fwmark", "address") if getattr(service, key) is not None)
    return f"{path}.{key}"


def _shown(service: VirtualServer, entry: GroupEntry) -> str:
    """The kernel's view of an entry: "TCP 192.0.2.10 80"."""
    return entry_text(entry) if entry.address is None else f"{service.protocol} {entry_text(entry)}"


def _spans(entry: GroupEntry, protocol: str) -> t.Tuple[_Span, ...]:
    if entry.address is None:
        # One mark is two services at most; without a family it may turn out either.
        families = [entry.family] if entry.family else ["inet", "inet6"]
        return tuple(_Span(family, (0, entry.fwmark, entry.fwmark), (0, 0)) for family in families)
    first = ipaddress.ip_address(entry.address)
    last = first if entry.last_address is None else ipaddress.ip_address(entry.last_address)
    ports = (entry.port, entry.port if entry.last_port is None else entry.last_port)
    return (_Span(protocol, (first.version, int(first), int(last)), ports),)
