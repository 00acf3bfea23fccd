# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Readers of addresses: unicast and multicast, either family, with prefix length, scope and lifetime."""

from __future__ import annotations

import ipaddress
import re
import typing as t

from .option import Option
from .refused import Reader, Refused
from .units import NANOSECONDS_PER_SECOND

Address = t.Union[ipaddress.IPv4Address, ipaddress.IPv6Address]

FOREVER = 0xFFFFFFFF
"""Seconds; the kernel's word for a lifetime without end."""

_LIMITED_BROADCAST = 0xFFFFFFFF
_OCTET = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_PLAIN_IPV4 = re.compile(rf"(?:22[0-3]|2[01]\d|1\d\d|[1-9]\d?)(?:\.{_OCTET}){{3}}", re.ASCII)
"""A unicast address as it is written canonically."""
_SCOPES = ("global", "site", "link", "host")


def read_address(value: object, option: Option) -> str:
    """Canonical text of a usable IPv4 unicast address."""
    if isinstance(value, str) and ":" in value:
        raise Refused(f"must be {option.expected}; IPv6 is not supported in this version.")
    return _usable(_parsed(value, option))


def read_ip_address(value: object, option: Option) -> str:
    """Canonical text of a usable unicast address of either family."""
    if isinstance(value, str) and _PLAIN_IPV4.fullmatch(value):
        return value  # nearly all of ten thousand are written so: reading them otherwise takes ten times as long
    return _usable(_parsed(value, option))


def _parsed(value: object, option: Option) -> Address:
    try:
        address = ipaddress.ip_address(value if isinstance(value, str) else "")
    except ValueError as error:
        raise Refused(f"must be {option.expected}.") from error
    if "%" in str(value):
        raise Refused(f"must be {option.expected}; the interface does not belong into the address.")
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        raise Refused(f"must be {option.expected}; write the IPv4 address as such.")
    return address


def _usable(address: Address) -> str:
    limited = address.version == 4 and int(address) == _LIMITED_BROADCAST
    if address.is_multicast or address.is_unspecified or limited:
        raise Refused("must be a unicast address: this one can belong to no machine.")
    return str(address)


def read_prefixed_address(value: object, option: Option) -> t.Tuple[str, int]:
    """Address and prefix length; without a length 32 or 128."""
    if not isinstance(value, str):
        raise Refused(f"must be {option.expected}.")
    text, slash, length = value.partition("/")
    address = read_ip_address(text, option)
    longest = 128 if ":" in address else 32
    if not slash:
        return address, longest
    if not re.fullmatch(r"[1-9]\d{0,2}", length) or int(length) > longest:
        raise Refused(f"must be {option.expected}; the prefix length goes from 1 to {longest}.")
    return address, int(length)


def _multicast_reader(families: t.Tuple[int, ...]) -> Reader:
    def read(value: object, option: Option) -> str:
        address = _parsed(value, option)
        on_this_link = address.version == 4 or address.packed[:2] == b"\xff\x02"
        if not address.is_multicast or address.version not in families or not on_this_link:
            raise Refused(f"must be {option.expected}.")
        return str(address)

    return read


def read_broadcast(value: object, option: Option) -> str:
    """An IPv4 address, "+" or "-"."""
    if value in ("+", "-"):
        return str(value)
    address = _parsed(value, option)
    if address.version != 4 or address.is_multicast or address.is_unspecified:
        raise Refused(f"must be {option.expected}.")
    return str(address)


def read_scope(value: object, option: Option) -> str:
    """A word, or a number as text."""
    if isinstance(value, str) and value in _SCOPES:
        return value
    text = str(value) if isinstance(value, (int, str)) and not isinstance(value, bool) else ""
    if not re.fullmatch(r"\d{1,3}", text, re.ASCII) or int(text) > 255:
        raise Refused(f"must be {option.expected}.")
    return str(int(text))


def read_lifetime(value: object, option: Option) -> int:
    """Whole seconds as nanoseconds; "forever" is FOREVER."""
    if value == "forever":
        return FOREVER * NANOSECONDS_PER_SECOND
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= FOREVER:
        raise Refused(f"must be {option.expected}.")
    return value * NANOSECONDS_PER_SECOND


ADDRESS_READERS: t.Mapping[str, Reader] = {
    "address": read_address,
    "ip_address": read_ip_address,
    "prefixed_address": read_prefixed_address,
    "multicast": _multicast_reader((4, 6)),
    "multicast4": _multicast_reader((4,)),
    "multicast6": _multicast_reader((6,)),
    "broadcast": read_broadcast,
    "scope": read_scope,
    "lifetime": read_lifetime,
}
