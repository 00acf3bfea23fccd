# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Classic BPF, the kernel's own filter on a socket (linux/filter.h): what it drops wakes nobody and fills no queue."""

from __future__ import annotations

import array
import contextlib
import socket
import struct
import typing as t

LOAD_WORD, LOAD_HALF, LOAD_BYTE = 0x20, 0x28, 0x30
IF_EQUAL, IF_ANY_BIT = 0x15, 0x45
RETURN = 0x06
EVERYTHING = 0xFFFFFFFF
"""Returned: the whole packet passes; 0 is none of it."""
NETWORK_HEADER = 0xFFF00000
"""Offsets from here count from the IP header, wherever the packet itself begins (SKF_NET_OFF)."""

_SO_ATTACH_FILTER = 26
_SO_DETACH_FILTER = 27
_SO_ATTACH_REUSEPORT_CBPF = 51
_INSTRUCTION = struct.Struct("=HBBI")
_PROGRAM = struct.Struct("@HP")  # number of instructions, address of the first


class Instruction(t.NamedTuple):
    """One struct sock_filter."""

    code: int
    constant: int
    when_true: int = 0
    """Instructions that a jump leaves out, at most 255."""
    when_false: int = 0


def packed(program: t.Iterable[Instruction]) -> bytes:
    """As the kernel wants it."""
    return b"".join(_INSTRUCTION.pack(one.code, one.when_true, one.when_false, one.constant) for one in program)


def attach(receiver: socket.socket, program: bytes) -> None:
    """Let the kernel filter what this socket receives from now on; what waits already stays. Raises OSError."""
    _load(receiver, _SO_ATTACH_FILTER, program)


def detach(receiver: socket.socket) -> None:
    """Let everything pass again."""
    with contextlib.suppress(FileNotFoundError):  # there was no filter
        receiver.setsockopt(socket.SOL_SOCKET, _SO_DETACH_FILTER, 0)


def share_out(receiver: socket.socket, program: bytes) -> None:
    """Let the program choose, among the sockets that share a port with this one, by their order. Raises OSError."""
    _load(receiver, _SO_ATTACH_REUSEPORT_CBPF, program)


def _load(receiver: socket.socket, option: int, program: bytes) -> None:
    instructions = array.array("B", program)
    place, length = instructions.buffer_info()
    receiver.setsockopt(socket.SOL_SOCKET, option, _PROGRAM.pack(length // _INSTRUCTION.size, place))
