# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Flows of our services in the kernel's connection tracking: count them, end stray ones.

linux/netfilter/nfnetlink_conntrack.h. Numbers inside these attributes are in network order. The kernel filters by
service (CTA_FILTER, Linux 5.8); older kernels send every flow, so each one is looked at again here.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
import typing as t
from dataclasses import dataclass

from ..lvs.table import DestinationKey, ServiceKey, Table
from .netlink import NESTED, Attributes, KernelSocket, Message, decode, encode, u32

_NETLINK_NETFILTER = 12
_CT_GET, _CT_DELETE = 0x0101, 0x0102  # subsystem ctnetlink (1), then the message
_HEADER = struct.pack("!BBH", socket.AF_INET, 0, 0)

_CTA_TUPLE_ORIG, _CTA_TUPLE_REPLY, _CTA_PROTOINFO, _CTA_FILTER = 1, 2, 4, 25
_CTA_TUPLE_IP, _CTA_TUPLE_PROTO = 1, 2
_CTA_IP_SRC, _CTA_IP_DST = 1, 2
_CTA_PROTO_NUM, _CTA_PROTO_SRC_PORT, _CTA_PROTO_DST_PORT = 1, 2, 3
_CTA_PROTOINFO_TCP, _CTA_PROTOINFO_TCP_STATE = 1, 1
_CTA_FILTER_ORIG_FLAGS, _CTA_FILTER_REPLY_FLAGS = 1, 2
_BY_DESTINATION = 1 << 1 | 1 << 3 | 1 << 5  # address, protocol number, port
_ESTABLISHED = b"\3"

_PROTOCOLS: t.Mapping[str, int] = {"TCP": socket.IPPROTO_TCP, "UDP": socket.IPPROTO_UDP}
_COUNT_FILE = "/proc/sys/net/netfilter/nf_conntrack_count"
_COUNT_LIMIT = 50_000
"""Flows in the whole namespace beyond which counting would hold up the health checks (15 us a flow)."""


class ConntrackUnavailable(Exception):
    """The kernel does not tell about flows; the text names the remedy."""


@dataclass(frozen=True)
class _Flow:
    """One tracked flow of a service."""

    server: DestinationKey
    """Where the answers come from."""
    active: bool
    original: bytes
    """The original direction as the kernel wrote it: what identifies the flow."""


class Conntrack:
    """Opened when first needed, in the namespace of that moment."""

    def __init__(self) -> None:
        self._socket: t.Optional[KernelSocket] = None

    def close(self) -> None:
        """Give the socket back."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def count(self, table: Table) -> t.Dict[t.Tuple[ServiceKey, DestinationKey], t.Tuple[int, int]]:
        """Active and inactive flows per server of the table. Raises ConntrackUnavailable."""
        if _flows_in_namespace() > _COUNT_LIMIT:
            raise ConntrackUnavailable(f"more than {_COUNT_LIMIT} flows")
        counted = {(key, server): [0, 0] for key, service in table.items() for server in service.destinations}
        for key in table:
            for flow in self._flows(key):
                if (key, flow.server) in counted:
                    counted[key, flow.server][0 if flow.active else 1] += 1
        return {key: (active, inactive) for key, (active, inactive) in counted.items()}

    def end_flows(self, service: ServiceKey, keep: t.Container[DestinationKey]) -> None:
        """Forget the service's flows that lead anywhere but to `keep`. Raises ConntrackUnavailable."""
        stray = [flow for flow in self._flows(service) if flow.server not in keep]
        orders = [Message(_CT_DELETE, _HEADER + encode([(_CTA_TUPLE_ORIG | NESTED, flow.original)])) for flow in stray]
        for answer in self._kernel().order(orders):
            if answer.errno not in (0, errno.ENOENT):  # it may have ended by itself meanwhile
                raise ConntrackUnavailable(_sentence(answer.errno))

    def _flows(self, service: ServiceKey) -> t.List[_Flow]:
        try:
            bodies = self._kernel().dump(Message(_CT_GET, _HEADER + encode(_service_filter(service))))
        except OSError as error:
            raise ConntrackUnavailable(_sentence(error.errno or errno.ETIMEDOUT)) from error
        flows = (_decode_flow(body, service) for body in bodies)
        return [flow for flow in flows if flow is not None]

    def _kernel(self) -> KernelSocket:
        if self._socket is None:
            try:
                self._socket = KernelSocket(_NETLINK_NETFILTER)
            except OSError as error:
                raise ConntrackUnavailable(_sentence(error.errno or errno.EPROTONOSUPPORT)) from error
        return self._socket


