# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two running daemons under mutated packets from a third host: no crash, no transition, few lines of log.

What the ladder would accept is left out: a good packet of a better router does move the address, and has to.
"""

from __future__ import annotations

import random
import struct
import time
import typing as t
from dataclasses import dataclass, replace
from ipaddress import ip_address
from pathlib import Path

from netns.daemons import Daemon, instance
from netns.flood import sender
from netns.segment import DEVICE, VIP, Segment
from netns.wire import GROUP_MAC, GROUP_V6_MAC

from lab.waiting import wait_for
from mainstay.model.units import seconds
from mainstay.vrrp.expectations import GROUP, GROUP_V6, Expectations
from mainstay.vrrp.receive import Envelope, receive_datagram, receive_payload
from mainstay.vrrp.rejection import PacketError

from .packets import WALL, Ends, Kind, kinds, mutated

ADVERT_INT = 1.0
V6_ADDRESSES = ("fe80::51", "2001:db8::51")
LINES_A_SECOND = 10
"""Of one daemon, for which each reason, of two instances and the interface, is told every five seconds."""
PACKETS_A_SECOND = 20_000
_RENEWED_EVERY = 1000
_IP4, _IP6 = struct.Struct("!BBHHHBBHII"), struct.Struct("!IHBB16s16s")


class Broken(AssertionError):
    """What a daemon must not do under any packet."""


@dataclass
class Attack:
    """Frames of mutated packets from one host; what the daemons would accept is skipped and counted."""

    random_: random.Random
    source: str
    source_v6: str
    mac: bytes
    skipped: int = 0

    def frames(self, count: int) -> t.Iterator[bytes]:
        """So many frames that no daemon may believe."""
        expected = Expectations(51, seconds(ADVERT_INT), (VIP,))
        expected_v6 = replace(expected, addresses=V6_ADDRESSES, family=6)
        everyone: list[Kind] = []
        made = 0
        while made < count:
            if made % _RENEWED_EVERY == 0:
                everyone = kinds()
            kind = self.random_.choice(everyone)
            wanted = expected_v6 if kind.family == 6 else expected
            ends = self._ends(kind)
            payload = mutated(self.random_, kind, [one.payload for one in everyone], ends)
            packet = _packet(kind.family, payload, ends)
            if _accepted(kind.family, packet, payload, ends, wanted):
                self.skipped += 1
                continue
            made += 1
            yield self._ethernet(kind.family, packet)

    def _ends(self, kind: Kind) -> Ends:
        texts = (self.source_v6, GROUP_V6) if kind.family == 6 else (self.source, GROUP)
        source, group = (int(ip_address(text)) for text in texts)
        return source, group

    def _ethernet(self, family: int, packet: bytes) -> bytes:
        group, ethertype = (GROUP_V6_MAC, b"\x86\xdd") if family == 6 else (GROUP_MAC, b"\x08\x00")
        return bytes.fromhex(group.replace(":", "")) + self.mac + ethertype + packet


def _packet(family: int, payload: bytes, ends: Ends) -> bytes:
    if family == 6:
        source, group = (end.to_bytes(16, "big") for end in ends)
        return _IP6.pack(6 << 28 | 0xC0 << 20, len(payload), 112, 255, source, group) + payload
    header = _IP4.pack(0x45, 0xC0, 20 + len(payload), 1, 0, 255, 112, 0, *ends)
    total = sum(struct.unpack("!10H", header))
    total = (total & 0xFFFF) + (total >> 16)
    checksum = ~(total + (total >> 16)) & 0xFFFF
    return header[:10] + checksum.to_bytes(2, "big") + header[12:] + payload


def _accepted(family: int, packet: bytes, payload: bytes, ends: Ends, wanted: Expectations) -> bool:
    try:
        if family == 6:
            receive_payload(payload, Envelope(*ends, 255), wanted, WALL)
        else:
            receive_datagram(packet, wanted, WALL)
    except PacketError:
        return False
    return True


def fuzz_wire(count: int, seed: int, segment: Segment, folder: Path) -> list[str]:
    """Send `count` packets. Returns what is worth knowing; raises Broken or DeadlinePassed."""
    daemons = _pair(segment, folder)
    attacker = segment.node("c")
    wait_for(lambda: attacker.link_local, 10, "the attacker's link-local address")
    mac = attacker.run("cat", f"/sys/class/net/{DEVICE}/address").stdout.strip()
    attack = Attack(random.Random(seed), attacker.address, attacker.link_local, bytes.fromhex(mac.replace(":", "")))
    before = [_standing(daemon) for daemon in daemons]
    began = time.monotonic()
    with sender(attacker) as out:
        sent = out.send(attack.frames(count), PACKETS_A_SECOND)
    counted = [_discarded(daemon) for daemon in daemons]
    for daemon, was, heard in zip(daemons, before, counted):
        if _standing(daemon) != was:
            raise Broken(f"seed {seed}: {was} became {_standing(daemon)}\n{daemon.evidence()}")
        lines = daemon.log.read_text().count("\n")
        if lines > LINES_A_SECOND * (time.monotonic() - began + 4):
            raise Broken(f"seed {seed}: {lines} lines of log\n{daemon.evidence()}")
        if "Traceback" in daemon.log.read_text() or 2 * heard < count:
            raise Broken(f"seed {seed}: {heard} of {count} packets were heard\n{daemon.evidence()}")
    heard_by = " and ".join(f"{one}" for one in counted)
    return [
        f"{count} mutated packets at {sent.rate:.0f} a second, {heard_by} counted and discarded; "
        f"{attack.skipped} that were good again were not sent",
        f"no crash, no transition, {[daemon.log.read_text().count(chr(10)) for daemon in daemons]} lines of log",
    ]


def _pair(segment: Segment, folder: Path) -> list[Daemon]:
    """Both families on each side, with one number."""
    daemons = []
    for name, priority, state in (("a", 150, "MASTER"), ("b", 100, "BACKUP")):
        v6 = instance(priority, advert_int=ADVERT_INT, virtual_ipaddress=[f"{each}/64" for each in V6_ADDRESSES])
        daemon = Daemon(segment.node(name), folder, VI_1=instance(priority, advert_int=ADVERT_INT), VI_6=v6)
        wait_for(lambda node=daemon.node: node.link_local, 10, "a link-local address")
        daemon.start()
        for router in ("VI_1", "VI_6"):
            daemon.await_state(state, name=router)
        daemons.append(daemon)
    return daemons


def _standing(daemon: Daemon) -> tuple[object, ...]:
    """Nothing of this may change: the processes, the states, who holds the addresses."""
    status = daemon.ask("status")["vrrp"]
    each = status["instances"].values()
    held = tuple(daemon.node.holds(address) for address in (VIP, V6_ADDRESSES[1]))
    return (status["pid"], [(one["state"], one["transitions"]) for one in each], held)


def _discarded(daemon: Daemon) -> int:
    """Packets counted, by the one instance of each family and by the interface for those of neither."""
    end = time.monotonic() + 5
    total = -1
    while time.monotonic() < end:
        status = daemon.ask("status")["vrrp"]
        now = sum(sum(one["counters"]["discarded"].values()) for one in status["instances"].values())
        if now == total:
            break
        total = now
        time.sleep(0.2)
    return total

