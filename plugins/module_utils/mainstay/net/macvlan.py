# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Orders that make, mark, raise, lower and delete a macvlan (linux/if_link.h). All integers are in host order.

Private mode: what one macvlan sends is never handed to another of the same interface. The mark is the link's alias:
it says that the macvlan is ours, and what the interface below had set before. It outlives the daemon.
"""

from __future__ import annotations

import errno
import os
import re
import socket
import struct
import typing as t

from . import rtnl
from .device_settings import ARP_ANNOUNCE, ARP_IGNORE, PROMOTE_SECONDARIES, RP_FILTER, write_setting
from .netlink import Encoded, encode, u32
from .rtnl_socket import OrderSocket

_HEADER = struct.Struct("=IHHII")  # length, type, flags, sequence, sender
_IFINFO = struct.Struct("=BxHiII")  # family, hardware type, index, flags, change
_REQUEST, _EXCLUSIVE, _CREATE = 0x1, 0x200, 0x400
_IFF_UP = 0x1
_IFLA_ADDRESS, _IFLA_IFNAME, _IFLA_LINK, _IFLA_LINKINFO, _IFLA_IFALIAS, _IFLA_AF_SPEC = 1, 3, 5, 18, 20, 26
_INFO_KIND, _INFO_DATA, _MACVLAN_MODE, _PRIVATE = 1, 2, 1, 1
_INET6_ADDR_GEN_MODE, _NONE = 8, b"\1"

_SETTINGS: t.Mapping[str, int] = {
    # Answers for its own addresses only, asks in the name of its own only, and believes what comes in by it although
    # the way back leads through the interface below (loose: the only value that no setting of "all" makes strict).
    ARP_IGNORE: 1,
    ARP_ANNOUNCE: 2,
    RP_FILTER: 2,
    PROMOTE_SECONDARIES: 1,
}
_MARK = re.compile(r"mainstay: .* had arp_ignore (\d+), arp_announce (\d+)")

Before = t.Dict[str, int]
"""Settings of the interface below, as they were."""


def mark(device: str, before: Before) -> str:
    """The alias of a macvlan of ours on `device`."""
    return f"mainstay: {device} had arp_ignore {before[ARP_IGNORE]}, arp_announce {before[ARP_ANNOUNCE]}"


def marked(link: rtnl.Link) -> t.Optional[Before]:
    """What its mark remembers; None when the link is not a macvlan of ours."""
    found = _MARK.fullmatch(link.alias) if link.kind == "macvlan" else None
    return None if found is None else {ARP_IGNORE: int(found[1]), ARP_ANNOUNCE: int(found[2])}


def make(orders: OrderSocket, name: str, parent: int, hardware_address: bytes, alias: str) -> int:
    """Make one of ours on this interface, down; its index. Raises OSError: then there is none."""
    attributes: t.List[t.Tuple[int, Encoded]] = [
        (_IFLA_IFNAME, name.encode() + b"\0"),
        (_IFLA_LINK, u32(parent)),
        (_IFLA_ADDRESS, hardware_address),
        (_IFLA_LINKINFO, [(_INFO_KIND, b"macvlan\0"), (_INFO_DATA, [(_MACVLAN_MODE, u32(_PRIVATE))])]),
    ]
    _order(orders, request(0, orders.next_sequence(), attributes, _CREATE | _EXCLUSIVE))
    index = socket.if_nametoindex(name)
    try:
        prepare(orders, index, alias)
    except OSError:
        delete(orders, index)
        raise
    return index


def prepare(orders: OrderSocket, index: int, alias: str) -> None:
    """Mark it and set what it needs; its kernel default would be to make itself an address of its MAC (NDP-09)."""
    _order(orders, request(index, orders.next_sequence(), [(_IFLA_IFALIAS, alias.encode())]))
    for name, value in _SETTINGS.items():
        write_setting(orders, index, name, value)
    no_address = [(socket.AF_INET6, [(_INET6_ADDR_GEN_MODE, _NONE)])]
    try:
        _order(orders, request(index, orders.next_sequence(), [(_IFLA_AF_SPEC, no_address)]))
    except OSError as error:
        if error.errno not in (errno.EAFNOSUPPORT, errno.EINVAL):  # a kernel, or an interface, without IPv6
            raise


def delete(orders: OrderSocket, index: int) -> None:
    """Delete it with all its addresses. Raises OSError; one that is gone already is no complaint."""
    body = _IFINFO.pack(socket.AF_UNSPEC, 0, index, 0, 0)
    sequence = orders.next_sequence()
    try:
        _order(orders, _HEADER.pack(_HEADER.size + len(body), rtnl.RTM_DELLINK, _REQUEST, sequence, 0) + body)
    except OSError as error:
        if error.errno != errno.ENODEV:
            raise


def set_up(orders: OrderSocket, index: int, enabled: bool) -> None:
    """Administratively up or down. Raises OSError, EBUSY when another link of that interface has the same MAC."""
    _order(orders, request(index, orders.next_sequence(), [], flags=_IFF_UP if enabled else 0, change=_IFF_UP))


def request(
    index: int,
    sequence: int,
    attributes: t.Sequence[t.Tuple[int, Encoded]],
    create: int = 0,
    flags: int = 0,
    change: int = 0,
) -> bytes:
    """RTM_NEWLINK; without `create` it changes the link of that index. No acknowledgement, as for every order."""
    body = _IFINFO.pack(socket.AF_UNSPEC, 0, index, flags, change) + encode(attributes)
    return _HEADER.pack(_HEADER.size + len(body), rtnl.RTM_NEWLINK, _REQUEST | create, sequence, 0) + body


def _order(orders: OrderSocket, batch: bytes) -> None:
    refused = orders.send(batch)
    if refused:
        raise OSError(refused[0].errno, os.strerror(refused[0].errno))
