# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which frames the kernel's filter passes to the watch for our own address elsewhere (RX-21)."""

from __future__ import annotations

import pytest
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Ether

from mainstay.net.double_socket import filter_program

from .bpf import passes

OURS = ("192.0.2.1", "192.0.2.2", "192.0.2.3")


def vrrp(source: str) -> bytes:
    return bytes(Ether() / IP(src=source, dst="224.0.0.18", proto=112) / b"12345678")


@pytest.mark.conformance("RX-21")
@pytest.mark.parametrize("source", OURS)
def test_vrrp_from_each_of_our_addresses_passes(source: str) -> None:
    assert passes(filter_program(OURS), vrrp(source))


@pytest.mark.conformance_negative("RX-21")
@pytest.mark.parametrize(
    "frame",
    [vrrp("192.0.2.4"), bytes(Ether() / IP(src="192.0.2.1", dst="192.0.2.9") / UDP()), b"", vrrp("192.0.2.1")[:20]],
    ids=["another router", "another protocol", "nothing", "cut"],
)
def test_nothing_else_passes(frame: bytes) -> None:
    assert not passes(filter_program(OURS), frame)


def test_without_an_address_nothing_passes() -> None:
    assert not passes(filter_program(()), vrrp("192.0.2.1"))


def test_more_addresses_than_jumps_reach_make_a_sound_program() -> None:
    many = [f"10.0.{number // 256}.{number % 256}" for number in range(400)]
    program = filter_program(many)
    assert passes(program, vrrp("10.0.0.199")) and not passes(program, vrrp("10.0.1.100"))
