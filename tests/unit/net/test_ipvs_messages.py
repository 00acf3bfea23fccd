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
from mainstay.lvs.table import Destination, DestinationKey, Service, ServiceKey, Tunnel
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
    "05010000 78000200 14000100c0000215000000000000000000000000 060002001f900000 0800030003000000 0800040003000000"
    "05000d0000000000 06000e0000000000 06000f0000000000 0800050000000000 0800060000000000"
    "0800070002000000 0800080005000000 0800090000000000 06000b0002000000"
)

PORTS = st.integers(0, 65535)
ADDRESSES = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)).map(lambda address: _kernel_text(str(address)))
PLACES = st.builds(
    ServiceKey, st.sampled_from(["TCP", "UDP", "SCTP", "protocol 50"]), ADDRESSES, PORTS, st.just(0), st.just("")
)
MARKS = st.builds(
    ServiceKey, st.just(""), st.just(""), st.just(0), st.integers(1, 2**32 - 1), st.sampled_from(["inet", "inet6"])
)
KEYS = st.one_of(PLACES, MARKS)
FLAGS = st.frozensets(st.sampled_from(["ops", "fallback", "port", "flag-3", "0x40", "0x80000000"]))
TUNNELS = st.builds(
    Tunnel, st.sampled_from(["ipip", "gue", "gre", "type 7"]), PORTS, st.sampled_from(["nocsum", "csum", "flags 3"])
)
THRESHOLDS = st.integers(0, 2**31 - 1)


@st.composite
def services(draw: st.DrawFn) -> Service:
    """With a granularity only where there is persistence, and none that says what None says."""
    key, timeout = draw(KEYS), draw(st.integers(0, 86400))
    lengths = st.one_of(st.none(), st.integers(1, 127 if key.ipv6 else 31))
    algorithm = draw(st.sampled_from(["rr", "wrr", "lblcr", "sh", "mh", "ovf"]))
    granularity = draw(lengths) if timeout else None
    return Service(key, algorithm, timeout, {}, granularity, draw(st.sampled_from(["", "sip"])), draw(FLAGS))


@st.composite
def destinations(draw: st.DrawFn) -> Destination:
    kind = draw(st.sampled_from(["NAT", "DR", "TUN", "LOCAL", "BYPASS", "method 6"]))
    key = draw(st.builds(DestinationKey, ADDRESSES, PORTS))
    tunnel = draw(TUNNELS) if kind == "TUN" else None
    return Destination(key, kind, draw(THRESHOLDS), draw(THRESHOLDS), draw(THRESHOLDS), tunnel)


