# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A filter of the kernel over Ethernet frames: one field has a value, and an IPv4 address is one of ours.

A packet socket with it wakes nobody for what others say to each other.
"""

from __future__ import annotations

import array
import socket
import struct
import typing as t
from dataclasses import dataclass

LOAD_BYTE, LOAD_HALF = 0x30, 0x28

_LOAD_WORD, _IF_EQUAL, _RETURN = 0x20, 0x15, 0x06
_WHOLE_FRAME = 4096
_SO_ATTACH_FILTER = 26
_INSTRUCTION = struct.Struct("=HBBI")  # code, jump when true, jump when false, constant
_PROGRAM = struct.Struct("@HP")  # number of instructions, address of the first
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
        """Classic BPF: frames with the value and one of these addresses pass, nothing else does."""
        numbers = [int.from_bytes(socket.inet_aton(address), "big") for address in addresses[:_MOST_ADDRESSES]]
        count = len(numbers)
        program = [
            (self.load, 0, 0, self.field_at),
            (_IF_EQUAL, 0, count + 1, self.value),
            (_LOAD_WORD, 0, 0, self.address_at),
        ]
        program += [(_IF_EQUAL, count - position, 0, number) for position, number in enumerate(numbers)]
        program += [(_RETURN, 0, 0, 0), (_RETURN, 0, 0, _WHOLE_FRAME)]
        return b"".join(_INSTRUCTION.pack(*instruction) for instruction in program)


def attach(receiver: socket.socket, program: bytes) -> None:
    """Let the kernel filter what this packet socket receives. Raises OSError."""
    instructions = array.array("B", program)
    place, length = instructions.buffer_info()
    receiver.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, _PROGRAM.pack(length // _INSTRUCTION.size, place))
