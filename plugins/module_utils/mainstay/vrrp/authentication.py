# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Simple password authentication of VRRP version 2 (RFC 2338 5.3.6), a guard against mistakes and not against people.

The password crosses the wire in clear text, so it keeps two groups of routers apart that were given the same
virtual_router_id by accident, and nothing more. Type 2 (AH) is not implemented: its peers disagree on what it covers.
"""

from __future__ import annotations

import typing as t

from .rejection import PacketError, RejectReason

NO_AUTHENTICATION = 0
SIMPLE_PASSWORD = 1
AUTH_DATA_SIZE = 8
"""Octets after the addresses of every v2 advertisement, zero unless they hold a password."""

_NAMES = {NO_AUTHENTICATION: "none", SIMPLE_PASSWORD: "PASS", 2: "AH", 254: "MD5 of Cisco"}


def auth_data(auth_pass: str) -> bytes:
    """The password as it is sent: ASCII, zero padded. Raises ValueError when it does not fit."""
    octets = auth_pass.encode("ascii")
    if not 1 <= len(octets) <= AUTH_DATA_SIZE:
        raise ValueError(f"a password of {len(octets)} octets; VRRP carries 1 to {AUTH_DATA_SIZE}")
    return octets.ljust(AUTH_DATA_SIZE, b"\0")


def check_authentication(auth_type: int, carried: bytes, expected: t.Optional[bytes]) -> None:
    """RX-14 for version 2. `expected` is our auth_data, None without authentication. Raises PacketError."""
    if auth_type not in (NO_AUTHENTICATION, SIMPLE_PASSWORD):
        detail = f"auth_type {_named(auth_type)} is not supported, only none and PASS"
        raise PacketError(RejectReason.AUTH_TYPE_UNKNOWN, detail)
    ours = NO_AUTHENTICATION if expected is None else SIMPLE_PASSWORD
    if auth_type != ours:
        detail = f"auth_type {_named(auth_type)}, ours is {_named(ours)}: set the same on all routers"
        raise PacketError(RejectReason.AUTH_TYPE_MISMATCH, detail)
    if expected is not None and not _same(carried, expected):
        raise PacketError(RejectReason.AUTH_PASSWORD, "another auth_pass: set the same on all routers")


def _same(carried: bytes, expected: bytes) -> bool:
    """Of two numbers, because how long that takes does not tell how many characters were right. hmac, which has a
    function for it, brings OpenSSL along.
    """
    return len(carried) == len(expected) and not int.from_bytes(carried, "big") ^ int.from_bytes(expected, "big")


def _named(auth_type: int) -> str:
    name = _NAMES.get(auth_type)
    return f"{auth_type} ({name})" if name else str(auth_type)
