# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tens of thousands of flows in a director's connection tracking, written there as conntrackd writes those of another
machine: 60,000 a second, and no client and no server has to be there."""

from __future__ import annotations

import itertools
import socket
import struct
import typing as t

from netns.pool_lab import Namespace

from mainstay.lvs.table import DestinationKey, ServiceKey
from mainstay.net.netlink import encode

_NEW = 0x0100  # subsystem ctnetlink, IPCTNL_MSG_CT_NEW
_REQUEST, _ACKNOWLEDGE, _CREATE_ANEW = 0x1, 0x4, 0x600
_MESSAGE = struct.Struct("=IHHII")
_BATCH = 200
_LASTING = 600  # seconds
_SEEN_BOTH_WAYS = 0x18E  # confirmed, assured, both directions of NAT done
_ESTABLISHED = 3
_NUMBERS = {"TCP": 6, "UDP": 17}


def write_flows(namespace: Namespace, service: ServiceKey, server: DestinationKey, number: int, network: int) -> None:
    """So many established ones of clients in 10.NETWORK.0.0/16, each of its own."""
    with namespace.inside(), socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12) as kernel:
        kernel.bind((0, 0))
        bodies = (_flow(service, server, network, client) for client in range(number))
        for batch in iter(lambda: list(itertools.islice(bodies, _BATCH)), []):
            _write(kernel, batch)


def flows_of(namespace: Namespace, server: DestinationKey) -> int:
    """How many lead to this server, as conntrack(8) counts them."""
    listed = namespace.run("conntrack", "-L", "--reply-src", server.address)
    return len(listed.splitlines())


def _flow(service: ServiceKey, server: DestinationKey, network: int, client: int) -> bytes:
    number, source = _NUMBERS[service.protocol], (f"10.{network}.{client >> 8}.{client & 255}", 40000)
    state = [(4, [(1, [(1, bytes([_ESTABLISHED]))])])] if service.protocol == "TCP" else []
    attributes: list[t.Any] = [
        (1, _direction(number, source, (service.address, service.port))),
        (2, _direction(number, (server.address, server.port), source)),
        (7, struct.pack("!I", _LASTING)),
        (3, struct.pack("!I", _SEEN_BOTH_WAYS)),
        *state,
    ]
    return struct.pack("!BBH", socket.AF_INET, 0, 0) + encode(attributes)


def _direction(number: int, source: t.Tuple[str, int], destination: t.Tuple[str, int]) -> list[t.Any]:
    addresses = [(1, socket.inet_aton(source[0])), (2, socket.inet_aton(destination[0]))]
    ports = [(1, bytes([number])), (2, struct.pack("!H", source[1])), (3, struct.pack("!H", destination[1]))]
    return [(1, addresses), (2, ports)]


def _write(kernel: socket.socket, bodies: t.Sequence[bytes]) -> None:
    framed = [
        _MESSAGE.pack(_MESSAGE.size + len(body), _NEW, _REQUEST | _CREATE_ANEW | flags, 1, 0) + body
        for body, flags in zip(bodies, [0] * (len(bodies) - 1) + [_ACKNOWLEDGE])
    ]
    kernel.send(b"".join(framed))
    (refused,) = struct.unpack_from("=i", kernel.recv(65536), _MESSAGE.size)
    assert refused == 0, f"conntrack takes no flow: errno {-refused}"
