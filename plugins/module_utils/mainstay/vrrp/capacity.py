# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many addresses one advert can carry: it must not be longer than a packet of the link (PKT-12).

Peers discard fragments, and many links lose them. What does not fit follows mastership all the same, as
virtual_ipaddress_excluded does; it is only not told to the peers.
"""

from __future__ import annotations

import typing as t

from ..model.config import VirtualAddress
from ..model.defaults import RunningInstance
from .authentication import AUTH_DATA_SIZE
from .hmac_trailer import TRAILER_SIZE

_FIXED_PART = 8
_IP_HEADER = {4: 20, 6: 40}
_ADDRESS = {4: 4, 6: 16}
_COUNT = 255
"""The largest number that the address count holds."""


def advertised(instance: RunningInstance, mtu: int) -> t.Tuple[VirtualAddress, ...]:
    """The leading part of virtual_ipaddress that one advert can carry on a link with this MTU (bytes)."""
    return instance.virtual_ipaddress[: capacity(instance, mtu)]


def capacity(instance: RunningInstance, mtu: int) -> int:
    """The number of addresses that fit, at least one."""
    tail = AUTH_DATA_SIZE if instance.version == 2 else 0
    signature = TRAILER_SIZE if instance.auth_hmac is not None else 0
    room = mtu - _IP_HEADER[instance.family] - _FIXED_PART - tail - signature
    return max(1, min(_COUNT, room // _ADDRESS[instance.family]))
