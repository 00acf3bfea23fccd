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
import os
import typing as t
from dataclasses import dataclass

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
    label: t.Optional[str] = None

    def __str__(self) -> str:
        return f"{self.key.address}/{self.key.prefix_length}"


class AddressProgram:
    """The prepared orders for the addresses of one virtual router."""

    def __init__(self, orders: OrderSocket, addresses: t.Sequence[LeasedAddress], lease: int) -> None:
        """Encode everything now. `lease` is in seconds, 0 for addresses that stay until released."""
        self.addresses = tuple(addresses)
        self._orders = orders
        self._subjects: t.Dict[int, LeasedAddress] = {}
        lifetime = lease or rtnl.FOREVER
        self._take = self._batch(rtnl.RTM_NEWADDR, self.addresses, lifetime)
        self._release = self._batch(rtnl.RTM_DELADDR, self.addresses, lifetime)

    def take(self) -> t.List[str]:
        """Install the addresses, or give them their whole lease again; sentences about refused ones come
        back.
        """
        return self._send(self._take, "cannot be put on", ())

    def release(self) -> t.List[str]:
        """Withdraw the addresses; those already gone are no complaint."""
        return self._send(self._release, "cannot be removed from", _ALREADY_GONE)

    def _batch(self, message_type: int, addresses: t.Sequence[LeasedAddress], lifetime: int) -> bytes:
        parts = []
        for leased in addresses:
            sequence = self._orders.next_sequence()
            self._subjects[sequence] = leased
            parts.append(rtnl.address_request(message_type, leased.key, sequence, leased.label, lifetime))
        return b"".join(parts)

    def _send(self, batch: bytes, verb: str, harmless: t.Collection[int]) -> t.List[str]:
        if not batch:
            return []
        try:
            refused = self._orders.send(batch)
        except OSError as error:
            return [f"virtual addresses {verb} their interface: {os.strerror(error.errno or 0)}"]
        return [self._sentence(refusal, verb) for refusal in refused if refusal.errno not in harmless]

    def _sentence(self, refusal: rtnl.Refused, verb: str) -> str:
        leased = self._subjects.get(refusal.sequence)
        subject = "a virtual address" if leased is None else str(leased)
        device = "its interface" if leased is None else leased.device
        return f"{subject} {verb} {device}: {os.strerror(refusal.errno)}{_REMEDIES.get(refusal.errno, '')}"


_REMEDIES = {
    errno.EPERM: "; the daemon needs CAP_NET_ADMIN",
    errno.ENODEV: "; the interface is gone",
    errno.EINVAL: "; see the prefix length and the label",
    errno.ENOBUFS: "; the kernel is out of memory or of addresses",
}
