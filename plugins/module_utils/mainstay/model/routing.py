# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Routes and rules that follow mastership or are always there, as values; their text is iproute2's own."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass


@dataclass(frozen=True)
class NextHop:
    """One way of a multipath route."""

    via: t.Optional[str] = None
    dev: t.Optional[str] = None
    weight: int = 1
    """1..256."""
    onlink: bool = False


@dataclass(frozen=True)
class Route:
    """One route, as "ip route add" spells it. Addresses are canonical text."""

    family: int
    """4 or 6."""
    destination: str
    """A prefix such as 203.0.113.0/24; the default route is 0.0.0.0/0 or ::/0."""
    kind: str = "unicast"
    """unicast, blackhole, unreachable, prohibit or throw."""
    via: t.Optional[str] = None
    dev: t.Optional[str] = None
    src: t.Optional[str] = None
    """Preferred source address."""
    scope: t.Optional[str] = None
    """global, site, link, host, nowhere or a number; None: as iproute2 chooses."""
    table: t.Optional[str] = None
    """Number, or main, local, default; None is main."""
    metric: t.Optional[int] = None
    onlink: bool = False
    mtu: t.Optional[int] = None
    advmss: t.Optional[int] = None
    nexthops: t.Tuple[NextHop, ...] = ()


@dataclass(frozen=True)
class Rule:
    """One policy rule, as "ip rule add" spells it."""

    family: int
    from_: t.Optional[str] = None
    """Prefix; None is any source."""
    to: t.Optional[str] = None
    inverted: bool = False
    """"not": every packet that the selectors do not match."""
    iif: t.Optional[str] = None
    oif: t.Optional[str] = None
    fwmark: t.Optional[int] = None
    fwmask: t.Optional[int] = None
    tos: t.Optional[int] = None
    table: t.Optional[str] = None
    priority: t.Optional[int] = None
    """Required in the text: an invented one would differ from machine to machine."""
    kind: str = "table"
    """table, blackhole, unreachable or prohibit."""
