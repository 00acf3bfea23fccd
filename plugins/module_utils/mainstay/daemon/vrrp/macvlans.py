# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The macvlans of use_vmac: made, adopted, raised and lowered, deleted; and what the interface below must not do.

Theory of operation. Each instance with use_vmac has a macvlan with the virtual router's MAC on its interface. The
addresses live there, so ARP and neighbour discovery answer with that MAC, and it stays when mastership moves. It is
there as long as the daemon runs, and up only while its instance is master: a backup must not take in frames for the
virtual MAC (RFC 9568 section 6.4.2), least of all where it forwards packets.

Linux answers ARP for any local address on any interface, and asks in the name of the address that a packet comes
from. The interface below would so teach its own MAC to the segment: arp_ignore and arp_announce keep it from that.
Both are put back at the end; the macvlan's alias remembers them over a crash.

Routers that advertise prefixes would have the kernel make an address of the virtual MAC, on both machines the same
(NDP-09). No link setting turns that off, so the packet filter drops what they say to our macvlans.
"""

from __future__ import annotations

import errno
import os
import typing as t
from dataclasses import dataclass

from ...model.defaults import RunningInstance
from ...net import macvlan, rtnl
from ...net.accept_filter import macvlan_element
from ...net.device_settings import ARP_ANNOUNCE, ARP_IGNORE, read_setting, write_setting
from ...net.links import LinkMirror
from ...net.rtnl_socket import OrderSocket
from ...vrrp.virtual_mac import virtual_mac
from ..worker import LogLine, Say
from .guard import AcceptGuard

_QUIET_ARP_IGNORE = (1, 2, 8)
"""Values with which an interface already leaves the addresses of others alone."""
_OVERRIDES = 3
"""A larger value, with which it does not."""


class Wanted(t.NamedTuple):
    """One macvlan of the configuration."""

    name: str
    device: str
    hardware_address: bytes


@dataclass(frozen=True)
class _Below:
    index: int
    before: macvlan.Before


class Macvlans:
    """All of one worker."""

    def __init__(self, orders: OrderSocket, mirror: LinkMirror, guard: AcceptGuard, say: Say) -> None:
        self._orders = orders
        self._mirror = mirror
        self._guard = guard
        self._say = say
        self._wanted: t.Dict[str, Wanted] = {}
        self._ours: t.Dict[str, int] = {}
        self._below: t.Dict[str, _Below] = {}
        self._ordered_at = -1
        self._problems: t.Dict[str, str] = {}
        self._told: t.Dict[str, str] = {}

    def want(self, instances: t.Iterable[RunningInstance]) -> None:
        """Have one for each of these; `drop` deletes those that are not wanted any more."""
        wanted = (_wanted(one) for one in instances if one.use_vmac)
        self._wanted = {one.name: one for one in wanted}
        self._ordered_at = -1
        addresses = {one.hardware_address for one in self._wanted.values()}
        for name in [name for name in self._ours if name not in self._wanted]:
            link = self._mirror.named(name)
            if link is not None and link.hardware_address in addresses:  # only another name: both cannot be up
                self._delete(name, link.index)
        self._settle()

    def drop(self) -> None:
        """Delete what is ours and not wanted; then the interfaces without macvlans are what they were before."""
        for name in [name for name in self._ours if name not in self._wanted]:
            self._delete(name, self._ours[name])
        for device in set(self._below) - {one.device for one in self._wanted.values()}:
            self._restore(device, self._below.pop(device))

    def stop(self) -> None:
        """Delete all of them."""
        self._wanted = {}
        self.drop()

    def look(self, names: t.Collection[str]) -> bool:
        """These links changed: one of ours may be gone, or the interface below may be there again.

        Whether there are other problems than before.
        """
        before = dict(self._problems)
        concerned = {word for one in self._wanted.values() for word in (one.name, one.device)}
        if self._problems or not concerned.isdisjoint(names) or any(self._is_macvlan(name) for name in names):
            self._settle()
        return before != self._problems

    def problem(self, name: str) -> str:
        """Why there is no macvlan of this name, or why it is not up; empty when all is well."""
        return self._problems.get(name, "")

    def set_up(self, name: str, enabled: bool) -> None:
        """Raise it for its master, or lower it. A refusal to raise it is a problem until some link changes."""
        link = self._mirror.named(name)
        if link is None or self._ours.get(name) != link.index:
            return
        try:
            macvlan.set_up(self._orders, link.index, enabled)
        except OSError as error:
            if enabled:
                self._problems[name] = f"macvlan {name} cannot be set up: {_reason(error)}"
                self._tell()

    # ---- towards what is wanted

    def _settle(self) -> None:
        if self._mirror.caught_up == self._ordered_at:  # what we ordered is not in the picture yet
            return
        for wanted in self._wanted.values():
            below = self._mirror.named(wanted.device)
            if below is None:  # ours went with it
                self._forget(wanted)
            else:
                self._settle_one(wanted, below)
        self._tell()

    def _settle_one(self, wanted: Wanted, below: rtnl.Link) -> None:
        present = self._mirror.named(wanted.name)
        if present is not None and not self._is_ours(present):
            self._problems[wanted.name] = _taken(wanted)
            return
        rival = self._rival(wanted, below)
        if rival is not None:
            self._problems[wanted.name] = _doubled(wanted, rival)
            return
        self._problems.pop(wanted.name, None)
        if present is not None and not _fits(present, wanted, below):
            self._delete(wanted.name, present.index)
            present = None
        try:
            self._quieten(wanted.device, below, present)
            if present is None:
                self._make(wanted, below)
            else:
                self._adopt(wanted, present)
        except OSError as error:
            self._problems[wanted.name] = f"no macvlan {wanted.name} on {wanted.device}: {_reason(error)}"

    def _make(self, wanted: Wanted, below: rtnl.Link) -> None:
        self._ordered_at = self._mirror.caught_up
        alias = macvlan.mark(wanted.device, self._below[wanted.device].before)
        index = macvlan.make(self._orders, wanted.name, below.index, wanted.hardware_address, alias)
        if wanted.name in self._ours:
            self._say(LogLine("warning", "vrrp worker", f"macvlan {wanted.name} had gone; made again"))
        self._own(wanted.name, index)

    def _adopt(self, wanted: Wanted, present: rtnl.Link) -> None:
        if self._ours.get(wanted.name) != present.index:
            macvlan.prepare(self._orders, present.index, present.alias)
            self._own(wanted.name, present.index)

    def _own(self, name: str, index: int) -> None:
        self._ours[name] = index
        self._problems.pop(name, None)
        elements = frozenset({macvlan_element(index)})
        self._guard.need(("macvlan", name), elements)
        self._guard.hold(("macvlan", name), elements)

    def _delete(self, name: str, index: int) -> None:
        self._ours.pop(name, None)
        self._problems.pop(name, None)
        self._guard.spare(("macvlan", name))
        try:
            macvlan.delete(self._orders, index)
        except OSError as error:
            self._say(LogLine("warning", "vrrp worker", f"macvlan {name} cannot be deleted: {_reason(error)}"))

    def _forget(self, wanted: Wanted) -> None:
        self._problems.pop(wanted.name, None)
        self._below.pop(wanted.device, None)

    def _rival(self, wanted: Wanted, below: rtnl.Link) -> t.Optional[rtnl.Link]:
        """A macvlan of somebody else that has the same MAC."""
        parent = _real(below)
        same = (link for link in self._mirror.links if link.hardware_address == wanted.hardware_address)
        return next((link for link in same if link.parent == parent and not self._is_ours(link)), None)

    def _is_ours(self, link: rtnl.Link) -> bool:
        """The kernel notifies nobody of the alias of a link that is down: what we made ourselves we know by index."""
        return self._ours.get(link.name) == link.index or macvlan.marked(link) is not None

    def _is_macvlan(self, name: str) -> bool:
        link = self._mirror.named(name)
        return link is None or link.kind == "macvlan"

    # ---- the interface below

    def _quieten(self, device: str, below: rtnl.Link, present: t.Optional[rtnl.Link]) -> None:
        known = self._below.get(device)
        if known is not None and known.index == below.index:
            return
        remembered = None if present is None else macvlan.marked(present)
        before = remembered or {name: read_setting(device, name) for name in (ARP_IGNORE, ARP_ANNOUNCE)}
        if before[ARP_IGNORE] not in _QUIET_ARP_IGNORE:
            write_setting(self._orders, below.index, ARP_IGNORE, 1)
        write_setting(self._orders, below.index, ARP_ANNOUNCE, 2)
        self._below[device] = _Below(below.index, before)
        if read_setting("all", ARP_IGNORE) == _OVERRIDES:  # the larger of both counts
            remedy = f"{device} answers for virtual addresses with its own MAC; set it to 1"
            self._say(LogLine("warning", "vrrp worker", f"net.ipv4.conf.all.arp_ignore is {_OVERRIDES}: {remedy}"))

    def _restore(self, device: str, known: _Below) -> None:
        link = self._mirror.named(device)
        if link is None or link.index != known.index:
            return
        try:
            for name, value in known.before.items():
                write_setting(self._orders, known.index, name, value)
        except OSError as error:
            self._say(LogLine("warning", "vrrp worker", f"ARP settings of {device} stay: {_reason(error)}"))

    def _tell(self) -> None:
        for name, problem in self._problems.items():
            if self._told.get(name) != problem:
                self._say(LogLine("error", "vrrp worker", problem))
        self._told = dict(self._problems)


def _wanted(instance: RunningInstance) -> Wanted:
    hardware_address = virtual_mac(instance.family, instance.virtual_router_id)
    return Wanted(instance.carrier, instance.interface, hardware_address)


def _fits(present: rtnl.Link, wanted: Wanted, below: rtnl.Link) -> bool:
    return present.hardware_address == wanted.hardware_address and present.parent == _real(below)


def _real(below: rtnl.Link) -> int:
    """A macvlan on a macvlan is one on the interface below both."""
    return below.parent if below.kind == "macvlan" else below.index


def _taken(wanted: Wanted) -> str:
    remedy = f"delete it (ip link delete {wanted.name}) or give the instance another vmac_name"
    return f"the name {wanted.name} is taken by an interface that is not a macvlan of Mainstay's; {remedy}"


def _doubled(wanted: Wanted, rival: rtnl.Link) -> str:
    address = wanted.hardware_address.hex(":")
    remedy = f"delete it (ip link delete {rival.name}) or use another virtual_router_id"
    return f"no macvlan {wanted.name} on {wanted.device}: {rival.name} has its MAC {address} already; {remedy}"


def _reason(error: OSError) -> str:
    return os.strerror(error.errno or 0) + _REMEDIES.get(error.errno or 0, "")


_REMEDIES = {
    errno.EPERM: "; the daemon needs CAP_NET_ADMIN",
    errno.EOPNOTSUPP: "; the kernel has no macvlan (modprobe macvlan, then reload)",
    errno.EBUSY: "; the interface is part of a bridge, or another one has this MAC",
    errno.EINVAL: "; the interface must be Ethernet",
}