def _kernel_text(address: str) -> str:
    """The one spelling that inet_ntop gives, which is also the configuration's."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return socket.inet_ntop(family, socket.inet_pton(family, address))


@given(services())
def test_a_service_survives_the_way_there_and_back(service: Service) -> None:
    assert messages.decode_service(messages.service_body(messages.NEW_SERVICE, service)) == service


@given(KEYS, destinations())
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
    (MARKED_SERVICE, Service(ServiceKey("", "", 0, 7, "inet"), "rr")),
    (PERSISTENT_SERVICE.replace("08000900ffffffff", "08000900ffffff00"),
     Service(WEB, "wrr", 300, persistence_granularity=24)),
    (PERSISTENT_SERVICE.replace("08000900ffffffff", "08000900ff00ff00"),
     Service(WEB, "wrr", 300, flags=frozenset({"netmask 255.0.255.0"}))),
    (MARKED_SERVICE.replace("0c00070002", "0c0007007e"),
     Service(ServiceKey("", "", 0, 7, "inet"), "rr", flags=frozenset({"ops", "fallback", "port", "flag-3", "0x40"}))),
], ids=["persistent", "IPv6", "firewall mark", "network", "odd mask", "all flags and one of the future"])  # fmt: skip
def test_services_as_a_kernel_sent_them(sent: str, expected: Service) -> None:
    assert messages.decode_service(bytes.fromhex(sent)) == expected


def test_a_server_as_a_kernel_sent_it() -> None:
    decoded = messages.decode_destination(bytes.fromhex(DIRECT_SERVER), WEB)
    assert decoded == (Destination(SERVER, "DR", 3), (2, 5))


def test_an_odd_mask_of_somebody_else_survives_too() -> None:
    odd = Service(WEB, "rr", 60, flags=frozenset({"netmask 255.0.255.0"}))
    assert messages.decode_service(messages.service_body(messages.NEW_SERVICE, odd)) == odd


ADD = AddService(Service(WEB, "mh"))
PUT = AddDestination(WEB, Destination(SERVER, "NAT", 1))


@pytest.mark.parametrize(("operation", "answer", "sentence"), [
    (ADD, Answer(errno.ENOENT),
     "scheduler mh is not in this kernel: load it with 'modprobe ip_vs_mh' (No such file or directory)"),
    (AddService(Service(WEB, "nosuch", persistence_engine="sip")), Answer(errno.ENOENT),
     "scheduler nosuch is not in this kernel: load it with 'modprobe ip_vs_nosuch' (No such file or directory)"),
    (ADD, Answer(errno.EPERM),
     "mainstayd may not change ip_vs: it needs the capability CAP_NET_ADMIN (Operation not permitted)"),
    (ADD, Answer(errno.EINVAL, "bad attribute"),
     "ip_vs refused service TCP 192.0.2.10:80 (Invalid argument: bad attribute)"),
    (RemoveService(WEB), Answer(errno.ESRCH), "service TCP 192.0.2.10:80 does not exist (No such process)"),
    (PUT, Answer(errno.ESRCH),
     "real_server 192.0.2.21:8080 of service TCP 192.0.2.10:80: the service does not exist (No such process)"),
    (AddDestination(WEB, Destination(DestinationKey("2001:db8::21", 80), "NAT", 1)), Answer(errno.EINVAL),
     "real_server [2001:db8::21]:80 of service TCP 192.0.2.10:80: a server of another address family than its service's"
     " needs lb_kind TUN (Invalid argument)"),
    (AddDestination(WEB, Destination(DestinationKey("2001:db8::21", 80), "TUN", 1)), Answer(errno.EINVAL),
     "real_server [2001:db8::21]:80 of service TCP 192.0.2.10:80: ip_vs cannot mix address families while it"
     " synchronises connections (lvs_sync_daemon) (Invalid argument)"),
    (AddDestination(WEB, Destination(SERVER, "TUN", 1, tunnel=Tunnel("gue"))), Answer(errno.EINVAL),
     "real_server 192.0.2.21:8080 of service TCP 192.0.2.10:80: tun_type gue needs tun_port (Invalid argument)"),
    (PUT, Answer(errno.EINVAL), "real_server 192.0.2.21:8080 of service TCP 192.0.2.10:80: no server can have this"
     " address (multicast, broadcast or link-local?) (Invalid argument)"),
    (SetDestination(WEB, Destination(SERVER, "NAT", 1, 10, 20)), Answer(errno.ERANGE),
     "real_server 192.0.2.21:8080 of service TCP 192.0.2.10:80: lthreshold is above uthreshold"
     " (Numerical result out of range)"),
    (SetDestination(WEB, PUT.destination), Answer(errno.ENOENT),
     "real_server 192.0.2.21:8080 of service TCP 192.0.2.10:80 does not exist (No such file or directory)"),
    (RemoveDestination(WEB, SERVER), Answer(errno.ENOENT),
     "real_server 192.0.2.21:8080 of service TCP 192.0.2.10:80 does not exist (No such file or directory)"),
])  # fmt: skip
def test_a_refusal_names_the_object_and_what_the_kernel_said(
    operation: Operation, answer: Answer, sentence: str
) -> None:
    assert refusal_sentence(operation, answer) == sentence
