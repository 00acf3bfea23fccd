# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The virtual router's own MAC address (RFC 9568 section 7.3): one for each virtual_router_id and family."""

from __future__ import annotations

import typing as t

_PREFIXES: t.Mapping[int, bytes] = {4: b"\x00\x00\x5e\x00\x01", 6: b"\x00\x00\x5e\x00\x02"}


def virtual_mac(family: int, virtual_router_id: int) -> bytes:
    """Six bytes: 00:00:5e:00:01:VRID for IPv4, 00:00:5e:00:02:VRID for IPv6."""
    return _PREFIXES[family] + bytes([virtual_router_id])
