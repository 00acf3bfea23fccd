# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Other people's VRRP routers on a node, and what both sides are told so that they are one virtual router.

A peer runs several virtual routers at once, one for each manner of speaking, so that one wait serves all of them.
Ours is 192.0.2.1, the peer 192.0.2.2; each virtual router N has 192.0.2.N, or fe80::N and 2001:db8::N.
"""

from __future__ import annotations

import re
import typing as t
from pathlib import Path

from netns.daemons import Document, Keepalived, instance
from netns.frr import Frr
from netns.segment import DEVICE, Node

from lab.waiting import wait_for

_KEEPALIVED_COMPLAINS = re.compile("checksum|invalid|mismatch|bogus|bad |incorrect|discard")
_KEEPALIVED_PREEMPTS = "received lower priority"
"""It says so, with "discarding", of a master that it is about to preempt."""
_FRR_COMPLAINS = "Datagram invalid"
_FRR_SAW_ANOTHER = ("does not match our instance", "Bad version")
"""Each virtual router of vrrpd hears the adverts of all of an interface."""


class Manner(t.NamedTuple):
    """A way to speak VRRP, as each side is told of it."""

    number: int
    """virtual_router_id, and the last part of the addresses."""
    ours: t.Mapping[str, object] = {}
    theirs: str = ""
    """Lines of the peer's own configuration, {n} being the number."""
    version: int = 3
    family: int = 4
    advert_int: float = 0.2
    their_version: int | None = None
    """None: as ours."""

    @property
    def addresses(self) -> list[str]:
        """The virtual addresses, the one to look at last."""
        six = [f"fe80::{self.number}/64", f"2001:db8::{self.number}/64"]
        return six if self.family == 6 else [f"192.0.2.{self.number}/24"]

    @property
    def address(self) -> str:
        """The one to look at."""
        return self.addresses[-1].partition("/")[0]

    def instance(self, priority: int, **options: object) -> Document:
        """What our side is told."""
        own = {"virtual_router_id": self.number, "virtual_ipaddress": self.addresses, "version": self.version}
        return instance(priority, **{**own, "advert_int": self.advert_int, **self.ours, **options})


Manners = t.Mapping[str, Manner]
"""By the name of the instance."""


class Peer(t.Protocol):
    """A VRRP router that is not ours."""

    node: Node
    log: Path

    def start(self) -> object:
        """Run it; again after it ended too."""

    def stop(self) -> None:
        """End it in order, and wait for the end: it hands over with priority 0."""

    def kill(self) -> None:
        """End it without a word."""

    def state(self, name: str) -> str:
        """MASTER, BACKUP; "" while it does not say."""

    def holds(self, name: str) -> bool:
        """Whether the address answers there."""

    def heard_priority_zero(self, name: str) -> bool:
        """Whether a master handed over to it."""

    def complaints(self) -> list[str]:
        """What it did not like."""


class KeepalivedPeer:
    """Debian's keepalived."""

    def __init__(self, node: Node, folder: Path, manners: Manners, priority: int, more: str = "") -> None:
        """`more`: further blocks of the file."""
        self.node = node
        self.manners = manners
        self._more = more
        self._keepalived = Keepalived(node, folder, priority)
        self.log = self._keepalived.log
        self.write(priority)

    def write(self, priority: int) -> None:
        """Write the file with every instance at this priority."""
        blocks = [_block(name, manner, priority) for name, manner in self.manners.items()]
        self._keepalived.write_text("\n".join([*blocks, self._more]))

    def start(self) -> KeepalivedPeer:
        self._keepalived.start()
        return self

    def stop(self) -> None:
        self._keepalived.stop()
        wait_for(lambda: not self.node.processes(), 10, "keepalived to end", evidence=self.log.read_text)

    def kill(self) -> None:
        self.node.kill_all()

    def state(self, name: str) -> str:
        return self._keepalived.state(name)

    def holds(self, name: str) -> bool:
        return self.node.holds(self.manners[name].address)

    def heard_priority_zero(self, name: str) -> bool:
        return f"({name}) Backup received priority 0 advertisement" in self._keepalived.said()

    def complaints(self) -> list[str]:
        lines = [line for line in self.log.read_text().splitlines() if _KEEPALIVED_PREEMPTS not in line]
        return [line for line in lines if _KEEPALIVED_COMPLAINS.search(line.lower())]


