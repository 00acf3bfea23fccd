# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What things are called in the nftables table of Mainstay, and which service or server a name is about."""

from __future__ import annotations

import socket
import typing as t
from dataclasses import dataclass

from ..lvs.table import DestinationKey, ServiceKey

TABLE = "mainstay"
FAMILY = "inet"
MASQUERADING = "masquerading"
"""Chain with a rule for each service whose clients' addresses are hidden from the servers."""

Json = t.Dict[str, t.Any]

_FAMILIES = ("", "inet", "inet6")
_PROTOCOLS = ("tcp", "udp")


@dataclass(frozen=True)
class Lookup:
    """A map from what a packet says to the chain of its service."""

    name: str
    ipv6: bool
    by: str
    """mark; endpoint: address, protocol and port; address: every port of it."""


# ip_vs looks in the same order: a mark comes first, an address with every port last.
LOOKUPS = tuple(
    Lookup(f"{name}{version}", version == 6, by)
    for name, by in (("marks", "mark"), ("services", "endpoint"), ("ports", "address"))
    for version in (4, 6)
)


def lookup_of(key: ServiceKey) -> Lookup:
    """The map that leads to this service."""
    by = "mark" if key.fwmark else "endpoint" if key.port else "address"
    return next(lookup for lookup in LOOKUPS if lookup.by == by and lookup.ipv6 == key.ipv6)


def service_chain(key: ServiceKey) -> str:
    """Name of the service's chain: tcp/192.0.2.10/80, udp/2001-db8--10/53, fwmark/inet/5.

    nft reads a name with a colon nowhere, so a saved ruleset could not be loaded.
    """
    if key.fwmark:
        return f"fwmark/{key.family}/{key.fwmark}"
    return f"{key.protocol.lower()}/{_written(key.address)}/{key.port}"


def server_chain(key: ServiceKey, server: DestinationKey) -> str:
    """Name of the chain of one real server of the service, and of the set of clients that stay with it."""
    return f"{service_chain(key)}__{_written(server.address)}/{server.port}"


def parse_chain(name: str) -> t.Optional[t.Tuple[ServiceKey, t.Optional[DestinationKey]]]:
    """The service, or the service and the server, that a chain is about; None for any other chain."""
    head, separator, tail = name.partition("__")
    service = _service(head.split("/"))
    server = _server(tail.split("/")) if separator else None
    if service is None or (separator and server is None):
        return None
    return service, server


def packed(address: str) -> bytes:
    """4 or 16 bytes; empty for what is no address."""
    try:
        return socket.inet_pton(socket.AF_INET6 if ":" in address else socket.AF_INET, address)
    except OSError:
        return b""


def _service(parts: t.Sequence[str]) -> t.Optional[ServiceKey]:
    if len(parts) != 3 or not parts[2].isdigit():
        return None
    head, place, number = parts[0], parts[1], int(parts[2])
    if head == "fwmark" and place in _FAMILIES and number:
        return ServiceKey("", "", 0, fwmark=number, family=place)
    if head in _PROTOCOLS and packed(_read(place)):
        return ServiceKey(head.upper(), _read(place), number)
    return None


def _server(parts: t.Sequence[str]) -> t.Optional[DestinationKey]:
    if len(parts) == 2 and parts[1].isdigit() and packed(_read(parts[0])):
        return DestinationKey(_read(parts[0]), int(parts[1]))
    return None


def _written(address: str) -> str:
    return address.replace(":", "-")


def _read(written: str) -> str:
    return written.replace("-", ":")
