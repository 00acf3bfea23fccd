# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Endpoints and entries of groups in keepalived's words: '192.0.2.10 80', '192.0.2.10-20 80', 'fwmark 5 inet6'."""

from __future__ import annotations

import ipaddress
import re
import typing as t

from .lvs_config import GroupEntry

_Mapping = t.Dict[str, t.Any]

_PORTS = re.compile(r"(\d{1,5})(?:-(\d{1,5}))?", re.ASCII)
_V4_END = re.compile(r"\d{1,3}", re.ASCII)
_V6_END = re.compile(r"[0-9A-Fa-f]{1,4}")


def endpoint_mapping(text: str) -> _Mapping:
    """'ADDRESS [PORT]' as a mapping; the values are not looked at. Raises ValueError in words."""
    address, *rest = text.split() or [""]
    spelt = all(_PORTS.fullmatch(port) and "-" not in port for port in rest)
    if len(rest) > 1 or not spelt or _has_port_behind_colon(address):
        raise ValueError("must read 'ADDRESS' or 'ADDRESS PORT', such as '192.0.2.30 80'")
    return {"address": address, **({"port": int(rest[0])} if rest else {})}


def _has_port_behind_colon(address: str) -> bool:
    """192.0.2.30:80, as people write it elsewhere; no address has a single colon."""
    return address.count(":") == 1 or address.startswith("[")


def endpoint_text(address: str, port: t.Optional[int]) -> str:
    """The spelling that `endpoint_mapping` reads."""
    return address if port is None else f"{address} {port}"


def entry_mapping(text: str) -> _Mapping:
    """An entry of a group as a mapping; the values are not looked at. Raises ValueError in words."""
    first, *rest = text.split() or [""]
    if first == "fwmark":
        return _mark(rest)
    if len(rest) > 1 or _has_port_behind_colon(first):
        raise ValueError(_SYNTAX)
    return {**_addresses(first), **(_ports(rest[0]) if rest else {})}


_SYNTAX = (
    "must read 'ADDRESS PORT', 'ADDRESS-LAST PORT', 'ADDRESS/PREFIX PORT', each also with PORT-LAST, "
    "or 'fwmark NUMBER', with inet or inet6 behind it if need be"
)


def _mark(words: t.Sequence[str]) -> _Mapping:
    if not 1 <= len(words) <= 2 or not words[0].isdigit() or len(words[0]) > 10:
        raise ValueError(_SYNTAX)
    return {"fwmark": int(words[0]), **({"family": words[1]} if len(words) == 2 else {})}


def _ports(text: str) -> _Mapping:
    match = _PORTS.fullmatch(text)
    if match is None:
        raise ValueError(_SYNTAX)
    first, last = match.groups()
    return {"port": int(first), **({"last_port": int(last)} if last else {})}


def _addresses(text: str) -> _Mapping:
    if "/" in text:
        return _network(text)
    address, dash, end = text.partition("-")
    if not dash:
        return {"address": address}
    if ":" in address and _V6_END.fullmatch(end):
        end = address[: address.rfind(":") + 1] + end
    elif ":" not in address and _V4_END.fullmatch(end):
        end = address[: address.rfind(".") + 1] + end
    return {"address": address, "last_address": end}


def _network(text: str) -> _Mapping:
    try:
        network = ipaddress.ip_network(text)
    except ValueError as error:
        raise ValueError(f"{error}; write a whole network, such as 192.0.2.0/28") from error
    return {"address": str(network[0]), "last_address": str(network[-1])}


def entry_text(entry: GroupEntry) -> str:
    """The spelling of an entry that `entry_mapping` reads."""
    if entry.address is None:
        return f"fwmark {entry.fwmark} {entry.family}".rstrip()
    address = entry.address if entry.last_address is None else f"{entry.address}-{entry.last_address}"
    port = str(entry.port) if entry.last_port is None else f"{entry.port}-{entry.last_port}"
    return f"{address} {port}"


def addresses_in(entry: GroupEntry) -> int:
    """How many addresses the entry has; 1 of a mark."""
    if entry.address is None or entry.last_address is None:
        return 1
    return int(ipaddress.ip_address(entry.last_address)) - int(ipaddress.ip_address(entry.address)) + 1
