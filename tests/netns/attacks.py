# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What somebody on the segment can send who is none of the routers. One table for the tests and for `make faults`."""

from __future__ import annotations

import functools
import typing as t
from dataclasses import dataclass

from netns.segment import Node
from netns.wire import GROUP_MAC, advert
from scapy.layers.inet import IP
from scapy.layers.l2 import Ether

BROADCAST = "ff:ff:ff:ff:ff:ff"
"""To one router alone, without asking for its MAC."""

Frames = t.Callable[["Scene"], t.Sequence[bytes]]


@dataclass(frozen=True)
class Scene:
    """Who is there."""

    attacker: Node
    master: Node
    backup: Node
    advert_int: float
    """Seconds."""
    version: int = 3

    @property
    def centiseconds(self) -> int:
        return round(self.advert_int * 100)


@dataclass(frozen=True)
class Attack:
    """Some frames, sent over and over."""

    id: str
    words: str
    frames: Frames
    harmful: bool
    """Whether it costs availability when adverts are not signed."""
    intervals: int = 4
    """How long it lasts, in advert intervals; 0: every frame once."""
    rate: float = 0.0
    """Frames a second; 0: one an interval."""
    unicast: bool = False
    """Against routers with unicast_peer."""


def _spoof(scene: Scene, **fields: object) -> list[bytes]:
    return [_frame(advert(scene.attacker.address, **{"adv": scene.centiseconds, **fields}))]


def _frame(packet: t.Any, destination: str = GROUP_MAC) -> bytes:
    return bytes(Ether(dst=destination) / packet)


def _strangers(scene: Scene) -> list[bytes]:
    return [frame for number in range(1, 256) if number != 51 for frame in _spoof(scene, vrid=number)]


def _wrong_group(scene: Scene) -> list[bytes]:
    packet = advert(scene.attacker.address, priority=254, adv=scene.centiseconds)
    packet[IP].dst = "224.0.0.99"
    return [_frame(packet, "01:00:5e:00:00:63"), _frame(packet)]


def _junk(scene: Scene) -> list[bytes]:
    fields: list[dict[str, object]] = [{"chksum": number} for number in range(1, 40)]
    fields += [{"ttl": 64}, {"adv": 0}, {"type": 7}, {"addrlist": []}]
    return [frame for one in fields for frame in _spoof(scene, priority=254, **one)]


def _to_one(scene: Scene, source: str) -> list[bytes]:
    frames = []
    for victim in (scene.master, scene.backup):
        packet = advert(source, priority=254, adv=scene.centiseconds)
        packet[IP].dst = victim.address
        frames.append(_frame(packet, BROADCAST))
    return frames


def _stranger_to_one(scene: Scene) -> list[bytes]:
    return _to_one(scene, scene.attacker.address)


def _as_peer(scene: Scene) -> list[bytes]:
    """The source is the backup's: it stands in the master's list of peers."""
    return _to_one(scene, scene.backup.address)[:1]


ATTACKS = (
    Attack("A01", "priority 255, once an interval", functools.partial(_spoof, priority=255), harmful=True),
    Attack("A02", "priority 0, once an interval", functools.partial(_spoof, priority=0), harmful=False),
    Attack(
        "A03", "one packet that says interval 40.95 s", functools.partial(_spoof, priority=255, adv=4095), True, 0
    ),
    Attack("A05", "20 kpps of 254 other routers' numbers", _strangers, harmful=False, rate=20_000),
    Attack("A06", "another group's packets, and in our group's frames", _wrong_group, harmful=False),
    Attack("A07", "junk with our number as fast as it goes", _junk, harmful=False, rate=1e9),
    Attack("A08", "unicast: a stranger", _stranger_to_one, harmful=False, unicast=True),
    Attack("A09", "unicast: a stranger with a peer's address", _as_peer, harmful=True, unicast=True),
)
"""A04, a replay, needs a master that has gone: see test_attacks.py and faults/attack.py."""
