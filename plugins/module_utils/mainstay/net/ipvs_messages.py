# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ip_vs in bytes: services and destinations, there and back.

Layout: linux/ip_vs.h, `enum IPVS_CMD_*` and its attributes. Ports and the IPv4 netmask are in network order,
everything else in host order; addresses fill the first bytes of a 16 byte field.
"""

from __future__ import annotations

import socket
import struct
import typing as t

from ..lvs.table import Destination, DestinationKey, Service, ServiceKey, Tunnel
from . import ipvs_words as words
from .netlink import Attributes, Encoded, decode, encode, u32

FAMILY = "IPVS"
NEW_SERVICE, SET_SERVICE, DEL_SERVICE, GET_SERVICE = 1, 2, 3, 4
NEW_DEST, SET_DEST, DEL_DEST, GET_DEST = 5, 6, 7, 8
SET_CONFIG, GET_CONFIG, FLUSH = 12, 13, 17

_VERSION = 1
_CMD_SERVICE, _CMD_DEST = 1, 2
_SVC_AF, _SVC_PROTOCOL, _SVC_ADDR, _SVC_PORT, _SVC_FWMARK = 1, 2, 3, 4, 5
_SVC_SCHED_NAME, _SVC_FLAGS, _SVC_TIMEOUT, _SVC_NETMASK, _SVC_PE_NAME = 6, 7, 8, 9, 11
_DEST_ADDR, _DEST_PORT, _DEST_FWD_METHOD, _DEST_WEIGHT = 1, 2, 3, 4
_DEST_U_THRESH, _DEST_L_THRESH, _DEST_ACTIVE_CONNS, _DEST_INACT_CONNS = 5, 6, 7, 8
_DEST_ADDR_FAMILY, _DEST_TUN_TYPE, _DEST_TUN_PORT, _DEST_TUN_FLAGS = 11, 13, 14, 15

_FLAGS = struct.Struct("=II")  # value, mask
_HEADER = struct.Struct("=BBH")  # command, version, reserved
HEADER_SIZE = _HEADER.size

Connections = t.Tuple[int, int]
"""Active and inactive."""


def command_body(command: int, attributes: t.Sequence[t.Tuple[int, Encoded]] = ()) -> bytes:
    """Any command; without attributes GET_SERVICE (the dump of all), FLUSH or GET_CONFIG."""
    return _HEADER.pack(command, _VERSION, 0) + encode(attributes)


def service_body(command: int, service: Service) -> bytes:
    """NEW_SERVICE or SET_SERVICE with everything the kernel wants to know; what is not said is reset."""
    persistent = words.PERSISTENT if service.persistence_timeout else 0
    netmask = words.netmask_field(service.key.ipv6, service.persistence_granularity, service.flags)
    attributes = [
        *_service_identity(service.key),
        (_SVC_SCHED_NAME, _string(service.lb_algo)),
        (_SVC_FLAGS, _FLAGS.pack(words.flag_bits(service.flags) | persistent, 0xFFFFFFFF)),
        (_SVC_TIMEOUT, u32(service.persistence_timeout)),
        (_SVC_NETMASK, netmask),
    ]
    if service.persistence_engine:
        attributes.append((_SVC_PE_NAME, _string(service.persistence_engine)))
    return command_body(command, [(_CMD_SERVICE, attributes)])


def service_key_body(command: int, key: ServiceKey) -> bytes:
    """DEL_SERVICE, or GET_DEST for the dump of one pool."""
    return command_body(command, [(_CMD_SERVICE, _service_identity(key))])


def destination_body(command: int, key: ServiceKey, destination: Destination) -> bytes:
    """NEW_DEST or SET_DEST."""
    attributes = [
        *_destination_identity(destination.key),
        (_DEST_FWD_METHOD, u32(words.forwarding_number(destination.lb_kind))),
        (_DEST_WEIGHT, u32(destination.weight)),
        (_DEST_U_THRESH, u32(destination.upper_threshold)),
        (_DEST_L_THRESH, u32(destination.lower_threshold)),
    ]
    if destination.tunnel is not None:
        attributes += _tunnel(destination.tunnel)
    return _destination_message(command, key, attributes)


def destination_key_body(key: ServiceKey, destination: DestinationKey) -> bytes:
    """DEL_DEST."""
    return _destination_message(DEL_DEST, key, _destination_identity(destination))


def decode_service(body: bytes) -> Service:
    """A service of a dump, without its pool."""
    found = decode(decode(body, HEADER_SIZE)[_CMD_SERVICE])
    key = _service_key(found)
    bits, _mask = _FLAGS.unpack(found[_SVC_FLAGS])
    flags, timeout, granularity = words.flag_words(bits), 0, None
    if bits & words.PERSISTENT:
        timeout = _number(found, _SVC_TIMEOUT, 4)
        granularity, odd_mask = words.granularity_of(key.ipv6, found[_SVC_NETMASK])
        flags |= odd_mask
    return Service(
        key,
        lb_algo=_text(found[_SVC_SCHED_NAME]),
        persistence_timeout=timeout,
        persistence_granularity=granularity,
        persistence_engine=_text(found.get(_SVC_PE_NAME, b"")),
        flags=flags,
    )


def decode_destination(body: bytes, service: ServiceKey) -> t.Tuple[Destination, Connections]:
    """A destination of a dump, with its connections."""
    found = decode(decode(body, HEADER_SIZE)[_CMD_DEST])
    # Kernels before 3.18 do not say the family: there it is the service's.
    family = _number(found, _DEST_ADDR_FAMILY, 2) or _family(service)
    kind = words.forwarding_word(_number(found, _DEST_FWD_METHOD, 4))
    destination = Destination(
        DestinationKey(_address(family, found[_DEST_ADDR]), _port(found[_DEST_PORT])),
        lb_kind=kind,
        weight=_number(found, _DEST_WEIGHT, 4),
        upper_threshold=_number(found, _DEST_U_THRESH, 4),
        lower_threshold=_number(found, _DEST_L_THRESH, 4),
        tunnel=_found_tunnel(found) if kind == "TUN" else None,
    )
    return destination, (_number(found, _DEST_ACTIVE_CONNS, 4), _number(found, _DEST_INACT_CONNS, 4))


def _destination_message(command: int, key: ServiceKey, attributes: t.Sequence[t.Tuple[int, Encoded]]) -> bytes:
    return command_body(command, [(_CMD_SERVICE, _service_identity(key)), (_CMD_DEST, attributes)])


def _service_identity(key: ServiceKey) -> t.List[t.Tuple[int, Encoded]]:
    family = _family(key)
    if key.fwmark:
        return [(_SVC_AF, struct.pack("=H", family)), (_SVC_FWMARK, u32(key.fwmark))]
    return [
        (_SVC_AF, struct.pack("=H", family)),
        (_SVC_PROTOCOL, struct.pack("=H", words.protocol_number(key.protocol))),
        (_SVC_ADDR, socket.inet_pton(family, key.address).ljust(16, b"\0")),
        (_SVC_PORT, struct.pack("!H", key.port)),
    ]


def _service_key(found: Attributes) -> ServiceKey:
    family = _number(found, _SVC_AF, 2)
    mark = _number(found, _SVC_FWMARK, 4)
    if mark:
        return ServiceKey("", "", 0, mark, "inet6" if family == socket.AF_INET6 else "inet")
    protocol = words.protocol_word(_number(found, _SVC_PROTOCOL, 2))
    return ServiceKey(protocol, _address(family, found[_SVC_ADDR]), _port(found[_SVC_PORT]))


def _destination_identity(key: DestinationKey) -> t.List[t.Tuple[int, Encoded]]:
    family = socket.AF_INET6 if ":" in key.address else socket.AF_INET
    return [
        (_DEST_ADDR_FAMILY, struct.pack("=H", family)),
        (_DEST_ADDR, socket.inet_pton(family, key.address).ljust(16, b"\0")),
        (_DEST_PORT, struct.pack("!H", key.port)),
    ]


def _tunnel(tunnel: Tunnel) -> t.List[t.Tuple[int, Encoded]]:
    kind, port, flags = words.tunnel_numbers(tunnel)
    return [
        (_DEST_TUN_TYPE, struct.pack("=B", kind)),
        (_DEST_TUN_PORT, struct.pack("!H", port)),
        (_DEST_TUN_FLAGS, struct.pack("=H", flags)),
    ]


def _found_tunnel(found: Attributes) -> Tunnel:
    """Kernels before 5.2 know only ipip and do not say so."""
    kind = found[_DEST_TUN_TYPE][0] if _DEST_TUN_TYPE in found else 0
    port = _port(found[_DEST_TUN_PORT]) if _DEST_TUN_PORT in found else 0
    return words.tunnel_of(kind, port, _number(found, _DEST_TUN_FLAGS, 2))


def _family(key: ServiceKey) -> int:
    return socket.AF_INET6 if key.ipv6 else socket.AF_INET


def _address(family: int, field: bytes) -> str:
    return socket.inet_ntop(family, field[: 16 if family == socket.AF_INET6 else 4])


def _port(field: bytes) -> int:
    (port,) = struct.unpack_from("!H", field)
    return int(port)


def _string(word: str) -> bytes:
    return word.encode() + b"\0"


def _text(field: bytes) -> str:
    return field.rstrip(b"\0").decode("utf-8", "replace")


def _number(found: Attributes, kind: int, size: int) -> int:
    """A number of 2 or 4 bytes in host order; 0 when the attribute is absent."""
    field = found.get(kind, b"")
    if len(field) < size:
        return 0
    (number,) = struct.unpack_from("=H" if size == 2 else "=I", field)
    return int(number)
