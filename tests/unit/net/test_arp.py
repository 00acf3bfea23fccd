# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gratuitous ARP as scapy reads it (NDP-02)."""

from __future__ import annotations

import pytest
from scapy.layers.l2 import ARP, Ether

from mainstay.net.arp import gratuitous_arp

MAC = bytes.fromhex("0200c0000201")


@pytest.mark.conformance("NDP-02")
def test_the_frame_is_a_broadcast_request_about_the_sender() -> None:
    frame = Ether(gratuitous_arp(MAC, "192.0.2.10"))

    assert (frame.dst, frame.src, frame.type) == ("ff:ff:ff:ff:ff:ff", "02:00:c0:00:02:01", 0x0806)
    arp = frame[ARP]
    assert (arp.hwtype, arp.ptype, arp.hwlen, arp.plen, arp.op) == (1, 0x0800, 6, 4, 1)
    assert (arp.psrc, arp.pdst) == ("192.0.2.10", "192.0.2.10")
    assert (arp.hwsrc, arp.hwdst) == ("02:00:c0:00:02:01", "00:00:00:00:00:00")


@pytest.mark.conformance_negative("NDP-02")
def test_a_link_without_ethernet_has_nothing_to_announce() -> None:
    with pytest.raises(ValueError, match="4 bytes is not an Ethernet address"):
        gratuitous_arp(b"\x0a\0\0\1", "192.0.2.10")