class FrrPeer:
    """FRR's vrrpd: a virtual router is a macvlan with the virtual MAC address, which somebody else makes."""

    def __init__(self, node: Node, folder: Path, manners: Manners, priority: int) -> None:
        self.node = node
        self.manners = manners
        # A virtual router that is not master keeps its addresses on a macvlan that is down. The others' macvlans would
        # answer for them, and who is master takes that for a second holder.
        node.run("sysctl", "-qw", "net.ipv4.conf.all.arp_ignore=1")
        for manner in manners.values():
            _add_macvlan(node, manner)
        lines = [f" {line}\n" for manner in manners.values() for line in _frr_lines(manner, priority)]
        self._frr = Frr(node, folder, "vrrpd", f"debug vrrp\ninterface {DEVICE}\n{''.join(lines)}!\n")
        self.log = self._frr.log

    def start(self) -> FrrPeer:
        self._frr.start()
        return self

    def stop(self) -> None:
        self._frr.stop()

    def kill(self) -> None:
        self._frr.kill()

    def state(self, name: str) -> str:
        return str(self._shown(name).get("status", "")).upper()

    def holds(self, name: str) -> bool:
        """Its addresses never leave the macvlan, which is down unless it is master."""
        return "LOWER_UP" in self.node.run("ip", "link", "show", _macvlan(self.manners[name])).stdout

    def heard_priority_zero(self, name: str) -> bool:
        number = self.manners[name].number
        heard = f"vrid {number}, priority 0,"
        return any(f"[VRID {number}]" in line and heard in line for line in self.log.read_text().splitlines())

    def complaints(self) -> list[str]:
        lines = [line for line in self.log.read_text().splitlines() if _FRR_COMPLAINS in line]
        return [line for line in lines if not any(words in line for words in _FRR_SAW_ANOTHER)]

    def _shown(self, name: str) -> t.Mapping[str, t.Any]:
        manner = self.manners[name]
        shown = self._frr.shows("show vrrp json") or ()
        ours = [one for one in shown if one["vrid"] == manner.number]
        return t.cast("dict[str, t.Any]", ours[0][f"v{manner.family}"]) if ours else {}


def _block(name: str, manner: Manner, priority: int) -> str:
    return _KEEPALIVED.format(
        name=name,
        manner=manner,
        interface=manner.ours.get("interface", DEVICE),
        version=manner.their_version or manner.version,
        priority=priority,
        theirs=manner.theirs.format(n=manner.number),
        addresses="\n        ".join(manner.addresses),
    )


def _macvlan(manner: Manner) -> str:
    return f"v{manner.family}-{manner.number}"


def _add_macvlan(node: Node, manner: Manner) -> None:
    name, kind = _macvlan(manner), 1 if manner.family == 4 else 2
    node.ip(f"link add {name} link {DEVICE} type macvlan mode bridge")
    node.ip(f"link set {name} address 00:00:5e:00:{kind:02x}:{manner.number:02x}")
    node.run("sysctl", "-w", f"net.ipv6.conf.{name}.addr_gen_mode=1")
    for address in manner.addresses:
        node.ip(f"address add {address} dev {name}{' nodad' if manner.family == 6 else ''}")
    if manner.family == 6:  # the last one is what vrrpd sends from; a virtual address is nobody's source
        node.ip(f"address add fe80::b:{manner.number}/64 dev {name} nodad")
    node.ip(f"link set {name} up")


def _frr_lines(manner: Manner, priority: int) -> t.Iterator[str]:
    start = f"vrrp {manner.number}"
    yield f"{start} version {manner.their_version or manner.version}"
    yield f"{start} priority {priority}"
    yield f"{start} advertisement-interval {round(manner.advert_int * 1000)}"
    for address in manner.addresses:
        yield f"{start} {'ipv6' if manner.family == 6 else 'ip'} {address.partition('/')[0]}"
    if manner.theirs:
        yield manner.theirs.format(n=manner.number)


_KEEPALIVED = """\
vrrp_instance {name} {{
    interface {interface}
    version {version}
    virtual_router_id {manner.number}
    priority {priority}
    advert_int {manner.advert_int}
    {theirs}
    virtual_ipaddress {{
        {addresses}
    }}
}}
"""
