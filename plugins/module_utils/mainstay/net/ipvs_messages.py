# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ip_vs in bytes: services and destinations, there and back.

Layout: linux/ip_vs.h, `enum IPVS_CMD_*` and its attributes. Ports are in network order, everything else in
host order; addresses fill the first bytes of a 16 byte field. What our table cannot express (firewall marks,
SCTP) decodes to None and so stays somebody else's.
"""

from __future__ import annotations

import socket
import struct
import typing as t

from ..lvs.table import Destination, DestinationKey, Service, ServiceKey
from .netlink import Attributes, Encoded, decode, encode, u32

FAMILY = "IPVS"
NEW_SERVICE, SET_SERVICE, DEL_SERVICE, GET_SERVICE = 1, 2, 3, 4
NEW_DEST, SET_DEST, DEL_DEST, GET_DEST = 5, 6, 7, 8

_VERSION = 1
_CMD_SERVICE, _CMD_DEST = 1, 2
_SVC_AF, _SVC_PROTOCOL, _SVC_ADDR, _SVC_PORT, _SVC_FWMARK = 1, 2, 3, 4, 5
_SVC_SCHED_NAME, _SVC_FLAGS, _SVC_TIMEOUT, _SVC_NETMASK = 6, 7, 8, 9
_DEST_ADDR, _DEST_PORT, _DEST_FWD_METHOD, _DEST_WEIGHT = 1, 2, 3, 4
_DEST_U_THRESH, _DEST_L_THRESH, _DEST_ACTIVE_CONNS, _DEST_INACT_CONNS = 5, 6, 7, 8
_DEST_ADDR_FAMILY = 11

_FLAG_PERSISTENT = 0x0001
_FLAGS = struct.Struct("=II")  # value, mask
_EVERY_CLIENT: t.Mapping[int, int] = {socket.AF_INET: 0xFFFFFFFF, socket.AF_INET6: 128}
_FORWARDING_MASK = 0x7

_PROTOCOLS = {"TCP": socket.IPPROTO_TCP, "UDP": socket.IPPROTO_UDP}
_PROTOCOL_NAMES: t.Dict[int, str] = {number: name for name, number in _PROTOCOLS.items()}
_FORWARDING = {"NAT": 0, "DR": 3}
# The first four methods of ip_vs; somebody else's LOCAL and TUN entries are read, never written.
_FORWARDING_NAMES = {0: "NAT", 1: "LOCAL", 2: "TUN", 3: "DR"}

_HEADER = struct.Struct("=BBH")  # command, version, reserved
HEADER_SIZE = _HEADER.size

Connections = t.Tuple[int, int]
"""Active and inactive."""


def service_body(command: int, service: Service) -> bytes:
    """NEW_SERVICE or SET_SERVICE with everything the kernel wants to know."""
    flags = _FLAG_PERSISTENT if service.persistence_timeout else 0
    attributes = [
        *_service_identity(service.key),
        (_SVC_SCHED_NAME, service.lb_algo.encode() + b"\0"),
        (_SVC_FLAGS, _FLAGS.pack(flags, 0xFFFFFFFF)),
        (_SVC_TIMEOUT, u32(service.persistence_timeout)),
        (_SVC_NETMASK, u32(_EVERY_CLIENT[_family(service.key.address)])),
    ]
    return _HEADER.pack(command, _VERSION, 0) + encode([(_CMD_SERVICE, attributes)])


def service_key_body(command: int, key: ServiceKey) -> bytes:
    """DEL_SERVICE, or GET_DEST for the dump of one pool."""
    return _HEADER.pack(command, _VERSION, 0) + encode([(_CMD_SERVICE, _service_identity(key))])


def services_body() -> bytes:
    """GET_SERVICE for the dump of all services."""
    return _HEADER.pack(GET_SERVICE, _VERSION, 0)


def destination_body(command: int, key: ServiceKey, destination: Destination) -> bytes:
    """NEW_DEST or SET_DEST; thresholds are off, as we know none."""
    attributes = [
        *_destination_identity(destination.key),
        (_DEST_FWD_METHOD, u32(_FORWARDING[destination.lb_kind])),
        (_DEST_WEIGHT, u32(destination.weight)),
        (_DEST_U_THRESH, u32(0)),
        (_DEST_L_THRESH, u32(0)),
    ]
    return _destination_message(command, key, attributes)


def destination_key_body(key: ServiceKey, destination: DestinationKey) -> bytes:
    """DEL_DEST."""
    return _destination_message(DEL_DEST, key, _destination_identity(destination))


def decode_service(body: bytes) -> t.Optional[Service]:
    """A service of a dump, without its pool; None for what the table has no words for."""
    found = decode(decode(body, HEADER_SIZE)[_CMD_SERVICE])
    protocol = _PROTOCOL_NAMES.get(_number(found, _SVC_PROTOCOL, 2)) if _SVC_PROTOCOL in found else None
    if protocol is None or _number(found, _SVC_FWMARK, 4):
        return None
    address = _address(_number(found, _SVC_AF, 2), found[_SVC_ADDR])
    flags, _mask = _FLAGS.unpack(found[_SVC_FLAGS])
    timeout = _number(found, _SVC_TIMEOUT, 4) if flags & _FLAG_PERSISTENT else 0
    scheduler = found[_SVC_SCHED_NAME].rstrip(b"\0").decode()
    return Service(ServiceKey(protocol, address, _port(found[_SVC_PORT])), scheduler, timeout)


def decode_destination(body: bytes, service: ServiceKey) -> t.Tuple[Destination, Connections]:
    """A destination of a dump, with its connections."""
    found = decode(decode(body, HEADER_SIZE)[_CMD_DEST])
    # Kernels before 3.18 do not say the family: there it is the service's.
    family = _number(found, _DEST_ADDR_FAMILY, 2) if _DEST_ADDR_FAMILY in found else _family(service.address)
    key = DestinationKey(_address(family, found[_DEST_ADDR]), _port(found[_DEST_PORT]))
    method = _number(found, _DEST_FWD_METHOD, 4) & _FORWARDING_MASK
    kind = _FORWARDING_NAMES.get(method, f"method {method}")
    connections = (_number(found, _DEST_ACTIVE_CONNS, 4), _number(found, _DEST_INACT_CONNS, 4))
    return Destination(key, kind, _number(found, _DEST_WEIGHT, 4)), connections


def _destination_message(command: int, key: ServiceKey, attributes: t.Sequence[t.Tuple[int, Encoded]]) -> bytes:
    return _HEADER.pack(command, _VERSION, 0) + encode(
        [(_CMD_SERVICE, _service_identity(key)), (_CMD_DEST, attributes)]
    )


def _service_identity(key: ServiceKey) -> t.List[t.Tuple[int, Encoded]]:
    family = _family(key.address)
    return [
        (_SVC_AF, struct.pack("=H", family)),
        (_SVC_PROTOCOL, struct.pack("=H", _PROTOCOLS[key.protocol])),
        (_SVC_ADDR, socket.inet_pton(family, key.address).ljust(16, b"\0")),
        (_SVC_PORT, struct.pack("!H", key.port)),
    ]


def _destination_identity(key: DestinationKey) -> t.List[t.Tuple[int, Encoded]]:
    family = _family(key.address)
    return [
        (_DEST_ADDR_FAMILY, struct.pack("=H", family)),
        (_DEST_ADDR, socket.inet_pton(family, key.address).ljust(16, b"\0")),
        (_DEST_PORT, struct.pack("!H", key.port)),
    ]


def _family(address: str) -> int:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def _address(family: int, field: bytes) -> str:
    return socket.inet_ntop(family, field[: 16 if family == socket.AF_INET6 else 4])


def _port(field: bytes) -> int:
    (port,) = struct.unpack_from("!H", field)
    return int(port)


def _number(found: Attributes, kind: int, size: int) -> int:
    """A number of 2 or 4 bytes in host order; 0 when the attribute is absent."""
    field = found.get(kind, b"")
    if len(field) < size:
        return 0
    (number,) = struct.unpack_from("=H" if size == 2 else "=I", field)
    return int(number)
