# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a packet must look like to be for one virtual router, and what is made of that once for all packets."""

from __future__ import annotations

import functools
import ipaddress
import typing as t
from dataclasses import dataclass, field

from ..model.units import Duration
from ..model.vrrp_config import UnicastPeer
from .hmac_trailer import HmacVerifier
from .packet import packed

GROUP = "224.0.0.18"
"""All VRRP routers of the link over IPv4 (RFC 9568 5.1.1.2)."""
GROUP_V6 = "ff02::12"
"""The same over IPv6 (RFC 9568 5.1.2.2)."""


@dataclass(frozen=True)
class Expectations:
    """One virtual router's side of the receive ladder. With peers it is unicast, else multicast."""

    virtual_router_id: int
    advert_int: Duration
    addresses: t.Tuple[str, ...]
    """Our virtual addresses, in any order. When there are none, adverts may be without any too."""
    version: int = 3
    family: int = 4
    group: t.Optional[str] = None
    """Where multicast adverts go; None is the group that the RFC names."""
    own_address: t.Optional[str] = None
    """That we send from: adverts that come from it are refused, unicast ones must go to it. None: not checked."""
    peers: t.Tuple[UnicastPeer, ...] = ()
    check_unicast_src: bool = True
    """Unicast: only peers may send."""
    auth_data: t.Optional[bytes] = field(default=None, repr=False)
    """Version 2: the password as it is sent (authentication.auth_data); None is no authentication."""
    hmac: t.Optional[HmacVerifier] = field(default=None, compare=False)
    """Verifies signed adverts; None: signed adverts are refused by their length."""
    skip_check_adv_addr: bool = False
    """Whatever the list of addresses says is accepted in silence (RX-13, RX-17)."""
    owner_ignores: bool = False
    """We are the owner, and in strict mode: listen to nobody (RX-10, RFC 5798); else as RFC 9568 erratum 8298."""

    @functools.cached_property
    def destination(self) -> int:
        """The group as a number."""
        return int(ipaddress.ip_address(self.group or (GROUP_V6 if self.family == 6 else GROUP)))

    @functools.cached_property
    def own(self) -> t.Optional[int]:
        """Our own address as a number."""
        return None if self.own_address is None else int(ipaddress.ip_address(self.own_address))

    @functools.cached_property
    def peer_by_source(self) -> t.Mapping[int, UnicastPeer]:
        """The peers by their addresses as numbers."""
        return {int(ipaddress.ip_address(peer.address)): peer for peer in self.peers}

    @functools.cached_property
    def packed_addresses(self) -> bytes:
        """The list as a peer sends it that has it in our order."""
        return packed(self.addresses)

    @functools.cached_property
    def address_numbers(self) -> t.FrozenSet[int]:
        """Our virtual addresses as numbers."""
        return frozenset(int(ipaddress.ip_address(address)) for address in self.addresses)

    @functools.cached_property
    def address_texts(self) -> t.FrozenSet[str]:
        """Our virtual addresses in the one spelling that decoding gives them."""
        return frozenset(str(ipaddress.ip_address(address)) for address in self.addresses)
