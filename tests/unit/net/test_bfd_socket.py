# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The UDP sockets of BFD on the loopback: what is read beside the payload, and which ports are taken."""

from __future__ import annotations

import errno
import select
import socket
import struct

import pytest

from mainstay.net import bfd_socket
from mainstay.net.bfd_socket import SOURCE_PORTS, BfdReceiver, BfdReceivers, BfdSender, Datagram

_SO_MEMINFO, _OF_OPTIONS = 55, 6  # linux/sock_diag.h: SK_MEMINFO_OPTMEM


@pytest.fixture(autouse=True)
def free_port(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not the real port: a BFD daemon may run on the machine that tests."""
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
        probe.bind(("", 0))
        monkeypatch.setattr(bfd_socket, "PORT", probe.getsockname()[1])


@pytest.mark.parametrize(
    ("family", "address", "ttl"),
    [(socket.AF_INET, "127.0.0.1", 255), (socket.AF_INET, "127.0.0.1", 7), (socket.AF_INET6, "::1", 255)],
)
def test_a_datagram_comes_with_its_addresses_and_ttl(family: int, address: str, ttl: int) -> None:
    receiver = BfdReceiver(family)
    sender = BfdSender(address, address, ttl, SOURCE_PORTS)
    try:
        assert receiver.receive() is None
        sender.send(b"x" * 24)
        assert select.select([receiver], [], [], 5)[0]
        assert receiver.receive() == Datagram(b"x" * 24, address, address, ttl)
        assert receiver.receive() is None
    finally:
        receiver.close()
        sender.close()


def test_two_senders_have_two_ports_and_a_third_finds_none() -> None:
    ports = range(SOURCE_PORTS.stop - 2, SOURCE_PORTS.stop)
    first, second = BfdSender(None, "127.0.0.1", 255, ports), BfdSender(None, "127.0.0.1", 255, ports)
    try:
        assert {first.port, second.port} == set(ports)
        with pytest.raises(OSError) as refused:
            BfdSender(None, "127.0.0.1", 255, ports)
        assert refused.value.errno == errno.EADDRINUSE
    finally:
        first.close()
        second.close()


def test_a_second_program_on_the_port_is_an_error() -> None:
    """Also of one that would share it, as ours does with itself."""
    first = BfdReceivers(socket.AF_INET, ["127.0.0.1"])
    try:
        with pytest.raises(OSError) as refused:
            BfdReceivers(socket.AF_INET, ["127.0.0.1"])
        assert refused.value.errno == errno.EADDRINUSE
    finally:
        first.close()


@pytest.mark.parametrize(
    ("family", "neighbor", "stranger"),
    [(socket.AF_INET, "127.0.0.2", "127.0.0.3"), (socket.AF_INET6, "::1", None)],
)
def test_what_neighbors_send_has_a_queue_of_its_own(family: int, neighbor: str, stranger: str | None) -> None:
    """The loopback has one IPv6 address: it is a stranger's, then a neighbor's."""
    receivers = BfdReceivers(family, [neighbor] if stranger else [])
    own = "127.0.0.1" if family == socket.AF_INET else "::1"

    def heard_by(source: str) -> list[str]:
        sender = BfdSender(source, own, 255, SOURCE_PORTS)
        try:
            sender.send(b"x" * 24)
        finally:
            sender.close()
        queues = {"neighbors": receivers.neighbors, "strangers": receivers.strangers}
        assert select.select(list(queues.values()), [], [], 5)[0]
        return [name for name, queue in queues.items() if queue.receive() is not None]

    try:
        assert heard_by(stranger or neighbor) == ["strangers"]
        receivers.know([neighbor])
        assert heard_by(neighbor) == ["neighbors"]
    finally:
        receivers.close()


@pytest.mark.parametrize("everybody", ["127.255.255.255", "224.0.0.1"])
def test_what_a_stranger_sends_to_everybody_fills_no_queue_of_neighbors(everybody: str) -> None:
    """The kernel gives a copy of it to each socket of the port, whatever the program chooses."""
    receivers = BfdReceivers(socket.AF_INET, ["127.0.0.2"])
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            stranger.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            stranger.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("127.0.0.1"))
            stranger.bind(("127.0.0.1", 0))
            stranger.sendto(b"x" * 24, (everybody, bfd_socket.PORT))
        assert select.select([receivers.strangers], [], [], 5)[0]
        assert receivers.strangers.receive() and receivers.neighbors.receive() is None
    finally:
        receivers.close()


@pytest.mark.parametrize(("family", "place"), [(socket.AF_INET, "10.0.{}.{}"), (socket.AF_INET6, "2001:db8::{}:{}")])
def test_however_many_neighbors_there_are_the_programs_find_room(family: int, place: str) -> None:
    """Before Linux 6.8 a socket's options have 20 KiB (net.core.optmem_max); a program takes the old one's place."""
    receivers = BfdReceivers(family, [place.format(number // 250, number % 250 + 1) for number in range(1000)])
    try:
        taken = receivers.neighbors.socket.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, 36)
        assert 0 < struct.unpack("9I", taken)[_OF_OPTIONS] < 20480 // 2
    finally:
        receivers.close()


def test_a_source_that_is_not_ours_fails_when_it_sends_not_before() -> None:
    sender = BfdSender("192.0.2.77", "127.0.0.1", 255, SOURCE_PORTS)
    try:
        with pytest.raises(OSError):
            sender.send(b"x" * 24)
    finally:
        sender.close()
