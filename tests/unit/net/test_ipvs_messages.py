# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ip_vs in bytes: what we send, and what a kernel sent."""

from __future__ import annotations

import errno
import socket
import struct

import pytest
from hypothesis import given, strategies as st

from mainstay.lvs.operations import (
    AddDestination,
    AddService,
    Operation,
    RemoveDestination,
    RemoveService,
    SetDestination,
)
from mainstay.lvs.table import Destination, DestinationKey, Service, ServiceKey
from mainstay.net import ipvs_messages as messages
from mainstay.net.ipvs_refusals import refusal_sentence
from mainstay.net.netlink import Answer, decode

WEB = ServiceKey("TCP", "192.0.2.10", 80)
SERVER = DestinationKey("192.0.2.21", 8080)

# What Linux 6.1 sent for entries made with ipvsadm, without their statistics.
PERSISTENT_SERVICE = (
    "01010000 5c000100 0600010002000000 0600020006000000 14000300c000020a000000000000000000000000"
    "0600040000500000 0800060077727200 0c00070003000000ffffffff 080008002c010000 08000900ffffffff"
)
MARKED_SERVICE = (
    "01010000 3c000100 0600010002000000 0800050007000000 0700060072720000"
    "0c00070002000000ffffffff 0800080000000000 08000900ffffffff"
)
SERVICE_OF_IPV6 = (
    "01010000 58000100 060001000a000000 0600020011000000 1400030020010db8000000000000000000000010"
    "0600040000350000 070006006d680000 0c00070002000000ffffffff 0800080000000000 0800090080000000"
)
DIRECT_SERVER = (
    "05010000 70000200 14000100c0000215000000000000000000000000 060002001f900000 0800030003000000 0800040003000000"
    "05000d0000000000 06000e0000000000 06000f0000000000 0800050000000000 0800060000000000"
    "0800070002000000 0800080005000000 0800090000000000 06000b0002000000"
)

PORTS = st.integers(1, 65535)
ADDRESSES = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)).map(lambda address: _kernel_text(str(address)))
KEYS = st.builds(ServiceKey, st.sampled_from(["TCP", "UDP"]), ADDRESSES, PORTS)
ALGORITHMS = st.sampled_from(["rr", "wrr", "lc", "wlc", "sh", "mh"])
SERVICES = st.builds(Service, KEYS, ALGORITHMS, st.integers(0, 86400))
DESTINATIONS = st.builds(
    Destination,
    st.builds(DestinationKey, ADDRESSES, PORTS),
    st.sampled_from(["NAT", "DR"]),
    st.integers(0, 65535),
)


def _kernel_text(address: str) -> str:
    """The one spelling that inet_ntop gives, which is also the configuration's."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return socket.inet_ntop(family, socket.inet_pton(family, address))


@given(SERVICES)
def test_a_service_survives_the_way_there_and_back(service: Service) -> None:
    assert messages.decode_service(messages.service_body(messages.NEW_SERVICE, service)) == service


@given(KEYS, DESTINATIONS)
def test_a_server_survives_the_way_there_and_back(key: ServiceKey, destination: Destination) -> None:
    body = messages.destination_body(messages.NEW_DEST, key, destination)
    assert messages.decode_destination(body, key) == (destination, (0, 0))


def test_ports_travel_in_network_order_and_weights_in_host_order() -> None:
    body = messages.destination_body(messages.SET_DEST, WEB, Destination(SERVER, "DR", 3))
    found = decode(decode(body, messages.HEADER_SIZE)[2])
    assert found[2] == struct.pack("!H", 8080)
    assert found[4] == struct.pack("=I", 3)


@pytest.mark.parametrize(("sent", "expected"), [
    (PERSISTENT_SERVICE, Service(WEB, "wrr", 300)),
    (SERVICE_OF_IPV6, Service(ServiceKey("UDP", "2001:db8::10", 53), "mh", 0)),
    (MARKED_SERVICE, None),
], ids=["persistent", "IPv6", "firewall mark"])  # fmt: skip
def test_services_as_a_kernel_sent_them(sent: str, expected: Service) -> None:
    assert messages.decode_service(bytes.fromhex(sent)) == expected


def test_a_server_as_a_kernel_sent_it() -> None:
    decoded = messages.decode_destination(bytes.fromhex(DIRECT_SERVER), WEB)
    assert decoded == (Destination(SERVER, "DR", 3), (2, 5))


ADD = AddService(Service(WEB, "mh"))
PUT = AddDestination(WEB, Destination(SERVER, "NAT", 1))


@pytest.mark.parametrize(("operation", "answer", "sentence"), [
    (ADD, Answer(errno.ENOENT),
     "scheduler mh is not in this kernel: load it with 'modprobe ip_vs_mh' (No such file or directory)"),
    (ADD, Answer(errno.EPERM),
     "mainstayd may not change ip_vs: it needs the capability CAP_NET_ADMIN (Operation not permitted)"),
    (ADD, Answer(errno.EINVAL, "bad attribute"),
     "ip_vs refused service TCP 192.0.2.10:80 (Invalid argument: bad attribute)"),
    (RemoveService(WEB), Answer(errno.ESRCH), "service TCP 192.0.2.10:80 does not exist (No such process)"),
    (PUT, Answer(errno.ESRCH),
     "real_server 192.0.2.21:8080 of service TCP 192.0.2.10:80: the service does not exist (No such process)"),
    (SetDestination(WEB, PUT.destination), Answer(errno.ENOENT),
     "real_server 192.0.2.21:8080 of service TCP 192.0.2.10:80 does not exist (No such file or directory)"),
    (RemoveDestination(WEB, SERVER), Answer(errno.ENOENT),
     "real_server 192.0.2.21:8080 of service TCP 192.0.2.10:80 does not exist (No such file or directory)"),
])  # fmt: skip
def test_a_refusal_names_the_object_and_what_the_kernel_said(
    operation: Operation, answer: Answer, sentence: str
) -> None:
    assert refusal_sentence(operation, answer) == sentence
