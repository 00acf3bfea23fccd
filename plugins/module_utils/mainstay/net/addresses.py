# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Virtual addresses as prepared netlink batches: taking, refreshing and releasing are one send each.

Nothing is encoded at a takeover: the bytes are made when configuration or links change, and taking 200 addresses
is one system call.

Taking and refreshing are the same bytes: RTM_NEWADDR with NLM_F_REPLACE adds a missing address and gives a
present one its whole lease again.
"""

from __future__ import annotations

import errno
import ipaddress
import os
import typing as t
from dataclasses import dataclass

from ..model.config import VirtualAddress
from ..model.route_text import SCOPES
from ..model.units import NANOSECONDS_PER_SECOND
from . import rtnl
from .rtnl_socket import OrderSocket

# What releasing an address may answer when there is nothing left to release.
_ALREADY_GONE = (errno.EADDRNOTAVAIL, errno.ENODEV)


@dataclass(frozen=True)
class LeasedAddress:
    """One virtual address on one link."""

    key: rtnl.AddressKey
    device: str
    """Name of the link, for people."""
    form: rtnl.AddressForm = rtnl.PLAIN
    preferred: t.Optional[int] = None
    """Seconds from the taking that it may be chosen as a source; None is all its life."""

    @property
    def place(self) -> t.Tuple[rtnl.AddressKey, rtnl.AddressForm]:
        """What the kernel keeps until the address is removed: another one cannot be had by a refresh."""
        return self.key, self.form

    def __str__(self) -> str:
        return f"{self.key.address}/{self.key.prefix_length}"


def kernel_form(virtual: VirtualAddress) -> t.Tuple[rtnl.AddressForm, t.Optional[int]]:
    """How the kernel is told of a configured address: its form, and its seconds as a source (None: all its life)."""
    preferred = None if virtual.preferred_lft is None else virtual.preferred_lft // NANOSECONDS_PER_SECOND
    if ":" in virtual.address:
        # Or the host would sooner or later talk from an address that leaves with the mastership.
        lonely = preferred is None and virtual.prefix_length == 128
        return rtnl.PLAIN, 0 if lonely else preferred
    scope = virtual.scope or "global"
    number = SCOPES[scope] if scope in SCOPES else int(scope)
    return rtnl.AddressForm(virtual.label, _broadcast(virtual), number), preferred


def _broadcast(virtual: VirtualAddress) -> t.Optional[str]:
    if virtual.brd not in ("+", "-"):
        return virtual.brd
    network = ipaddress.IPv4Interface(f"{virtual.address}/{virtual.prefix_length}").network
    if network.prefixlen >= 31:  # RFC 3021: no address is left for it
        return None
    return str(network.broadcast_address if virtual.brd == "+" else network.network_address)


class AddressProgram:
    """The prepared orders for the addresses of one virtual router."""

    def __init__(self, orders: OrderSocket, addresses: t.Sequence[LeasedAddress], lease: int) -> None:
        """Encode everything now. `lease` is in seconds, 0 for addresses that stay until released."""
        self.addresses = tuple(addresses)
        self._orders = orders
        self._subjects: t.Dict[int, LeasedAddress] = {}
        self.refused: t.FrozenSet[LeasedAddress] = frozenset()
        """What the kernel did not do of the last order."""
        self._lifetime = lease or rtnl.FOREVER
        self._takes = self._numbered()
        self._take = self._batch(0)
        self._release = b"".join(
            rtnl.address_request(rtnl.RTM_DELADDR, leased.key, sequence) for sequence, leased in self._numbered()
        )
        self._ages = any(leased.preferred for leased in self.addresses)

    def take(self, age: int = 0) -> t.List[str]:
        """Install the addresses, or give them their whole lease again; sentences about refused ones come back.

        `age` is how many seconds ago they were first taken: their time as a source runs on.
        """
        batch = self._batch(age) if self._ages and age else self._take
        return self._send(batch, "cannot be put on", ())

    def release(self) -> t.List[str]:
        """Withdraw the addresses; those already gone are no complaint."""
        return self._send(self._release, "cannot be removed from", _ALREADY_GONE)

    def _numbered(self) -> t.List[t.Tuple[int, LeasedAddress]]:
        """Each address with the number that a refusal will come back with."""
        numbered = [(self._orders.next_sequence(), leased) for leased in self.addresses]
        self._subjects.update(numbered)
        return numbered

    def _batch(self, age: int) -> bytes:
        parts = []
        for sequence, leased in self._takes:
            preferred = None if leased.preferred is None else max(0, leased.preferred - age)
            parts.append(
                rtnl.address_request(rtnl.RTM_NEWADDR, leased.key, sequence, leased.form, self._lifetime, preferred)
            )
        return b"".join(parts)

    def _send(self, batch: bytes, verb: str, harmless: t.Collection[int]) -> t.List[str]:
        if not batch:
            return []
        try:
            refused = self._orders.send(batch)
        except OSError as error:
            return [f"virtual addresses {verb} their interface: {os.strerror(error.errno or 0)}"]
        harmful = [refusal for refusal in refused if refusal.errno not in harmless]
        subjects = (self._subjects.get(refusal.sequence) for refusal in harmful)
        self.refused = frozenset(subject for subject in subjects if subject is not None)
        return [self._sentence(refusal, verb) for refusal in harmful]

    def _sentence(self, refusal: rtnl.Refused, verb: str) -> str:
        leased = self._subjects.get(refusal.sequence)
        subject = "a virtual address" if leased is None else str(leased)
        device = "its interface" if leased is None else leased.device
        return f"{subject} {verb} {device}: {os.strerror(refusal.errno)}{_REMEDIES.get(refusal.errno, '')}"


_REMEDIES = {
    errno.EPERM: "; the daemon needs CAP_NET_ADMIN",
    errno.ENODEV: "; the interface is gone",
    errno.EINVAL: "; see the prefix length, the label and the scope, which is one for all addresses of a network",
    errno.EACCES: "; IPv6 is turned off there (sysctl net.ipv6.conf.IFACE.disable_ipv6)",
    errno.ENOBUFS: "; the kernel is out of memory or of addresses",
}
