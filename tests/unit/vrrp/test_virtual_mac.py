# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The virtual router's MAC address (NDP-01)."""

from __future__ import annotations

import pytest

from mainstay.vrrp.virtual_mac import virtual_mac


@pytest.mark.conformance("NDP-01")
@pytest.mark.parametrize(
    ("family", "number", "expected"),
    [
        (4, 1, "00:00:5e:00:01:01"),
        (4, 255, "00:00:5e:00:01:ff"),
        (6, 1, "00:00:5e:00:02:01"),
        (6, 51, "00:00:5e:00:02:33"),
    ],
)
def test_the_last_byte_is_the_virtual_router_id(family: int, number: int, expected: str) -> None:
    assert virtual_mac(family, number).hex(":") == expected


@pytest.mark.conformance_negative("NDP-01")
def test_no_two_routers_of_a_segment_have_the_same_and_a_number_out_of_range_has_none() -> None:
    assert len({virtual_mac(family, number) for family in (4, 6) for number in range(1, 256)}) == 510
    with pytest.raises(ValueError, match="range"):
        virtual_mac(4, 256)
