# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether an interface can carry VRRP right now, from which address, and if not, why: a sentence for people."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from . import rtnl
from .links import LinkMirror

_SCOPE_HOST = 254


@dataclass(frozen=True)
class Standing:
    """What one interface offers."""

    link: t.Optional[rtnl.Link] = None
    """None when there is no interface of that name."""
    source: t.Optional[str] = None
    """The address adverts are sent from."""
    cause: str = "not looked at yet"
    """Why adverts cannot be sent; empty when they can."""

    @property
    def usable(self) -> bool:
        """Adverts can be sent and heard."""
        return not self.cause


def standing_of(
    mirror: LinkMirror, device: str, virtual: t.Collection[str], present: t.Optional[str] = None
) -> Standing:
    """Judge one interface; `virtual` are addresses that must not be a source, `present` is today's source."""
    link = mirror.named(device)
    if link is None:
        return Standing(cause=f"interface {device} does not exist")
    source = primary_address(mirror.addresses(link.index), virtual, present)
    if not link.enabled:
        cause = f"interface {device} is down (ip link set {device} up)"
    elif not link.running:
        cause = f"no carrier on {device}"
    elif source is None:
        cause = f"no IPv4 address on {device} to send from, apart from virtual ones"
    else:
        cause = ""
    return Standing(link, source, cause)


def primary_address(
    held: t.Sequence[rtnl.HeldAddress], virtual: t.Collection[str], present: t.Optional[str] = None
) -> t.Optional[str]:
    """The address adverts are sent from: never a virtual one, so that the source is ours alone.

    `present` is kept as long as it is there: a source that moves for no reason confuses the peers' tie-break.
    Else the first one wins, by the kernel's preference: primaries before secondaries, wide scope before narrow.
    """
    usable = [one for one in held if one.key.address not in virtual and one.scope < _SCOPE_HOST]
    if any(one.key.address == present for one in usable):
        return present
    ranked = sorted(usable, key=lambda one: (one.secondary, one.scope))
    return ranked[0].key.address if ranked else None
