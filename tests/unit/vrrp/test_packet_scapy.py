# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Our packets and scapy's: a codec that no one here wrote agrees with ours in both directions."""

from __future__ import annotations

import pytest
from hypothesis import given, settings, strategies as st
from scapy.layers.inet import IP
from scapy.layers.inet6 import IPv6, in6_chksum
from scapy.layers.vrrp import VRRP, VRRPv3
from scapy.utils import checksum

from mainstay.model.units import NANOSECONDS_PER_SECOND
from mainstay.vrrp.advert import Advert
from mainstay.vrrp.authentication import auth_data
from mainstay.vrrp.checksum import ChecksumForm
from mainstay.vrrp.packet import decode_advert, encode_advert

from .packets import ADVERTS, ADVERTS_V2, ADVERTS_V6, CENTISECOND, GROUP, GROUP6, SOURCE, SOURCE6

PASSWORDS = st.none() | st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=8).map(
    auth_data
)

# scapy takes a dispatch on the first bytes only from 16 bytes up; the layer is named here instead.


@pytest.mark.conformance("PKT-01", "PKT-06", "PKT-11", "TX-05")
@settings(max_examples=50)
@given(ADVERTS)
def test_scapy_reads_what_we_send(advert: Advert) -> None:
    seen = VRRPv3(encode_advert(advert, SOURCE, GROUP), _underlayer=IP(src=SOURCE, dst=GROUP))
    assert (seen.version, seen.type, seen.res) == (3, 1, 0)
    assert (seen.vrid, seen.priority) == (advert.virtual_router_id, advert.priority)
    assert seen.adv * CENTISECOND == advert.advert_int
    assert tuple(seen.addrlist) == advert.addresses


@pytest.mark.conformance("CS-03")
@settings(max_examples=50)
@given(ADVERTS)
def test_cs_03_scapy_computes_our_checksum_and_we_read_what_it_sends(advert: Advert) -> None:
    theirs = VRRPv3(
        vrid=advert.virtual_router_id,
        priority=advert.priority,
        adv=advert.advert_int // CENTISECOND,
        addrlist=list(advert.addresses),
        ipcount=len(advert.addresses),
    )
    payload = bytes(IP(src=SOURCE, dst=GROUP, proto=112) / theirs)[20:]
    assert payload == encode_advert(advert, SOURCE, GROUP)
    assert decode_advert(payload, SOURCE, GROUP) == (advert, ChecksumForm.PSEUDO_HEADER)


@pytest.mark.conformance("PKT-05", "PKT-08", "CS-01", "TX-05")
@settings(max_examples=50)
@given(ADVERTS_V2, PASSWORDS)
def test_scapy_reads_what_we_send_in_version_2(advert: Advert, password: bytes | None) -> None:
    payload = encode_advert(advert, SOURCE, GROUP, auth_data=password)
    seen = VRRP(payload)
    assert (seen.version, seen.type, seen.vrid, seen.priority) == (2, 1, advert.virtual_router_id, advert.priority)
    assert seen.adv * NANOSECONDS_PER_SECOND == advert.advert_int
    assert tuple(seen.addrlist) == advert.addresses
    assert seen.authtype == (0 if password is None else 1)
    assert payload[-8:] == (password or bytes(8))
    assert checksum(payload) == 0


@pytest.mark.conformance("CS-01", "PKT-08")
@settings(max_examples=50)
@given(ADVERTS_V2)
def test_scapy_computes_our_checksum_in_version_2_and_we_read_what_it_sends(advert: Advert) -> None:
    theirs = VRRP(
        vrid=advert.virtual_router_id,
        priority=advert.priority,
        adv=advert.advert_int // NANOSECONDS_PER_SECOND,
        addrlist=list(advert.addresses),
        ipcount=len(advert.addresses),
    )
    payload = bytes(IP(src=SOURCE, dst=GROUP, proto=112) / theirs)[20:]
    assert payload == encode_advert(advert, SOURCE, GROUP)
    assert decode_advert(payload, SOURCE, GROUP, version=2) == (advert, ChecksumForm.MESSAGE_ONLY)


@pytest.mark.conformance("CS-02", "PKT-09")
@settings(max_examples=50)
@given(ADVERTS_V6)
def test_scapy_computes_our_checksum_over_ipv6(advert: Advert) -> None:
    """scapy's VRRPv3 knows IPv4 addresses only; what it computes over any IPv6 payload is asked instead."""
    payload = encode_advert(advert, SOURCE6, GROUP6)
    blank = payload[:6] + bytes(2) + payload[8:]
    expected = in6_chksum(112, IPv6(src=SOURCE6, dst=GROUP6), blank)
    assert int.from_bytes(payload[6:8], "big") % 0xFFFF == expected % 0xFFFF
    assert decode_advert(payload, SOURCE6, GROUP6) == (advert, ChecksumForm.PSEUDO_HEADER)
