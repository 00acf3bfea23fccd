# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which packets the kernel's filter passes to a socket that hears some senders, or all but some."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from scapy.layers.inet import IP
from scapy.layers.inet6 import IPv6

from mainstay.net.sender_filter import NOBODY, all_but, only

from .bpf import passes

KNOWN = {4: ["192.0.2.1", "192.0.2.254"], 6: ["fe80::1", "fe80::ff:fe00:1", "2001:db8::1"]}
OTHERS = {4: ["192.0.2.2", "193.0.2.1"], 6: ["fe80::2", "fe81::1", "fe80:0:1::1", "fe80::1:0:0:1"]}
SENDERS = [
    pytest.param(family, sender, known, id=sender)
    for known, senders in ((True, KNOWN), (False, OTHERS))
    for family in (4, 6)
    for sender in senders[family]
]


def numbers(family: int) -> list[int]:
    return [int(ip_address(sender)) for sender in KNOWN[family]]


def heard(program: bytes, family: int, sender: str) -> bool:
    """As a raw socket meets it: an IPv4 datagram with its header, an IPv6 one without."""
    header = IPv6(src=sender, dst="ff02::12", nh=112) if family == 6 else IP(src=sender, dst="224.0.0.18", proto=112)
    message = b"12345678"
    datagram = bytes(header / message)
    return passes(program, message if family == 6 else datagram, datagram)


@pytest.mark.parametrize(("family", "sender", "known"), SENDERS)
def test_every_sender_is_heard_by_one_of_the_two_and_not_by_both(family: int, sender: str, known: bool) -> None:
    assert heard(only(numbers(family), family), family, sender) == known
    assert heard(all_but(numbers(family), family), family, sender) == (not known)


@pytest.mark.parametrize("family", [4, 6])
def test_without_a_sender_one_hears_nobody_and_the_other_everybody(family: int) -> None:
    sender = KNOWN[family][0]
    assert not heard(only((), family), family, sender) and not heard(NOBODY, family, sender)
    assert heard(all_but((), family), family, sender)
