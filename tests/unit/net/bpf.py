# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An interpreter of classic BPF (linux/filter.h), as far as our programs go; tests/netns loads them into a kernel."""

from __future__ import annotations

import struct

_NETWORK_HEADER = 0xFFF00000  # SKF_NET_OFF, -0x100000
_SIZES = {0x30: 1, 0x20: 4}


def passes(program: bytes, packet: bytes, datagram: bytes = b"") -> bool:
    """Whether the program lets the packet pass; a read behind its end drops it, as in the kernel.

    `datagram` is the whole IP datagram, for loads that count from the IP header.
    """
    instructions = list(struct.iter_unpack("=HBBI", program))
    at, loaded = 0, 0
    while True:
        code, when, otherwise, constant = instructions[at]
        at += 1
        if code == 0x06:
            return constant > 0
        if code == 0x15:
            at += when if loaded == constant else otherwise
            continue
        octets, offset = (datagram, constant - _NETWORK_HEADER) if constant >= _NETWORK_HEADER else (packet, constant)
        field = octets[offset : offset + _SIZES[code]]
        if len(field) < _SIZES[code]:
            return False
        loaded = int.from_bytes(field, "big")
