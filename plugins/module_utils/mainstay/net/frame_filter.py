# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A filter of the kernel over Ethernet frames: one field has a value, and an IPv4 address is one of ours.

A packet socket with it wakes nobody for what others say to each other.
"""

from __future__ import annotations

import socket
import typing as t
from dataclasses import dataclass

from .packet_filter import IF_EQUAL, LOAD_WORD, RETURN, Instruction, packed

_WHOLE_FRAME = 4096
_MOST_ADDRESSES = 200  # a jump reaches 255 instructions


@dataclass(frozen=True)
class FrameFilter:
    """What the frames have in common."""

    load: int
    """LOAD_BYTE or LOAD_HALF."""
    field_at: int
    """Octets from the start of the frame."""
    value: int
    address_at: int

    def program(self, addresses: t.Sequence[str]) -> bytes:
        """Frames with the value and one of these addresses pass, nothing else does."""
        numbers = [int.from_bytes(socket.inet_aton(address), "big") for address in addresses[:_MOST_ADDRESSES]]
        count = len(numbers)
        return packed(
            [
                Instruction(self.load, self.field_at),
                Instruction(IF_EQUAL, self.value, 0, count + 1),
                Instruction(LOAD_WORD, self.address_at),
                *(Instruction(IF_EQUAL, number, count - at) for at, number in enumerate(numbers)),
                Instruction(RETURN, 0),
                Instruction(RETURN, _WHOLE_FRAME),
            ]
        )
