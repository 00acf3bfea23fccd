# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether an interface can carry VRRP right now, from which address, and if not, why: a sentence for people.

IPv4 sends from the interface's primary address, IPv6 from its link-local one (RFC 9568 sections 5.1.1.1 and 5.1.2.1);
to unicast peers it sends from an address of their kind. An address that duplicate address detection has not
finished with is none yet.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from . import rtnl
from .links import LinkMirror

_SCOPE_LINK = 253
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


@dataclass(frozen=True)
class Wanted:
    """What a router asks of its interface."""

    family: int = 4
    source: t.Optional[str] = None
    """The address it is told to send from; None: the interface's own choice."""
    routed: bool = False
    """IPv6: its unicast peers are not reached from a link-local address."""


IPV4 = Wanted()


def standing_of(
    mirror: LinkMirror,
    device: str,
    virtual: t.Collection[str],
    present: t.Optional[str] = None,
    wanted: Wanted = IPV4,
) -> Standing:
    """Judge one interface; `virtual` are addresses that must not be a source, `present` is today's source."""
    link = mirror.named(device)
    if link is None:
        return Standing(cause=f"interface {device} does not exist")
    held = [one for one in mirror.addresses(link.index) if one.key.family == wanted.family]
    source = _source(held, virtual, present, wanted)
    if not link.enabled:
        cause = f"interface {device} is down (ip link set {device} up)"
    elif not link.running:
        cause = f"no carrier on {device}"
    elif source is None:
        cause = _no_source(device, held, wanted)
    else:
        cause = ""
    return Standing(link, source, cause)


def primary_address(
    held: t.Sequence[rtnl.HeldAddress], virtual: t.Collection[str], present: t.Optional[str] = None
) -> t.Optional[str]:
    """The IPv4 address adverts are sent from: never a virtual one, so that the source is ours alone.

    `present` is kept as long as it is there: a source that moves for no reason confuses the peers' tie-break.
    Else the first one wins, by the kernel's preference: primaries before secondaries, wide scope before narrow.
    """
    return _kept_or_first([one for one in held if _ready(one, virtual) and one.scope < _SCOPE_HOST], present)


def link_local_address(
    held: t.Sequence[rtnl.HeldAddress], virtual: t.Collection[str], present: t.Optional[str] = None
) -> t.Optional[str]:
    """The IPv6 address adverts are sent from, by the rules of `primary_address`."""
    return _kept_or_first([one for one in held if _ready(one, virtual) and one.scope == _SCOPE_LINK], present)


def _source(
    held: t.Sequence[rtnl.HeldAddress], virtual: t.Collection[str], present: t.Optional[str], wanted: Wanted
) -> t.Optional[str]:
    if wanted.source is not None:
        usable = any(one.key.address == wanted.source and _ready(one, ()) for one in held)
        return wanted.source if usable else None
    if wanted.family == 4:
        return primary_address(held, virtual, present)
    if not wanted.routed:
        return link_local_address(held, virtual, present)
    return _kept_or_first([one for one in held if _ready(one, virtual) and one.scope < _SCOPE_LINK], present)


def _ready(held: rtnl.HeldAddress, virtual: t.Collection[str]) -> bool:
    return held.key.address not in virtual and not held.tentative and not held.dad_failed


def _kept_or_first(usable: t.Sequence[rtnl.HeldAddress], present: t.Optional[str]) -> t.Optional[str]:
    if any(one.key.address == present for one in usable):
        return present
    ranked = sorted(usable, key=lambda one: (one.secondary, one.scope))
    return ranked[0].key.address if ranked else None


def _no_source(device: str, held: t.Sequence[rtnl.HeldAddress], wanted: Wanted) -> str:
    if any(one.dad_failed for one in held):
        failed = next(one.key.address for one in held if one.dad_failed)
        return f"duplicate address detection failed for {failed} on {device}: another machine has it"
    if any(one.tentative for one in held):
        return f"IPv6 addresses of {device} are still tentative (duplicate address detection)"
    if wanted.source is not None:
        return f"{wanted.source}, which adverts are to be sent from, is not on {device}"
    if wanted.family == 4:
        return f"no IPv4 address on {device} to send from, apart from virtual ones"
    kind = "global IPv6" if wanted.routed else "link-local IPv6"
    return f"no {kind} address on {device} to send from, apart from virtual ones"
