# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ladder stands before the router: what it refuses changes nothing (I5, RX-25)."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from mainstay.vrrp.actions import State
from mainstay.vrrp.events import AdvertReceived
from mainstay.vrrp.receive import receive_datagram
from mainstay.vrrp.rejection import PacketError

from .packets import EXPECTATIONS, datagram, message
from .routers import router_in

DAMAGE = st.tuples(st.integers(0, 31), st.integers(1, 255))


@pytest.mark.conformance("RX-25")
@pytest.mark.conformance_negative("RX-25")
@given(st.sampled_from(State), st.lists(DAMAGE, min_size=1, max_size=4), st.integers(0, 32))
def test_i5_rx_25_a_packet_that_is_refused_changes_nothing(
    state: State, damage: list[tuple[int, int]], size: int
) -> None:
    router = router_in(state)
    before = dict(vars(router))
    packet = bytearray(datagram(message(priority=250)))
    for position, mask in damage:
        packet[position] ^= mask
    try:
        received = receive_datagram(bytes(packet[:size]), EXPECTATIONS)
    except PacketError:
        assert vars(router) == before
    else:
        router.handle(AdvertReceived(received.advert, received.source), 1)
