# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The UDP sockets of BFD on the loopback: what is read beside the payload, and which ports are taken."""

from __future__ import annotations

import errno
import select
import socket

import pytest

from mainstay.net import bfd_socket
from mainstay.net.bfd_socket import SOURCE_PORTS, BfdReceiver, BfdSender, Datagram


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
    receiver = BfdReceiver(socket.AF_INET)
    try:
        with pytest.raises(OSError) as refused:
            BfdReceiver(socket.AF_INET)
        assert refused.value.errno == errno.EADDRINUSE
    finally:
        receiver.close()


def test_a_source_that_is_not_ours_fails_when_it_sends_not_before() -> None:
    sender = BfdSender("192.0.2.77", "127.0.0.1", 255, SOURCE_PORTS)
    try:
        with pytest.raises(OSError):
            sender.send(b"x" * 24)
    finally:
        sender.close()