def _service_filter(service: ServiceKey) -> t.List[t.Tuple[int, t.Any]]:
    address = [(_CTA_IP_DST, socket.inet_aton(service.address))]
    port = [
        (_CTA_PROTO_NUM, bytes([_PROTOCOLS[service.protocol]])),
        (_CTA_PROTO_DST_PORT, struct.pack("!H", service.port)),
    ]
    flags = [(_CTA_FILTER_ORIG_FLAGS, u32(_BY_DESTINATION)), (_CTA_FILTER_REPLY_FLAGS, u32(0))]
    return [(_CTA_TUPLE_ORIG, [(_CTA_TUPLE_IP, address), (_CTA_TUPLE_PROTO, port)]), (_CTA_FILTER, flags)]


def _decode_flow(body: bytes, service: ServiceKey) -> t.Optional[_Flow]:
    found = decode(body, len(_HEADER))
    original = _ends(found[_CTA_TUPLE_ORIG])
    if original.protocol != _PROTOCOLS[service.protocol] or original.destination != (service.address, service.port):
        return None
    server = DestinationKey(*_ends(found[_CTA_TUPLE_REPLY]).source)
    return _Flow(server, _tcp_state(found) == _ESTABLISHED, found[_CTA_TUPLE_ORIG])


class _Ends(t.NamedTuple):
    protocol: int
    source: t.Tuple[str, int]
    destination: t.Tuple[str, int]


def _ends(tuple_attribute: bytes) -> _Ends:
    """Protocol and both ends of one direction. A flow without ports (ICMP) or of IPv6 has port 0 and address ""."""
    parts = decode(tuple_attribute)
    addresses, ports = decode(parts[_CTA_TUPLE_IP]), decode(parts[_CTA_TUPLE_PROTO])
    source = (_address(addresses.get(_CTA_IP_SRC)), _port(ports.get(_CTA_PROTO_SRC_PORT)))
    destination = (_address(addresses.get(_CTA_IP_DST)), _port(ports.get(_CTA_PROTO_DST_PORT)))
    return _Ends(ports[_CTA_PROTO_NUM][0], source, destination)


def _address(field: t.Optional[bytes]) -> str:
    return socket.inet_ntoa(field) if field and len(field) == 4 else ""


def _port(field: t.Optional[bytes]) -> int:
    return int.from_bytes(field or b"", "big")


def _tcp_state(found: Attributes) -> bytes:
    tcp = decode(found.get(_CTA_PROTOINFO, b"")).get(_CTA_PROTOINFO_TCP, b"")
    return decode(tcp).get(_CTA_PROTOINFO_TCP_STATE, b"")


def _flows_in_namespace() -> int:
    """0 when connection tracking is not there: then there is nothing to count."""
    try:
        with open(_COUNT_FILE, encoding="ascii") as count:
            return int(count.read())
    except FileNotFoundError:
        return 0


def _sentence(number: int) -> str:
    if number in (errno.EINVAL, errno.EPROTONOSUPPORT, errno.EOPNOTSUPP):
        return "this kernel has no nf_conntrack_netlink: load it with 'modprobe nf_conntrack_netlink'"
    return f"conntrack does not answer: {os.strerror(number)}"
