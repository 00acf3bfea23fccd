# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lets through, inside the kernel, the notifications that can mean the loss of a route or rule of ours.

A router that talks BGP changes thousands of routes in a second. A classic BPF program on the listening socket (struct
sock_filter of linux/filter.h) keeps the worker asleep for all of them: it passes a removed rule, a removed route of
protocol keepalived, and a route that replaced another, which may have been ours.
"""

from __future__ import annotations

import ctypes
import socket
import struct
import sys

from .routes import RTM_DELROUTE, RTM_NEWROUTE, RTPROT_KEEPALIVED
from .rules import RTM_DELRULE

_SO_ATTACH_FILTER = 26
_LOAD_BYTE, _JUMP_IF_EQUAL, _JUMP_IF_SET, _RETURN = 0x30, 0x15, 0x45, 0x06
_EVERYTHING = 0xFFFFFFFF
# Netlink is in host order, loads of BPF are in network order: look at single bytes.
_LITTLE = sys.byteorder == "little"
_TYPE_AT = 4 if _LITTLE else 5  # low byte of nlmsg_type; the types that matter are below 256
_FLAGS_AT = 7 if _LITTLE else 6  # high byte of nlmsg_flags, where NLM_F_REPLACE (0x100) is bit 0
_PROTOCOL_AT = 16 + 5  # rtm_protocol behind the netlink header
_PASS, _DROP = 8, 9  # instruction numbers below


def loss_filter() -> bytes:
    """The program: a sequence of struct sock_filter."""
    return b"".join(
        struct.pack("=HBBI", code, yes - at - 1 if yes else 0, no - at - 1 if no else 0, value)
        for at, (code, value, yes, no) in enumerate(
            (
                (_LOAD_BYTE, _TYPE_AT, 0, 0),
                (_JUMP_IF_EQUAL, RTM_DELRULE, _PASS, 2),
                (_JUMP_IF_EQUAL, RTM_DELROUTE, 4, 3),
                (_JUMP_IF_EQUAL, RTM_NEWROUTE, 6, _DROP),
                (_LOAD_BYTE, _PROTOCOL_AT, 0, 0),
                (_JUMP_IF_EQUAL, RTPROT_KEEPALIVED, _PASS, _DROP),
                (_LOAD_BYTE, _FLAGS_AT, 0, 0),
                (_JUMP_IF_SET, 1, _PASS, _DROP),
                (_RETURN, _EVERYTHING, 0, 0),
                (_RETURN, 0, 0, 0),
            )
        )
    )


def attach_loss_filter(listener: socket.socket) -> None:
    """Raises OSError when the kernel refuses the program."""
    program = loss_filter()
    buffer = ctypes.create_string_buffer(program, len(program))
    # struct sock_fprog holds the address of the program; the kernel copies it before the call returns.
    header = struct.pack("@HP", len(program) // 8, ctypes.addressof(buffer))
    listener.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, header)
