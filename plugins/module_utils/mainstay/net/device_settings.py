# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of one interface that stand below /proc/sys/net/ipv4/conf, set by netlink.

The service sees /proc/sys read-only (ProtectKernelTunables); netlink asks for CAP_NET_ADMIN alone, which it has.
Layouts: linux/if_link.h (IFLA_AF_SPEC, IFLA_INET_CONF), linux/ip.h (IPV4_DEVCONF_*).
"""

from __future__ import annotations

import os
import socket
import struct
import typing as t

from . import rtnl
from .rtnl_socket import OrderSocket

PROMOTE_SECONDARIES = "promote_secondaries"
RP_FILTER, ARP_ANNOUNCE, ARP_IGNORE = "rp_filter", "arp_announce", "arp_ignore"

_NUMBERS: t.Mapping[str, int] = {RP_FILTER: 8, ARP_ANNOUNCE: 18, ARP_IGNORE: 19, PROMOTE_SECONDARIES: 20}
_IFLA_AF_SPEC, _IFLA_INET_CONF = 26, 1
_NESTED = 0x8000
_NLM_F_REQUEST = 0x1
_HEADER = struct.Struct("=IHHII")  # length, type, flags, sequence, sender
_IFINFO = struct.Struct("=BxHiII")  # family, hardware type, index, flags, change


def read_setting(device: str, name: str) -> int:
    """What the interface has. Raises OSError when there is none of that name."""
    with open(f"/proc/sys/net/ipv4/conf/{device}/{name}", encoding="ascii") as file:
        return int(file.read())


def write_setting(orders: OrderSocket, index: int, name: str, value: int) -> None:
    """Give the interface of this index another. Raises OSError when the kernel refuses."""
    refused = orders.send(setting_request(index, name, value, orders.next_sequence()))
    if refused:
        raise OSError(refused[0].errno, os.strerror(refused[0].errno))


def setting_request(index: int, name: str, value: int, sequence: int) -> bytes:
    """RTM_NEWLINK for an existing link; no acknowledgement, as for every order."""
    setting = _attribute(_NUMBERS[name], struct.pack("=I", value))
    of_ipv4 = _attribute(socket.AF_INET | _NESTED, _attribute(_IFLA_INET_CONF | _NESTED, setting))
    body = _IFINFO.pack(socket.AF_UNSPEC, 0, index, 0, 0) + _attribute(_IFLA_AF_SPEC | _NESTED, of_ipv4)
    return _HEADER.pack(_HEADER.size + len(body), rtnl.RTM_NEWLINK, _NLM_F_REQUEST, sequence, 0) + body


def _attribute(kind: int, payload: bytes) -> bytes:
    """All payloads here are multiples of four bytes."""
    return struct.pack("=HH", 4 + len(payload), kind) + payload
