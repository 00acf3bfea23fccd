# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The codec under mutated packets: nothing but PacketError comes out, and what is accepted is what was said."""

from __future__ import annotations

import collections
import hashlib
import random
import struct
from dataclasses import dataclass, field

from mainstay.vrrp.packet import Message, encode_advert
from mainstay.vrrp.receive import Envelope, Received, peek_virtual_router_id, receive_datagram, receive_payload
from mainstay.vrrp.rejection import PacketError

from .packets import WALL, Ends, Kind, ends_of, kinds, mutated

# Verifiers remember what they have seen; with new ones the good packets are good again.
_RENEWED_EVERY = 1000
_IP_HEADER = struct.Struct("!BBHHHBBHII")


@dataclass
class Tally:
    """What became of the packets."""

    count: int = 0
    accepted: int = 0
    by_reason: collections.Counter[str] = field(default_factory=collections.Counter)
    digest: str = ""
    """Of every verdict in order: two runs of one seed are equal."""

    def add(self, other: Tally) -> None:
        self.count += other.count
        self.accepted += other.accepted
        self.by_reason += other.by_reason

    def lines(self) -> list[str]:
        refused = [f"  {number:>9} {reason}" for reason, number in self.by_reason.most_common()]
        return [f"{self.count} packets: {self.accepted} accepted, {self.count - self.accepted} discarded", *refused]


class Finding(AssertionError):
    """The codec did what it must not; the text has all that is needed to see it again."""


def fuzz(count: int, seed: int) -> Tally:
    """Send `count` packets through the ladder. Raises Finding at the first that breaks a rule."""
    random_, tally, digest = random.Random(seed), Tally(), hashlib.sha256()
    everyone: list[Kind] = []
    pool: list[bytes] = []
    for number in range(count):
        if number % _RENEWED_EVERY == 0:
            everyone = kinds()
            pool = [kind.payload for kind in everyone]
        kind = random_.choice(everyone)
        ends = ends_of(random_, kind)
        payload = mutated(random_, kind, pool, ends)
        verdict = judge(random_, kind, payload, ends, f"seed {seed} packet {number} ({kind.name})")
        tally.accepted += verdict == "accepted"
        if verdict != "accepted":
            tally.by_reason[verdict] += 1
        digest.update(verdict.encode())
    tally.count, tally.digest = count, digest.hexdigest()
    return tally


def judge(random_: random.Random, kind: Kind, payload: bytes, ends: Ends, story: str) -> str:
    """Receive one payload: "accepted" or the reason. Raises Finding."""
    packet = payload
    try:
        if kind.family == 6:
            received = receive_payload(payload, Envelope(*ends, _hop_limit(random_)), kind.expectations, WALL)
        else:
            packet = _datagram(random_, payload, ends)
            peek_virtual_router_id(packet)
            received = receive_datagram(packet, kind.expectations, WALL)
    except PacketError as refused:
        str(refused)
        return refused.reason.value
    except Exception as error:  # noqa: BLE001  to find those is what this is for
        raise Finding(f"{story}: {error!r} for {packet.hex()}") from error
    _check_accepted(kind, payload, received, f"{story}: {packet.hex()}")
    return "accepted"


def _check_accepted(kind: Kind, payload: bytes, received: Received, story: str) -> None:
    wanted, advert = kind.expectations, received.advert
    said = Message(payload)
    if (advert.version, advert.virtual_router_id) != (wanted.version, wanted.virtual_router_id):
        raise Finding(f"{story}: another router's packet was accepted")
    if advert.advert_int <= 0 or (wanted.addresses and not advert.addresses):
        raise Finding(f"{story}: interval {advert.advert_int}, {len(advert.addresses)} addresses")
    if (advert.priority, len(advert.addresses)) != (said.priority, said.address_count):
        raise Finding(f"{story}: {advert} is not what the packet says")
    _check_round_trip(kind, payload, received, story)


def _check_round_trip(kind: Kind, payload: bytes, received: Received, story: str) -> None:
    """Encoding what was understood gives the packet back, but for what receivers ignore."""
    wanted = kind.expectations
    again = encode_advert(received.advert, kind.source, kind.destination, received.checksum_form, wanted.auth_data)
    if _blank(again, wanted.version) != _blank(payload[: len(again)], wanted.version):
        raise Finding(f"{story}: understood as {received.advert}, which is {again.hex()}")
    said = Message(again)
    said.check_length(wanted.family)
    if said.advert() != received.advert:
        raise Finding(f"{story}: {received.advert} becomes {said.advert()}")


def _blank(payload: bytes, version: int) -> bytes:
    """Without checksum, reserved bits and, in version 2 without a password, authentication data."""
    if version == 3:
        return payload[:4] + bytes([payload[4] & 0x0F, payload[5]]) + payload[8:]
    end = 8 + 4 * payload[3]
    tail = bytes(8) if payload[4] == 0 else payload[end : end + 8]
    return payload[:6] + payload[8:end] + tail + payload[end + 8 :]


def _datagram(random_: random.Random, payload: bytes, ends: Ends) -> bytes:
    """The payload in an IPv4 header that is nearly always right."""
    options = random_.choice((0, 0, 0, 0, 0, 0, 4, 40))
    total = 20 + options + len(payload)
    first = 0x40 | 5 + options // 4
    header = _IP_HEADER.pack(first, 0xC0, total, 1, 0x4000, _hop_limit(random_), 112, 0, *ends)
    packet = header + bytes(options) + payload
    if random_.random() < 0.05:
        bad = bytearray(packet)
        bad[random_.randrange(20)] = random_.randrange(256)
        return bytes(bad)
    return packet + bytes(random_.choice((0, 0, 0, 6, 14)))


def _hop_limit(random_: random.Random) -> int:
    return 255 if random_.random() < 0.98 else random_.randrange(256)
