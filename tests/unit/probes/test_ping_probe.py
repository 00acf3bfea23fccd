# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PING_CHECK against messages that scapy reads and writes."""

from __future__ import annotations

import struct
import typing as t

import pytest
from scapy.layers.inet import ICMP
from scapy.layers.inet6 import ICMPv6EchoRequest

from mainstay.model.check_config import PingCheck
from mainstay.probes.ping import PingProbe, tasks
from mainstay.probes.verdict import Verdict

from .dialogues import NOW, no_search

UP = Verdict(True, "echo reply")
REPLY = {"192.0.2.21": 0, "2001:db8::21": 129}


def asked(address: str, now: int = NOW) -> tuple[PingProbe, bytes]:
    probe = PingProbe(address)
    return probe, t.cast(bytes, probe.start(now))


def reply(request: bytes, address: str, number: int | None = None) -> bytes:
    """What the server makes of it; the kernel of an ICMP socket has put another id in."""
    own = struct.unpack_from("!H", request, 4)[0]
    return (
        bytes([REPLY[address], 0]) + request[2:4] + struct.pack("!H", own if number is None else number) + request[6:]
    )


def test_scapy_reads_an_echo_request_with_a_right_checksum() -> None:
    _, request = asked("192.0.2.21")
    message = ICMP(request)
    assert (message.type, message.code, message.seq) == (8, 0, 1)
    message.chksum = None
    assert bytes(message) == request, "scapy computes another checksum"


def test_scapy_reads_an_echo_request_of_icmpv6() -> None:
    _, request = asked("2001:db8::21")
    message = ICMPv6EchoRequest(request)
    assert (message.type, message.code, message.seq) == (128, 0, 1)


@pytest.mark.parametrize("address", list(REPLY))
def test_the_reply_is_up_whatever_id_the_kernel_chose(address: str) -> None:
    probe, request = asked(address)
    assert probe.receive(reply(request, address, number=4711), NOW) == UP


@pytest.mark.parametrize("address", list(REPLY))
def test_what_is_not_our_reply_is_passed_over(address: str) -> None:
    probe, request = asked(address)
    ours = reply(request, address)
    _, another = asked(address, now=NOW + 1)
    for stranger in (
        b"",
        request,
        ours[:-1],
        ours + b"\0",
        ours[:6] + b"\0\2" + ours[8:],
        b"\3\1" + ours[2:],
        reply(another, address),
    ):
        assert probe.receive(stranger, NOW) is None, stranger
    assert probe.awaits() == "echo reply to our request (passed over 7 others)"
    assert probe.receive(ours, NOW) == UP


def test_it_goes_to_the_address_of_the_check_and_to_no_port() -> None:
    (task,) = tasks(PingCheck(connect_ip="192.0.2.9", bind_if="eth1"), "192.0.2.21", 80, no_search)
    assert (task.transport, task.address, task.port, task.source.bind_if) == ("icmp", "192.0.2.9", 0, "eth1")
