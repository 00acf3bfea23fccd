# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Datagrams of the process connector, laid out as linux/cn_proc.h says."""

from __future__ import annotations

import struct

import pytest

from mainstay.net.process_events import CHANGED, ENDED, WELCOME, ProcessEvent, decode

FORK, EXEC, UID, COMM, EXIT = 1, 2, 4, 0x200, 0x80000000


def datagram(what: int, *numbers: int, connector: tuple[int, int] = (1, 1)) -> bytes:
    event = struct.pack("=IIQ", what, 0, 0) + struct.pack(f"={len(numbers)}i", *numbers).ljust(24, b"\0")
    body = struct.pack("=IIIIHH", *connector, 0, 0, len(event), 0) + event
    return struct.pack("=IHHII", 16 + len(body), 3, 0, 0, 0) + body


@pytest.mark.parametrize(
    ("bytes_received", "event"),
    [
        (datagram(0, 0), ProcessEvent(WELCOME, 0)),
        (datagram(FORK, 1, 1, 70, 70), ProcessEvent(CHANGED, 70)),
        (datagram(EXEC, 70, 70), ProcessEvent(CHANGED, 70)),
        (datagram(COMM, 70, 70), ProcessEvent(CHANGED, 70)),
        (datagram(EXIT, 70, 70, 0, 17), ProcessEvent(ENDED, 70)),
    ],
)
def test_what_happens_to_a_process_is_read(bytes_received: bytes, event: ProcessEvent) -> None:
    assert decode(bytes_received) == [event]


@pytest.mark.parametrize(
    "bytes_received",
    [
        datagram(FORK, 1, 1, 71, 70),  # a thread
        datagram(EXIT, 71, 70),
        datagram(UID, 70, 70),
        datagram(0, 1),  # a refusal
        datagram(EXEC, 70, 70, connector=(1, 2)),
        datagram(EXEC, 70, 70)[:50],
        b"\x04\0\0\0" + bytes(60),
        b"",
    ],
)
def test_anything_else_is_left_out(bytes_received: bytes) -> None:
    assert decode(bytes_received) == []


def test_several_messages_in_one_datagram() -> None:
    assert decode(datagram(EXEC, 7, 7) + datagram(EXIT, 8, 8)) == [ProcessEvent(CHANGED, 7), ProcessEvent(ENDED, 8)]
