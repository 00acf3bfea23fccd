# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Policy rules as rtnetlink messages: what `ip rule add` and `ip rule del` would send for a model.routing.Rule.

Interfaces stand in a rule by name, so a rule may be there before its interface is. Layouts: linux/fib_rules.h.
"""

from __future__ import annotations

import ipaddress
import struct
import typing as t

from ..model.routing import Rule
from .netlink import encode, u32
from .routes import RTPROT_KEEPALIVED, table_number

RTM_NEWRULE, RTM_DELRULE = 32, 33

_HEADER = struct.Struct("=BBBBBBBBI")  # family, destination and source length, tos, table, -, -, action, flags
_FAMILIES = {4: 2, 6: 10}
_FRA_DST, _FRA_SRC, _FRA_IIFNAME, _FRA_PRIORITY, _FRA_FWMARK = 1, 2, 3, 6, 10
_FRA_TABLE, _FRA_FWMASK, _FRA_OIFNAME, _FRA_PROTOCOL = 15, 16, 17, 21
_ACTIONS: t.Mapping[str, int] = {"table": 1, "blackhole": 6, "unreachable": 7, "prohibit": 8}
_FIB_RULE_INVERT = 2
_ALL_BITS = 0xFFFFFFFF


def rule_body(rule: Rule) -> bytes:
    """The body (after the netlink header) that adds or removes the rule."""
    table = table_number(rule.table) if rule.kind == "table" else 0
    to_length, to = _prefix(rule.to)
    from_length, from_ = _prefix(rule.from_)
    header = _HEADER.pack(
        _FAMILIES[rule.family],
        to_length,
        from_length,
        rule.tos or 0,
        table if table < 256 else 0,
        0,
        0,
        _ACTIONS[rule.kind],
        _FIB_RULE_INVERT if rule.inverted else 0,
    )
    attributes = [(_FRA_DST, to)] if to else []
    attributes += [(_FRA_SRC, from_)] if from_ else []
    attributes += _selectors(rule)
    attributes += [(_FRA_TABLE, u32(table))] if table > 255 else []
    return header + encode([*attributes, (_FRA_PROTOCOL, bytes([RTPROT_KEEPALIVED]))])


def _selectors(rule: Rule) -> t.List[t.Tuple[int, bytes]]:
    found = [(kind, name.encode("ascii") + b"\0") for kind, name in _names(rule)]
    found.append((_FRA_PRIORITY, u32(rule.priority or 0)))
    if rule.fwmark is not None:
        mask = _ALL_BITS if rule.fwmask is None else rule.fwmask
        found += [(_FRA_FWMARK, u32(rule.fwmark)), (_FRA_FWMASK, u32(mask))]
    return found


def _names(rule: Rule) -> t.List[t.Tuple[int, str]]:
    return [(kind, name) for kind, name in ((_FRA_IIFNAME, rule.iif), (_FRA_OIFNAME, rule.oif)) if name is not None]


def _prefix(text: t.Optional[str]) -> t.Tuple[int, bytes]:
    if text is None:
        return 0, b""
    network = ipaddress.ip_network(text)
    return network.prefixlen, network.network_address.packed
