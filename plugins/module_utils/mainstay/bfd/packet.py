# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The bytes of a BFD control packet (RFC 5880 section 4.1), and what makes one invalid (section 6.8.6).

```
 0                   1                   2                   3
|Vers |  Diag   |Sta|P|F|C|A|D|M|  Detect Mult  |    Length     |
|                       My Discriminator                        |
|                      Your Discriminator                       |
|        Desired Min TX Interval, microseconds                  |
|        Required Min RX Interval, microseconds                 |
|        Required Min Echo RX Interval, microseconds            |
```
"""

from __future__ import annotations

import enum
import struct
import typing as t
from dataclasses import dataclass

from ..model.units import Duration

VERSION = 1
LENGTH = 24
"""Octets, without authentication."""

NANOSECONDS_PER_MICROSECOND = 1000

POLL, FINAL = 0x20, 0x10
_AUTHENTICATION, _DEMAND, _MULTIPOINT = 0x04, 0x02, 0x01
_LENGTH_WITH_AUTHENTICATION = 26
_LAYOUT = struct.Struct("!BBBBIIIII")
_LARGEST = 0xFFFFFFFF


class State(enum.IntEnum):
    """Of a session (section 4.1); the value is the one on the wire."""

    ADMIN_DOWN = 0
    DOWN = 1
    INIT = 2
    UP = 3


class Diagnostic(enum.IntEnum):
    """Why a session changed its state last (section 4.1)."""

    NONE = 0
    DETECTION_TIME_EXPIRED = 1
    ECHO_FAILED = 2
    NEIGHBOR_SIGNALED_DOWN = 3
    FORWARDING_PLANE_RESET = 4
    PATH_DOWN = 5
    CONCATENATED_PATH_DOWN = 6
    ADMINISTRATIVELY_DOWN = 7
    REVERSE_CONCATENATED_PATH_DOWN = 8


class RejectReason(str, enum.Enum):
    """Why a packet was discarded; the value is the counter's name in the status."""

    TTL = "ttl"  # RFC 5881 section 5
    SOURCE = "source"
    TRUNCATED = "truncated"
    VERSION = "version"
    LENGTH = "length"
    DETECT_MULTIPLIER = "detect_multiplier"
    MULTIPOINT = "multipoint"
    MY_DISCRIMINATOR = "my_discriminator"
    YOUR_DISCRIMINATOR = "your_discriminator"
    STATE = "state"
    AUTHENTICATION = "authentication"


class PacketError(Exception):
    """A received packet is discarded; nothing else may come of it."""

    def __init__(self, reason: RejectReason, detail: str) -> None:
        self.reason = reason
        self.detail = detail
        super().__init__(f"{reason.value}: {detail}")


@dataclass(frozen=True)
class ControlPacket:
    """One control packet without authentication; intervals are nanoseconds, whole microseconds on the wire."""

    state: State
    diagnostic: int
    """0..31; those that this code knows are in Diagnostic."""
    detect_multiplier: int
    my_discriminator: int
    your_discriminator: int
    desired_min_tx: Duration
    required_min_rx: Duration
    """0: the sender wants no periodic packets."""
    poll: bool = False
    final: bool = False
    demand: bool = False
    """The sender wants periodic packets to cease while both ends are UP."""


def encode(packet: ControlPacket) -> bytes:
    """24 octets. Raises ValueError for what the format cannot carry; a validated configuration never has it."""
    intervals = packet.desired_min_tx, packet.required_min_rx
    if not 1 <= packet.detect_multiplier <= 255 or max(intervals) > _LARGEST * NANOSECONDS_PER_MICROSECOND:
        raise ValueError(f"BFD cannot carry {packet}")
    flags = (POLL * packet.poll) | (FINAL * packet.final) | (_DEMAND * packet.demand)
    return _LAYOUT.pack(
        VERSION << 5 | packet.diagnostic,
        packet.state << 6 | flags,
        packet.detect_multiplier,
        LENGTH,
        packet.my_discriminator,
        packet.your_discriminator,
        *(interval // NANOSECONDS_PER_MICROSECOND for interval in intervals),
        0,  # no echo
    )


def decode(payload: bytes) -> ControlPacket:
    """The packet in a UDP payload; raises PacketError unless everything holds that the packet itself can show.

    The checks are those of section 6.8.6, in its order; what lies behind `Length` is not looked at.
    """
    if len(payload) < LENGTH:
        raise PacketError(RejectReason.TRUNCATED, f"{len(payload)} octets, a control packet has at least {LENGTH}")
    first, second, multiplier, length, mine, yours, min_tx, min_rx, _echo = _LAYOUT.unpack_from(payload)
    fields = _Fields(first >> 5, second, multiplier, length, mine, yours, len(payload))
    for reason, holds, detail in _CHECKS:
        if not holds(fields):
            raise PacketError(reason, detail.format(*fields, state=fields.state.name))
    return ControlPacket(
        fields.state,
        first & 0x1F,
        multiplier,
        mine,
        yours,
        min_tx * NANOSECONDS_PER_MICROSECOND,
        min_rx * NANOSECONDS_PER_MICROSECOND,
        bool(second & POLL),
        bool(second & FINAL),
        bool(second & _DEMAND),
    )


def check_ttl(ttl: int, max_hops: int) -> None:
    """A packet from the same link still has the TTL of 255 (RFC 5881 section 5). Raises PacketError.

    `max_hops`: routers it may have passed all the same; -1: any number.
    """
    if 0 <= max_hops < 255 - ttl:
        detail = f"TTL {ttl}, at least {255 - max_hops} is expected: is the neighbor on this link, does it send 255?"
        raise PacketError(RejectReason.TTL, detail)


class _Fields(t.NamedTuple):
    """What the checks look at; their sentences name these by position."""

    version: int
    flags: int
    multiplier: int
    length: int
    mine: int
    yours: int
    size: int

    @property
    def state(self) -> State:
        return State(self.flags >> 6)


def _least_length(fields: _Fields) -> int:
    return _LENGTH_WITH_AUTHENTICATION if fields.flags & _AUTHENTICATION else LENGTH


_CHECKS: t.Tuple[t.Tuple[RejectReason, t.Callable[[_Fields], bool], str], ...] = (
    (RejectReason.VERSION, lambda fields: fields.version == VERSION, "version {0}, only 1 is spoken"),
    (RejectReason.LENGTH, lambda fields: fields.length >= _least_length(fields), "length {3} is too short"),
    (RejectReason.LENGTH, lambda fields: fields.length <= fields.size, "length {3}, but {6} octets arrived"),
    (RejectReason.DETECT_MULTIPLIER, lambda fields: fields.multiplier != 0, "detect multiplier 0"),
    (RejectReason.MULTIPOINT, lambda fields: not fields.flags & _MULTIPOINT, "the multipoint bit is set"),
    (RejectReason.MY_DISCRIMINATOR, lambda fields: fields.mine != 0, "the sender's discriminator is 0"),
    (
        RejectReason.STATE,
        lambda fields: fields.yours != 0 or fields.state <= State.DOWN,
        "state {state} without our discriminator",
    ),
    (
        RejectReason.AUTHENTICATION,
        lambda fields: not fields.flags & _AUTHENTICATION,
        "it is authenticated, we are not: turn authentication off at the neighbor",
    ),
)
