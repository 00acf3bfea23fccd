# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Unsolicited neighbour advertisements as scapy reads them (NDP-03)."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st
from scapy.layers.inet6 import ICMPv6ND_NA, ICMPv6NDOptDstLLAddr, IPv6
from scapy.layers.l2 import Ether

from mainstay.net.ndp import neighbour_advertisement

MAC = bytes.fromhex("0200c0000201")


@pytest.mark.conformance("NDP-03")
def test_the_frame_tells_all_nodes_where_the_address_lives() -> None:
    frame = Ether(neighbour_advertisement(MAC, "2001:db8::10"))

    assert (frame.dst, frame.src, frame.type) == ("33:33:00:00:00:01", "02:00:c0:00:02:01", 0x86DD)
    header = frame[IPv6]
    assert (header.src, header.dst, header.hlim, header.tc) == ("2001:db8::10", "ff02::1", 255, 0xC0)
    assert (header.plen, header.nh) == (32, 58)
    told = frame[ICMPv6ND_NA]
    assert (told.R, told.S, told.O, told.tgt) == (1, 0, 1, "2001:db8::10")
    assert frame[ICMPv6NDOptDstLLAddr].lladdr == "02:00:c0:00:02:01"


@given(st.binary(min_size=6, max_size=6), st.ip_addresses(v=6))
def test_the_checksum_is_the_one_that_scapy_computes(hardware_address: bytes, address: object) -> None:
    sent = neighbour_advertisement(hardware_address, str(address))
    frame = Ether(sent)
    del frame[ICMPv6ND_NA].cksum
    assert bytes(frame) == sent


@pytest.mark.conformance_negative("NDP-03")
def test_a_link_without_ethernet_has_nothing_to_announce() -> None:
    with pytest.raises(ValueError, match="4 bytes is not an Ethernet address"):
        neighbour_advertisement(b"\x0a\0\0\1", "2001:db8::10")
