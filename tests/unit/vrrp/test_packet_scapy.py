# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Our packets and scapy's: a codec that no one here wrote agrees with ours in both directions."""

from __future__ import annotations

from hypothesis import given, settings
from scapy.layers.inet import IP
from scapy.layers.vrrp import VRRPv3

from mainstay.vrrp.advert import Advert
from mainstay.vrrp.packet import ChecksumForm, decode_advert, encode_advert

from .packets import ADVERTS, CENTISECOND, GROUP, SOURCE

# scapy takes a dispatch on the first bytes only from 16 bytes up; the layer is named here instead.


@settings(max_examples=50)
@given(ADVERTS)
def test_scapy_reads_what_we_send(advert: Advert) -> None:
    seen = VRRPv3(encode_advert(advert, SOURCE, GROUP), _underlayer=IP(src=SOURCE, dst=GROUP))
    assert (seen.version, seen.type, seen.res) == (3, 1, 0)
    assert (seen.vrid, seen.priority) == (advert.virtual_router_id, advert.priority)
    assert seen.adv * CENTISECOND == advert.advert_int
    assert tuple(seen.addrlist) == advert.addresses


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
